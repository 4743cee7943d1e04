"""Sources at the doors of ingest: their secrets, limits and hosts, changed while it runs."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.app import create_app
from services.ingest.settings import IngestSettings
from shared.errors import ConfigurationError
from shared.http.auth import hash_api_key, new_api_key
from shared.sources import NewSecrets, Source, new_source, with_new_secrets
from shared.sources_file import changing_sources, with_operator
from shared.sources_place import operator_key
from tests.ingest.conftest import ARTICLE, Start
from tests.ingest.test_doors import signed
from tests.support import eventually, mark_state

Events = Callable[[], Awaitable[list[dict[str, Any]]]]
SETTINGS_KEY = new_api_key()


def add(path: Path, name: str = "Harbour Post", **fields: Any) -> NewSecrets:
    given: dict[str, Any] = {"key": True, "webhook": False, "per_minute": None, "hosts": ()}
    source, made = new_source(name, datetime.now(UTC), **(given | fields))
    with changing_sources(path) as held:
        held[0] = with_operator(held[0].adding(source), path)
    return made


def change(path: Path, name: str, how: Callable[[Source], Source]) -> None:
    with changing_sources(path) as held:
        held[0] = held[0].replacing(how(held[0].named(name)))


def bearer(key: str | None) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def article(number: int = 1, **fields: Any) -> dict[str, Any]:
    url = f"https://www.example.com/news/{number}"
    return ARTICLE | {"id": f"n{number}", "url": url, "title": f"Title {number}"} | fields


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sources.json"


async def test_a_source_submits_by_its_key_under_its_name(
    start_ingest: Start, path: Path, events: Events
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path)
    nameless = {key: value for key, value in article().items() if key != "source"}
    answer = await client.post("/v1/articles", json=nameless, headers=bearer(made.key))
    assert answer.status_code == 202, answer.text
    (event,) = await events()
    assert event["provenance"]["submitted_by"] == event["article"]["source"] == "Harbour Post"
    receipt = await client.get(f"/v1/articles/{answer.json()['id']}/receipt", headers=bearer(made.key))
    assert receipt.json()["timeline"][0]["by"] == "Harbour Post"


async def test_an_article_keeps_the_source_it_names(start_ingest: Start, path: Path, events: Events) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path)
    await client.post("/v1/articles", json=article(source="Night Desk"), headers=bearer(made.key))
    (event,) = await events()
    assert event["article"]["source"] == "Night Desk"


async def test_the_first_source_closes_an_open_ingest_and_leaves_a_key_to_this_machine(
    start_ingest: Start, path: Path
) -> None:
    client = await start_ingest(sources_path=path)
    assert (await client.post("/v1/articles", json=article(1))).status_code == 202
    made = add(path)

    async def closed() -> bool:
        return (await client.post("/v1/articles", json=article(1))).status_code == 401

    await eventually(closed, within_s=5)
    for key in (made.key, operator_key(path)):
        assert (await client.post("/v1/articles", json=article(1), headers=bearer(key))).status_code == 202
    with changing_sources(path) as held:
        held[0] = held[0].without("Harbour Post")

    async def opened() -> bool:
        return (await client.post("/v1/articles", json=article(1))).status_code == 202

    await eventually(opened, within_s=5)


async def test_a_removed_source_is_refused_within_seconds_and_the_keys_of_settings_go_on(
    start_ingest: Start, path: Path
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path, api_keys=f"alice {hash_api_key(SETTINGS_KEY)}")
    assert (await client.post("/v1/articles", json=article(), headers=bearer(made.key))).status_code == 202
    with changing_sources(path) as held:
        held[0] = held[0].without("Harbour Post")

    async def refused() -> bool:
        answer = await client.post("/v1/articles", json=article(), headers=bearer(made.key))
        return answer.status_code == 401

    await eventually(refused, within_s=5)
    answer = await client.post("/v1/articles", json=article(), headers=bearer(SETTINGS_KEY))
    assert answer.status_code == 202


async def test_the_key_of_a_source_adds_no_feeds_and_the_operators_does(
    start_ingest: Start, path: Path
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path)
    feed = {"url": "https://www.example.com/rss"}
    answer = await client.post("/v1/feeds", json=feed, headers=bearer(made.key))
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/operators-only")
    answer = await client.post("/v1/feeds", json=feed, headers=bearer(operator_key(path)))
    assert answer.status_code == 201


async def test_two_keys_and_two_webhook_secrets_are_valid_while_they_are_rotated(
    start_ingest: Start, path: Path
) -> None:
    old = add(path, key=True, webhook=True)
    client = await start_ingest(sources_path=path)
    new: list[NewSecrets] = []

    def rotated(source: Source) -> Source:
        overlap = timedelta(seconds=3)
        changed, made = with_new_secrets(source, datetime.now(UTC), key=True, webhook=True, overlap=overlap)
        new.append(made)
        return changed

    change(path, "Harbour Post", rotated)

    async def status(made: NewSecrets, *, webhook: bool) -> int:
        body = json.dumps(article()).encode()
        headers = signed(body, key=str(made.webhook_secret)) if webhook else bearer(made.key)
        return (await client.post("/v1/articles", content=body, headers=headers)).status_code

    for webhook in (False, True):

        async def taken(webhook: bool = webhook) -> bool:
            return await status(new[0], webhook=webhook) == 202

        await eventually(taken, within_s=5)
        assert await status(old, webhook=webhook) == 202

    async def ended() -> bool:
        return await status(old, webhook=False) == await status(old, webhook=True) == 401

    await eventually(ended, within_s=8)
    assert await status(new[0], webhook=False) == 202


async def test_a_signed_webhook_is_submitted_by_its_source(
    start_ingest: Start, path: Path, events: Events
) -> None:
    add(path, "Other", key=False, webhook=True)
    made = add(path, key=False, webhook=True)
    client = await start_ingest(sources_path=path)
    body = json.dumps(article()).encode()
    answer = await client.post(
        "/v1/articles", content=body, headers=signed(body, key=str(made.webhook_secret))
    )
    assert answer.status_code == 202, answer.text
    (event,) = await events()
    assert event["provenance"] == {"door": "webhook", "submitted_by": "Harbour Post", "versions": {}}


async def test_an_article_on_another_host_is_refused_and_told_which_are_allowed(
    start_ingest: Start, path: Path
) -> None:
    made = add(path, hosts=("harbour.example",))
    client = await start_ingest(sources_path=path)
    for url, status in [
        ("https://news.harbour.example/1", 202),
        ("https://HARBOUR.example:443/2", 202),
        ("https://harbour.example.evil.test/3", 403),
        ("https://evil.test/harbour.example", 403),
        ("https://harbour.example@evil.test/", 403),
    ]:
        answer = await client.post("/v1/articles", json=article(url=url), headers=bearer(made.key))
        assert answer.status_code == status, (url, answer.text)
    problem = answer.json()
    assert problem["type"] == "/problems/host-not-allowed" and problem["errors"][0]["pointer"] == "/url"
    assert "harbour.example" in problem["detail"]
    rows = [article(1, url="https://harbour.example/1"), article(2, url="https://evil.test/2")]
    batch = await client.post("/v1/articles/batch", json=rows, headers=bearer(made.key))
    assert [row["status"] for row in batch.json()["results"]] == ["accepted", "rejected"]


async def test_a_source_over_its_limit_is_told_when_to_come_back(start_ingest: Start, path: Path) -> None:
    made, free = add(path, per_minute=5), add(path, "Free")
    client = await start_ingest(sources_path=path)
    answers = [await client.post("/v1/articles", json=article(n), headers=bearer(made.key)) for n in range(7)]
    assert [answer.status_code for answer in answers] == [202] * 5 + [429] * 2
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 12
    assert answers[-1].json()["type"] == "/problems/rate-limited"
    assert (await client.post("/v1/articles", json=article(9), headers=bearer(free.key))).status_code == 202


async def test_a_batch_over_the_limit_says_which_of_its_articles_to_send_again(
    start_ingest: Start, path: Path
) -> None:
    made = add(path, per_minute=5)
    client = await start_ingest(sources_path=path)
    rows = [article(n) for n in range(8)]
    answer = (await client.post("/v1/articles/batch", json=rows, headers=bearer(made.key))).json()
    assert (answer["accepted"], answer["rejected"]) == (5, 3)
    assert "Send those that were rejected again" in answer["results"][7]["error"]
    assert answer["results"][7]["retry_after_s"] >= 1 and "retry_after_s" not in answer["results"][0]
    again = await client.post("/v1/articles/batch", json=rows, headers=bearer(made.key))
    assert again.status_code == 429 and again.headers["retry-after"]


async def test_a_source_takes_down_what_it_alone_has_submitted(start_ingest: Start, path: Path) -> None:
    ours, theirs = add(path, "Ours"), add(path, "Theirs")
    client = await start_ingest(sources_path=path, api_keys=f"alice {hash_api_key(SETTINGS_KEY)}")
    answer = await client.post("/v1/articles", json=article(1), headers=bearer(ours.key))
    url = f"/v1/articles/{answer.json()['id']}"
    refused = await client.delete(url, headers=bearer(theirs.key))
    assert refused.status_code == 403 and refused.json()["type"] == "/problems/not-your-article"
    canceled = article(1, status="canceled")
    assert (await client.post("/v1/articles", json=canceled, headers=bearer(theirs.key))).status_code == 403
    unseen = await client.delete(f"/v1/articles/{'0' * 32}", headers=bearer(theirs.key))
    assert unseen.status_code == 403
    taken = await client.delete(url, params={"reason": "mistake"}, headers=bearer(ours.key))
    assert taken.status_code == 202
    (_, entry) = (await client.get(f"{url}/receipt", headers=bearer(ours.key))).json()["timeline"]
    assert (entry["stage"], entry["detail"], entry["by"]) == ("retracted", "mistake", "Ours")


async def test_a_source_brings_back_what_it_took_down_itself_and_nothing_else(
    start_ingest: Start, path: Path
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path, api_keys=f"alice {hash_api_key(SETTINGS_KEY)}")

    async def restore(key: str | None) -> int:
        params = {"restore": "true"}
        answer = await client.post("/v1/articles", json=article(1), params=params, headers=bearer(key))
        return answer.status_code

    answer = await client.post("/v1/articles", json=article(1), headers=bearer(made.key))
    url = f"/v1/articles/{answer.json()['id']}"
    await client.delete(url, headers=bearer(made.key))
    assert await restore(made.key) == 202
    await client.delete(url, headers=bearer(SETTINGS_KEY))
    assert await restore(made.key) == 403
    assert await restore(SETTINGS_KEY) == 202


@pytest.mark.parametrize("place", ["/v1/dead-letters", "/v1/feeds", "/v1/feeds.opml"])
async def test_dead_letters_and_feeds_are_not_for_sources(
    start_ingest: Start, path: Path, place: str
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path)
    assert (await client.get(place, headers=bearer(made.key))).status_code == 403
    assert (await client.get(place, headers=bearer(operator_key(path)))).status_code == 200


@pytest.mark.parametrize("mishap", ["gone", "broken"])
async def test_a_file_that_is_lost_or_broken_opens_no_door_and_closes_none(
    start_ingest: Start, path: Path, mishap: str
) -> None:
    made = add(path)
    client: httpx2.AsyncClient = await start_ingest(sources_path=path)
    if mishap == "gone":
        path.unlink()
    else:
        path.write_text("{")
    later = add(path.with_name("later.json"), "Later")

    async def status(key: str | None) -> int:
        headers = bearer(key) if key else {}
        return (await client.post("/v1/articles", json=article(), headers=headers)).status_code

    seen = [(await status(made.key), await status(None)) for _ in range(3)]
    path.with_name("later.json").replace(path)

    async def mended() -> bool:
        return await status(later.key) == 202

    await eventually(mended, within_s=5)
    assert set(seen) == {(202, 401)}


def test_a_source_is_secret_enough_to_listen_beyond_loopback(path: Path, redis_url: str) -> None:
    settings = {"redis_url": redis_url, "ingest_host": "0.0.0.0", "sources_path": path}
    with pytest.raises(ConfigurationError, match="sources add"):
        create_app(IngestSettings(**settings))
    add(path)
    create_app(IngestSettings(**settings))


async def test_who_submitted_outlives_a_redis_that_was_emptied(
    start_ingest: Start, path: Path, redis: Redis, events: Events
) -> None:
    made = add(path)
    client = await start_ingest(sources_path=path)
    answer = await client.post("/v1/articles", json=article(1), headers=bearer(made.key))
    url = f"/v1/articles/{answer.json()['id']}"
    await redis.flushall()
    await mark_state(redis, 1, "second")

    async def republished() -> bool:
        return (await client.get(f"{url}/receipt", headers=bearer(made.key))).status_code == 200

    await eventually(republished)
    receipt = await client.get(f"{url}/receipt", headers=bearer(made.key))
    assert receipt.json()["timeline"][0]["by"] == "Harbour Post"
