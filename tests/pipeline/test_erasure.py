"""Takedowns and erasure, from outside: what is gone, and that every byte of it is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import zstandard
from redis.asyncio import Redis

from tests.pipeline.conftest import Stack, start_stack, stop_stack
from tests.pipeline.steps import receipt, search, story, submit, submit_and_wait, wait_for, word_of
from tests.support import eventually

pytestmark = pytest.mark.process
Client = httpx2.AsyncClient


def report_of(word: str, end: str, **fields: Any) -> dict[str, Any]:
    body = (
        f"Ferry {word} ran aground off Kuressaare with 212 passengers aboard, the Estonian coast guard said. "
        f"Captain Jaan Tamm of the {word} blamed a faulty buoy. Tugboats pulled at the hull all night. {end}"
    )
    return story(word, body=body, **fields)


async def related_ids(index: Client, article_id: str) -> set[str]:
    article = (await index.get(f"/v1/articles/{article_id}")).json()
    page = (await index.get(f"/v1/articles/{article_id}/related")).json()
    return {link.get("id") for link in (*article.get("related", ()), *page["related"])}


async def test_after_a_takedown_nothing_leads_to_the_article(ingest: Client, index: Client) -> None:
    word = word_of(story())
    first = await submit_and_wait(ingest, report_of(word, "First.", title=f"Ferry {word} aground"))
    other_url = {"url": f"https://wire.example/{word}-2"}
    second = await submit_and_wait(ingest, report_of(word, "Second.", title=f"The {word} freed", **other_url))
    assert first["id"] in await related_ids(index, second["id"])
    story_id = (await index.get(f"/v1/articles/{second['id']}")).json()["story_id"]
    assert (await search(index, word, story=story_id, facets="stories"))["total"] == 2

    gone = await ingest.delete(f"/v1/articles/{first['id']}", params={"reason": "court order"})
    assert gone.status_code == 202

    async def is_gone() -> bool:
        return (await index.get(f"/v1/articles/{first['id']}")).status_code == 410

    await eventually(is_gone)
    page = await search(index, word, story=story_id, facets="stories")
    assert page["total"] == 1 and page["facets"]["stories"][0]["count"] == 1
    assert first["id"] not in await related_ids(index, second["id"])
    third_url = {"url": f"https://wire.example/{word}-3"}
    third = await submit_and_wait(ingest, report_of(word, "Third.", title=f"The {word} again", **third_url))
    found = await related_ids(index, third["id"])
    assert second["id"] in found and first["id"] not in found
    last = (await receipt(ingest, first["id"]))["timeline"][-1]
    assert (last["stage"], last["detail"]) == ("retracted", "court order")


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of our own: the one that tests share may be somebody's deployment."""
    data_dir = tmp_path_factory.mktemp("erasure") / "data"
    stack = start_stack(data_dir, "--no-samples", "--enrich-workers", "1")
    yield stack
    stop_stack(stack)


@pytest.fixture
async def clients(own_stack: Stack) -> AsyncIterator[tuple[Client, Client]]:
    async with (
        Client(base_url=own_stack.ingest_url, timeout=30) as ingest,
        Client(base_url=own_stack.index_url, timeout=30) as index,
    ):
        yield ingest, index


async def values_of(redis: Redis) -> list[bytes]:
    """Return everything that Redis holds, values and keys, as bytes."""
    found: list[bytes] = []
    async for key in redis.scan_iter():
        kind = (await redis.type(key)).decode()
        read: Any = {
            "string": lambda k: redis.get(k),
            "hash": lambda k: redis.hgetall(k),
            "stream": lambda k: redis.xrange(k),
            "zset": lambda k: redis.zrange(k, 0, -1),
            "set": lambda k: redis.smembers(k),
            "list": lambda k: redis.lrange(k, 0, -1),
        }[kind]
        dump: Any = await redis.dump(key)
        # A dump shows what is marked as deleted and still there.
        found += [key, repr(await read(key)).encode(), dump or b""]
    return found


def files_with(data_dir: Path, canary: bytes) -> list[str]:
    """Return the files that hold it, archive segments decompressed."""
    found = []
    for path in data_dir.rglob("*"):
        if not path.is_file():
            continue
        content = path.read_bytes()
        if path.suffix == ".zst":
            with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
                content = reader.read()
        if canary in content.lower():
            found.append(str(path.relative_to(data_dir)))
    return found


async def everywhere(stack: Stack, canary: str) -> list[str]:
    assert stack.data_dir is not None
    redis = stack.redis()
    try:
        held = [value for value in await values_of(redis) if canary.encode() in value.lower()]
    finally:
        await redis.aclose()
    return files_with(stack.data_dir, canary.encode()) + [repr(value[:80]) for value in held]


async def test_after_an_erasure_no_byte_of_the_article_is_left(
    own_stack: Stack, clients: tuple[Client, Client]
) -> None:
    ingest, index = clients
    canary, word = "canaryzqxj", word_of(story())
    watching = {"name": "Ferries", "q": word, "webhook_url": "http://127.0.0.1:9/"}
    search_id = (await index.post("/v1/saved-searches", json=watching)).json()["id"]
    secret = report_of(
        word,
        f"Said {canary}.",
        title=f"Ferry {canary} {word}",
        url=f"https://wire.example/{canary}",
        authors=[f"Ann {canary}"],
        extra_field={"note": canary},
    )
    first = await submit_and_wait(ingest, secret)
    revised = await submit_and_wait(ingest, secret | {"body": secret["body"] + f" More {canary}."})
    assert revised["revision"] == 2
    neighbour = await submit_and_wait(ingest, report_of(word, "Else.", title=f"The {word} freed"))
    linked = (await index.get(f"/v1/articles/{neighbour['id']}")).text
    assert canary in linked, "the neighbour's own record names the article"
    script = f"<p> </p><script>var {canary} = 1;</script>"
    dead = await submit(ingest, {"html": script, "url": "https://wire.example/dead"})
    await wait_for(ingest, dead, "dead_lettered")
    kept = await submit(ingest, {"html": "<script>var x = 1;</script>", "url": "https://wire.example/other"})
    await wait_for(ingest, kept, "dead_lettered")
    letters = (await ingest.get("/v1/dead-letters")).json()["dead_letters"]
    assert await everywhere(own_stack, canary)
    waiting = (await index.get(f"/v1/saved-searches/{search_id}")).json()
    assert waiting["matches"] == 2 and waiting["pending"] >= 2

    done = own_stack.cli("retract", first["id"], dead["id"], "--erase", "--reason", "wish", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["erasure"]
    assert report["state"] == "done"
    places = {place["place"]: place for place in report["places"]}
    assert places["archive"]["removed"] == 2 and places["archive"]["left"] == 0
    assert "other articles: 1" in places["archive"]["note"] and places["stream articles.dead"]["removed"] == 1
    assert places["backups"]["left"] is None

    assert await everywhere(own_stack, canary) == []
    assert (await index.get(f"/v1/articles/{first['id']}")).status_code == 410
    assert (await search(index, word))["total"] == 1
    assert (await index.get(f"/v1/articles/{neighbour['id']}")).status_code == 200
    left = (await ingest.get("/v1/dead-letters")).json()["dead_letters"]
    assert left == [letter for letter in letters if letter["article_id"] == kept["id"]]
    last = (await receipt(ingest, first["id"]))["timeline"][-1]
    assert (last["stage"], last["detail"]) == ("retracted", "wish")


async def test_an_erasure_goes_on_after_its_service_was_killed(
    own_stack: Stack, clients: tuple[Client, Client]
) -> None:
    ingest, index = clients
    canary = "canaryzqxk"
    first = await submit_and_wait(ingest, story(title=f"About {canary}"))
    await submit_and_wait(ingest, story())
    await ingest.delete(f"/v1/articles/{first['id']}")
    assert own_stack.data_dir is not None
    token = (own_stack.data_dir / "index" / "admin.token").read_text()
    headers = {"authorization": f"Bearer {token}"}

    async def ready() -> bool:
        with contextlib.suppress(httpx2.HTTPError):
            return (await index.get("/readyz")).status_code == 200
        return False

    async def asked() -> int:
        body = {"ids": [first["id"]]}
        answer = await index.post("/v1/admin/erasures", json=body, headers=headers)
        return int(answer.json()["number"]) if answer.status_code == 202 else 0

    number = await eventually(asked)
    for delay_s in (0.3, 1.2, 2.0):  # before it has begun, and in the middle of it
        await asyncio.sleep(delay_s)
        os.kill(await eventually(lambda: own_stack.pids().get("index")), signal.SIGKILL)
        await eventually(ready, within_s=30)

    async def done() -> bool:
        try:
            token = (own_stack.data_dir / "index" / "admin.token").read_text()  # type: ignore[operator]
            headers = {"authorization": f"Bearer {token}"}
            answer = await index.get(f"/v1/admin/erasures/{number}", headers=headers)
        except (httpx2.HTTPError, OSError):
            return False
        return answer.status_code == 200 and answer.json()["state"] == "done"

    await eventually(done, within_s=60)
    assert await everywhere(own_stack, canary) == []
    restored = await submit_and_wait(ingest, story(title="Anew"))
    assert restored["status"] == "accepted"
