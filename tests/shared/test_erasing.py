"""What goes when an article is erased: from events, streams, dead letters and what is known of it."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from shared.erasing import Erased
from shared.events import ArticleEnriched, DeadLetter, Event, Related, decode_event, encode_event
from shared.runtime import erasing
from shared.runtime.erasing import (
    count_left,
    erasable_epochs,
    erase_from_streams,
    erased_since,
    rewrite_files,
    scrub_articles,
    tell_ingest,
    wait_for_older_entries,
)
from shared.runtime.groups import ensure_groups
from shared.streams import DEAD, ENRICHED, EVENT_FIELD, RAW, article_key
from tests.support import NOW, article_id, enriched, retracted, submitted

GONE = Erased({article_id("gone"): 1})
LINK = Related(kind="similar", id=article_id("gone"), url="https://a/", title="Secret", score=0.5, why="x")


def letter(event: Event, **fields: object) -> DeadLetter:
    given = {"stream": RAW.key(0), "group": "enrich", "entry_id": "1-1", "reason": "permanent", "error": "e"}
    payload = {EVENT_FIELD.decode(): encode_event(event)}
    return DeadLetter.model_validate(given | {"attempts": 1, "died_at": NOW, "fields": payload} | fields)


@pytest.mark.parametrize("event", [submitted("gone"), enriched("gone", epoch=1)], ids=["raw", "enriched"])
def test_the_content_of_an_erased_article_goes(event: Event) -> None:
    assert GONE.without(encode_event(event)) is None
    assert GONE.without_in_letter(encode_event(letter(event))) is None


@pytest.mark.parametrize(
    "event",
    [submitted("gone", epoch=2), retracted("gone"), submitted("other"), enriched("other")],
    ids=["restored since", "takedown", "another", "another enriched"],
)
def test_what_is_not_its_content_stays_as_it_is(event: Event) -> None:
    payload = encode_event(event)
    assert GONE.without(payload) is payload
    held = encode_event(letter(event))
    assert GONE.without_in_letter(held) is held


def test_links_to_it_go_and_all_else_of_the_other_article_stays() -> None:
    other = Related(kind="cited", id=None, url="https://b/", title="Theirs", score=1.0, why="y")
    payload = encode_event(enriched("other", related=(LINK, other)))
    kept = GONE.without(payload)
    assert kept is not None and b"Secret" not in kept
    assert decode_event(kept) == enriched("other", related=(other,))
    scrubbed = GONE.without_in_letter(encode_event(letter(enriched("other", related=(LINK,)))))
    assert scrubbed is not None
    held = decode_event(scrubbed)
    assert isinstance(held, DeadLetter)
    assert decode_event(held.fields[EVENT_FIELD.decode()]) == enriched("other")


def test_fields_of_other_versions_outlive_the_removal_of_a_link() -> None:
    document = json.loads(encode_event(enriched("other", related=(LINK,))))
    document |= {"schema_version": "9.1", "news": [1, 2.5, 12345678901234567890]}
    kept = GONE.without(json.dumps(document).encode())
    assert kept is not None
    assert json.loads(kept) | {"article": None} == document | {"article": None}


@pytest.mark.parametrize("damaged", ['{"article_id":"%s"', '["%s"]', '"%s"'], ids=["cut", "array", "string"])
def test_what_names_it_and_cannot_be_read_goes(damaged: str) -> None:
    payload = (damaged % article_id("gone")).encode()
    assert GONE.without(payload) is None
    assert GONE.without_in_letter(payload) is None
    assert GONE.without(b"\xff{") == b"\xff{"


async def put(redis: Redis, key: str, event: Event) -> bytes:
    entry_id: bytes = await redis.xadd(key, {EVENT_FIELD: encode_event(event)})
    return entry_id


async def test_entries_go_from_streams_and_from_those_that_work_on_them(redis: Redis) -> None:
    await ensure_groups(redis, 1)
    for name in ("gone", "other"):
        await put(redis, RAW.key(0), submitted(name))
    await put(redis, RAW.key(0), retracted("gone"))
    await put(redis, ENRICHED.key(0), enriched("gone"))
    await redis.xreadgroup("enrich", "worker", {RAW.key(0): ">"})
    found = await erase_from_streams(redis, GONE, 1)
    assert found == {RAW.name: 1, ENRICHED.name: 1, DEAD.name: 0}
    left = [fields[EVENT_FIELD] for _, fields in await redis.xrange(RAW.key(0))]
    assert left == [encode_event(submitted("other")), encode_event(retracted("gone"))]
    assert (await redis.xpending(RAW.key(0), "enrich"))["pending"] == 2
    assert await count_left(redis, GONE, 1) == 0
    assert await erase_from_streams(redis, GONE, 1) == {RAW.name: 0, ENRICHED.name: 0, DEAD.name: 0}


@pytest.mark.parametrize("others", [0, 3], ids=["alone", "among others"])
async def test_no_byte_of_an_erased_dead_letter_stays_and_others_keep_their_ids(
    redis: Redis, others: int
) -> None:
    key = DEAD.key(0)
    ids = [await put(redis, key, letter(submitted(f"o{n}"))) for n in range(others)]
    await put(redis, key, letter(submitted("gone", title="Canaryzq")))
    linked: ArticleEnriched = enriched("linked", related=(LINK,))
    ids += [await put(redis, key, letter(linked))] if others else []
    last = (await redis.xinfo_stream(key))["last-generated-id"]
    assert (await erase_from_streams(redis, GONE, 1))[DEAD.name] == 1 + bool(others)
    assert [entry_id for entry_id, _ in await redis.xrange(key)] == ids
    dump = await redis.dump(key)
    assert dump is not None and GONE.epochs.keys() and b"anaryzq" not in dump
    assert (await redis.xinfo_stream(key))["last-generated-id"] == last
    assert await redis.keys("*draft*") == []
    assert await count_left(redis, GONE, 1) == 0


async def test_dead_letters_that_cannot_be_written_anew_are_deleted(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = DEAD.key(0)
    await redis.xadd(key, {f"f{n}": "x" for n in range(9000)})
    await put(redis, key, letter(submitted("gone")))
    assert (await erase_from_streams(redis, GONE, 1))[DEAD.name] == 1
    assert await redis.xlen(key) == 1 and await redis.keys("*draft*") == []
    await put(redis, key, letter(submitted("gone")))
    monkeypatch.setattr(erasing, "MAX_LETTERS", 1)
    assert (await erase_from_streams(redis, GONE, 1))[DEAD.name] == 1
    assert await redis.xlen(key) == 1


async def test_a_receipt_keeps_when_and_why_it_was_taken_down_and_nothing_of_its_content(
    redis: Redis,
) -> None:
    key = article_key(article_id("gone"), 1)
    kept = {b"rev": b"2", b"epoch": b"0", b"tomb": b"1", b"t:retracted:0.2": b"5|court | order"}
    told = {b"hash": b"abc", b"duplicate_of": b"x", b"t:dead_lettered:0.1": b"3|no text in Canary"}
    await redis.hset(key, mapping={**kept, **told})
    assert await scrub_articles(redis, [article_id("gone")], 1) == 1
    assert await redis.hgetall(key) == kept | {b"t:dead_lettered:0.1": b"3"}
    assert await scrub_articles(redis, [article_id("gone"), article_id("never")], 1) == 0


async def test_only_what_is_taken_down_may_be_erased(redis: Redis) -> None:
    await redis.hset(article_key(article_id("gone"), 1), mapping={"tomb": "1", "epoch": "3"})
    await redis.hset(article_key(article_id("served"), 1), mapping={"rev": "1"})
    names = ("gone", "served", "never")
    epochs = await erasable_epochs(redis, map(article_id, names), 1)
    assert epochs == dict(zip(map(article_id, names), (3, None, None), strict=True))


async def test_ingest_is_told_which_articles_up_to_which_epoch(redis: Redis) -> None:
    await tell_ingest(redis, Erased({"old": 0}), NOW - timedelta(days=2))
    await tell_ingest(redis, GONE, NOW)
    score = NOW.timestamp()
    assert await erased_since(redis, score) == [(article_id("gone"), 1, score)]
    assert await erased_since(redis, 0) == [(article_id("gone"), 1, score)]


async def test_older_entries_are_waited_for(redis: Redis) -> None:
    await redis.xadd(RAW.key(0), {"event": "x"}, id="1000-1")
    assert not await wait_for_older_entries(redis, NOW, 1, 0.1)
    await redis.delete(RAW.key(0))
    assert await wait_for_older_entries(redis, NOW, 1, 0.1)


async def test_a_user_who_may_not_rewrite_files_is_told(redis: Redis, redis_url: str) -> None:
    assert await rewrite_files(redis) is None
    await redis.config_set("appendonly", "yes")
    limited: Redis | None = None
    try:
        assert await rewrite_files(redis) is None
        await redis.execute_command(
            "ACL", "SETUSER", "limited", "on", "nopass", "~*", "+@all", "-@admin", "-@dangerous", "+info"
        )
        limited = Redis.from_url(redis_url.replace("redis://", "redis://limited:x@"))
        problem = await rewrite_files(limited)
        assert problem is not None and "may not" in problem
    finally:
        if limited is not None:
            await limited.aclose()
        await redis.execute_command("ACL", "DELUSER", "limited")
        await redis.config_set("appendonly", "no")
