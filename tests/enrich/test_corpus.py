"""The corpus in a real Redis: neighbours, stories, redelivery, retraction, bounds."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from services.enrich.corpus import Corpus, Fingerprint, Neighbours, fingerprint
from services.enrich.steps.terms import BackgroundIdf

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDF = BackgroundIdf.load()

HOTLINE = (
    "The Philippine coast guard opened a hotline for fishermen near Masinloc on Monday after two boats "
    "were rammed by a steel-hulled vessel. Commander Rodel Batungbakal said the number would be staffed "
    "day and night. Fishermen from Zambales said they had waited eleven hours for help when the Marivic "
    "took on water."
)
HOTLINE_AGAIN = (
    "A day after the ramming off Masinloc, forty calls had reached the coast guard's new hotline, Commander "
    "Rodel Batungbakal told reporters. The owner of the Marivic asked who would pay for the hull. Zambales "
    "fishermen want an escort."
)
BUDGET = (
    "Norway's finance ministry cut its growth forecast to 0.8 percent, citing weak aluminium prices and a "
    "strike at the Mosjøen smelter. Analysts at Fjordkapital had expected 1.1 percent. The krone "
    "fell against the euro."
)


def number(n: int) -> str:
    return f"{n:032x}"


def article(n: int, body: str, title: str = "", **changes: object) -> Fingerprint:
    options: dict[str, object] = {
        "url": f"https://example.org/{n}", "at": AT + timedelta(hours=n), "version": "", **changes,
    }  # fmt: skip
    return fingerprint(number(n), title=title or f"Report {n}", body=body, idf=IDF, **options)  # type: ignore[arg-type]


async def place(corpus: Corpus, *articles: Fingerprint) -> list[Neighbours]:
    return await corpus.place_many(articles)


def nonsense(seed: int, words: int = 60) -> str:
    rng = random.Random(seed)
    return " ".join("".join(rng.choices("bcdfghklmnprstvaeiou", k=7)) for _ in range(words))


async def state(redis: Redis) -> dict[bytes, object]:
    """All that the corpus holds, without the document counter that only ever grows."""
    held: dict[bytes, object] = {}
    for key in await redis.keys("*"):
        kind = await redis.type(key)
        held[key] = await (redis.hgetall(key) if kind == b"hash" else redis.get(key))
    return held


async def live_keys(redis: Redis) -> set[bytes]:
    return {key for key in await redis.keys("*") if key != b"{corpus}:state"}


async def test_first_article_has_no_neighbours_and_founds_a_story(redis: Redis) -> None:
    (found,) = await place(Corpus(redis), article(1, HOTLINE))
    assert found == Neighbours(article(1, HOTLINE).story_id, (), ())


async def test_second_report_of_an_event_is_similar_and_joins_its_story(redis: Redis) -> None:
    first, other, second = await place(
        Corpus(redis), article(1, HOTLINE, "Hotline"), article(2, BUDGET), article(3, HOTLINE_AGAIN)
    )
    assert second.story_id == first.story_id != other.story_id
    assert [n.id for n in second.similar] == [number(1)]
    assert second.duplicates == ()
    assert second.similar[0].title == "Hotline"
    assert second.similar[0].url == "https://example.org/1"
    assert second.similar[0].why.startswith("shares words: ")
    assert "Masinloc" in second.similar[0].why
    assert other.similar == ()


async def test_edited_copy_is_a_duplicate_with_its_share_and_not_repeated_as_similar(redis: Redis) -> None:
    copy = HOTLINE.replace("Monday", "Tuesday").replace("eleven", "twelve")
    first, second = await place(Corpus(redis), article(1, HOTLINE), article(2, copy, "Another headline"))
    assert [n.id for n in second.duplicates] == [number(1)]
    assert 0.5 < second.duplicates[0].score < 1
    score = second.duplicates[0].score
    assert second.duplicates[0].why == f"{score:.0%} of the text is the same (Jaccard similarity {score:.2f})"
    assert second.similar == ()
    assert second.story_id == first.story_id


async def test_exact_copy_scores_one(redis: Redis) -> None:
    _, second = await place(Corpus(redis), article(1, HOTLINE), article(2, HOTLINE))
    assert second.duplicates[0].score == 1.0


async def test_copies_of_a_text_without_telling_terms_are_found_by_their_bands(redis: Redis) -> None:
    text = "1 2 3 4 5 6 7 8 9 10 11 12"
    assert article(1, text, "1").terms == ()
    _, second = await place(Corpus(redis), article(1, text, "1"), article(2, text, "2"))
    assert [n.id for n in second.duplicates] == [number(1)]


async def test_articles_without_any_words_are_unrelated(redis: Redis) -> None:
    one, two = await place(Corpus(redis), article(1, "…", "?"), article(2, "…", "?"))
    assert two.duplicates == two.similar == ()
    assert one.story_id != two.story_id


async def test_empty_batch_places_nothing(redis: Redis) -> None:
    assert await Corpus(redis).place_many([]) == []
    assert await redis.keys("*") == []


async def test_redelivered_article_changes_nothing_and_keeps_its_story(redis: Redis) -> None:
    corpus = Corpus(redis)
    before = await place(corpus, article(1, HOTLINE), article(2, HOTLINE_AGAIN))
    held = await state(redis)
    again = await place(corpus, article(1, HOTLINE), article(2, HOTLINE_AGAIN))
    assert await state(redis) == held
    assert [n.story_id for n in again] == [n.story_id for n in before]
    assert number(2) not in {n.id for n in again[1].similar}


async def test_new_revision_replaces_the_old_one(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE, version="1"))
    await place(corpus, article(1, BUDGET, version="2"))
    like_old, like_new = await place(corpus, article(2, HOTLINE_AGAIN), article(3, BUDGET))
    assert like_old.similar == ()
    assert [n.id for n in like_new.duplicates] == [number(1)]


async def test_replacing_leaves_nothing_of_the_old_revision_behind(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, BUDGET))
    expected = await live_keys(redis)
    await redis.flushall()
    await place(corpus, article(1, HOTLINE))
    await place(corpus, article(1, BUDGET))
    assert {key for key in await live_keys(redis) if b":d" not in key} == {
        key for key in expected if b":d" not in key
    }
    assert await redis.hget("{corpus}:state", "count") == b"1"


async def test_older_revision_that_comes_late_is_not_recorded(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, BUDGET, version="2"))
    held = await state(redis)
    await place(corpus, article(1, HOTLINE, version="1"))
    assert await state(redis) == held


async def test_article_that_was_alone_joins_a_story_with_its_next_revision(redis: Redis) -> None:
    corpus = Corpus(redis)
    first, stub = await place(corpus, article(1, HOTLINE), article(2, "Breaking", version="1"))
    assert stub.story_id != first.story_id
    (full,) = await place(corpus, article(2, HOTLINE_AGAIN, version="2"))
    assert full.story_id == first.story_id


async def test_article_that_others_have_joined_keeps_its_story_whatever_it_becomes(redis: Redis) -> None:
    corpus = Corpus(redis)
    first, second = await place(corpus, article(1, HOTLINE), article(2, HOTLINE_AGAIN))
    (revised,) = await place(corpus, article(1, BUDGET, version="2"))
    assert revised.story_id == first.story_id == second.story_id


async def test_forgotten_article_leaves_no_trace(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE))
    assert await corpus.forget(number(1)) is True
    assert await live_keys(redis) == set()
    (found,) = await place(corpus, article(2, HOTLINE_AGAIN))
    assert found.similar == ()


async def test_forgetting_an_article_leaves_the_others(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE))
    held = await state(redis)
    await place(corpus, article(2, HOTLINE_AGAIN))
    await corpus.forget(number(2))
    now = await state(redis)
    del held[b"{corpus}:state"], now[b"{corpus}:state"]
    assert now == held


async def test_forgetting_an_unknown_article_is_no_error(redis: Redis) -> None:
    assert await Corpus(redis).forget(number(9)) is False


async def test_forgotten_version_stays_out_when_it_is_delivered_again(redis: Redis) -> None:
    corpus = Corpus(redis)
    await corpus.forget(number(1), version="2")
    await place(corpus, article(1, HOTLINE, version="1"))
    (late,) = await place(corpus, article(2, HOTLINE_AGAIN))
    assert late.similar == ()
    await place(corpus, article(1, HOTLINE, version="3"))
    (after,) = await place(corpus, article(3, HOTLINE_AGAIN))
    assert number(1) in {n.id for n in after.similar}


async def test_takedown_of_an_older_version_leaves_the_newer_one(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE, version="3"))
    assert await corpus.forget(number(1), version="2") is False
    (found,) = await place(corpus, article(2, HOTLINE_AGAIN))
    assert [n.id for n in found.similar] == [number(1)]


async def test_story_outlives_its_first_article_and_does_not_take_a_stranger_back(redis: Redis) -> None:
    corpus = Corpus(redis)
    first, second = await place(corpus, article(1, HOTLINE), article(2, HOTLINE_AGAIN))
    await corpus.forget(number(1))
    (third,) = await place(corpus, article(3, HOTLINE))
    assert third.story_id == second.story_id == first.story_id
    (stranger,) = await place(corpus, article(1, BUDGET))
    assert stranger.story_id != first.story_id
    assert (await place(corpus, article(1, BUDGET)))[0].story_id == stranger.story_id


async def test_workers_that_place_reports_at_once_agree_on_the_story(redis: Redis, redis_url: str) -> None:
    clients = [Redis.from_url(redis_url) for _ in range(6)]
    try:
        placed = await asyncio.gather(
            *(place(Corpus(client), article(n, HOTLINE)) for n, client in enumerate(clients))
        )
    finally:
        for client in clients:
            await client.aclose()
    assert len({found.story_id for (found,) in placed}) == 1


async def test_articles_leave_after_the_window(redis: Redis) -> None:
    now = AT
    corpus = Corpus(redis, window=timedelta(days=14), clock=lambda: now)
    await place(corpus, article(1, HOTLINE))
    now = AT + timedelta(days=13)
    (inside,) = await place(corpus, article(2, HOTLINE_AGAIN))
    assert [n.id for n in inside.similar] == [number(1)]
    now = AT + timedelta(days=15)
    await place(corpus, article(3, BUDGET))
    assert await redis.hget("{corpus}:state", "count") == b"2"
    (after,) = await place(corpus, article(4, HOTLINE))
    assert [n.id for n in after.similar] == [number(2)]
    assert after.duplicates == ()


async def test_oldest_articles_leave_when_there_are_too_many(redis: Redis) -> None:
    corpus = Corpus(redis, max_articles=20)
    await place(corpus, *(article(n, nonsense(n)) for n in range(20)))
    size = await redis.dbsize()
    await place(corpus, *(article(n, nonsense(n)) for n in range(20, 80)))
    assert await redis.hget("{corpus}:state", "count") == b"20"
    assert await redis.dbsize() < size * 1.1
    (oldest,) = await place(corpus, article(100, nonsense(59)))
    assert oldest.duplicates == ()
    (newest,) = await place(corpus, article(101, nonsense(79)))
    assert [n.id for n in newest.duplicates] == [number(79)]


async def test_posting_lists_of_common_terms_stay_short(redis: Redis) -> None:
    corpus = Corpus(redis, max_postings=10)
    await place(corpus, *(article(n, nonsense(n) + " Masinloc", "Masinloc") for n in range(200)))
    longest = max([await redis.strlen(key) for key in await redis.keys("{corpus}:t*")])
    assert longest <= 4 * (10 + 64)


async def test_a_corpus_of_many_articles_leaves_no_trace_of_a_forgotten_one_either(redis: Redis) -> None:
    corpus = Corpus(redis, max_articles=1_000_000)
    first, second = await place(corpus, article(1, HOTLINE), article(2, HOTLINE_AGAIN))
    assert second.story_id == first.story_id
    assert await redis.keys("{corpus}:i????"), "its buckets are sixteen times as many"
    assert await corpus.forget(number(1)) and await corpus.forget(number(2))
    assert await live_keys(redis) == set()


async def test_older_report_counts_less(redis: Redis) -> None:
    corpus = Corpus(redis, half_life=timedelta(days=10))
    await place(corpus, article(1, HOTLINE, at=AT - timedelta(days=10)), article(2, HOTLINE, at=AT))
    (found,) = await place(corpus, article(3, HOTLINE_AGAIN, at=AT))
    near, far = found.similar
    assert (near.id, far.id) == (number(2), number(1))
    assert far.score == pytest.approx(near.score / 2, abs=0.002)


async def test_works_after_redis_has_lost_its_scripts(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE), article(2, BUDGET))
    await redis.script_flush()
    _, second = await place(corpus, article(3, BUDGET), article(4, HOTLINE_AGAIN))
    assert [n.id for n in second.similar] == [number(1)]


async def test_all_keys_share_a_cluster_slot(redis: Redis) -> None:
    corpus = Corpus(redis)
    await place(corpus, article(1, HOTLINE), article(2, BUDGET))
    await corpus.forget(number(2), version="5")
    assert all(key.startswith(b"{corpus}:") for key in await redis.keys("*"))


async def test_odd_titles_and_dates_pass_through(redis: Redis) -> None:
    far = datetime(9999, 12, 31, tzinfo=UTC)
    odd = article(1, HOTLINE, "\ud800 Titre “é” \x00", url=None, at=far)
    _, found = await place(Corpus(redis), odd, article(2, HOTLINE, at=far))
    assert found.duplicates[0].title == "? Titre “é” \x00"
    assert found.duplicates[0].url is None
