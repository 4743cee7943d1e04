"""Real processes killed under load: whatever was answered with 202 is searchable once."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.pipeline.conftest import Stack, start_stack, stop_stack
from tests.pipeline.steps import Json, search, story, submit, submit_and_wait, wait_for, word_of
from tests.support import eventually

pytestmark = pytest.mark.process
DRAIN_S = 60


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = start_stack(tmp_path_factory.mktemp("faults") / "data", "--no-samples", "--enrich-workers", "2")
    yield stack
    stop_stack(stack)


@pytest.fixture
async def clients(own_stack: Stack) -> AsyncIterator[tuple[httpx2.AsyncClient, httpx2.AsyncClient]]:
    async with (
        httpx2.AsyncClient(base_url=own_stack.ingest_url, timeout=10) as ingest,
        httpx2.AsyncClient(base_url=own_stack.index_url, timeout=10) as index,
    ):
        yield ingest, index


async def submit_under_fire(
    ingest: httpx2.AsyncClient, articles: list[Json], kills: list[tuple[float, int]]
) -> list[Json]:
    """Submit each article until it is accepted, while `kills` (after seconds, pid) are carried out."""

    async def kill(after_s: float, pid: int) -> None:
        await asyncio.sleep(after_s)
        os.kill(pid, signal.SIGKILL)

    async def submit_one(article: Json) -> Json:
        deadline = asyncio.get_running_loop().time() + DRAIN_S
        while True:
            try:
                response = await ingest.post("/v1/articles", json=article)
            except httpx2.HTTPError:
                response = None
            if response is not None and response.status_code == 202:
                answer: Json = response.json()
                return answer
            assert response is None or response.status_code == 503, response.text
            assert asyncio.get_running_loop().time() < deadline, "ingest did not come back"
            await asyncio.sleep(0.1)

    killers = [asyncio.create_task(kill(after_s, pid)) for after_s, pid in kills]
    answers: list[Json] = []
    for start in range(0, len(articles), 10):
        answers += await asyncio.gather(*map(submit_one, articles[start : start + 10]))
        await asyncio.sleep(0.02)
    await asyncio.gather(*killers)
    return answers


async def all_searchable_once(
    index: httpx2.AsyncClient, articles: list[Json], answers: list[Json], source: str
) -> None:
    async def drained() -> bool:
        try:
            return bool((await search(index, source=source))["total"] == len(articles))
        except (httpx2.HTTPError, AssertionError):
            return False

    await eventually(drained, within_s=DRAIN_S, what=f"{len(articles)} articles of {source} searchable")
    for article, answer in list(zip(articles, answers, strict=True))[::7]:
        page = await search(index, word_of(article))
        assert [hit["id"] for hit in page["hits"]] == [answer["id"]]


@pytest.mark.parametrize("victim", ["enrich", "index", "ingest", "redis"])
async def test_nothing_accepted_is_lost_when_a_process_is_killed(
    own_stack: Stack, clients: tuple[httpx2.AsyncClient, httpx2.AsyncClient], victim: str
) -> None:
    ingest, index = clients
    source = f"Killed {victim} {word_of(story())}"
    articles = [story(source=source) for _ in range(120)]
    pids = [pid for name, pid in own_stack.pids().items() if name.startswith(victim)]
    assert pids, f"no {victim} among {own_stack.pids()}"
    answers = await submit_under_fire(ingest, articles, [(0.15 + 0.1 * n, pid) for n, pid in enumerate(pids)])
    await all_searchable_once(index, articles, answers, source)


async def test_the_supervisor_brings_a_killed_service_back(own_stack: Stack) -> None:
    before = own_stack.pids()
    os.kill(before["index"], signal.SIGKILL)
    after = await eventually(
        lambda: own_stack.pids() if own_stack.pids().get("index") not in (None, before["index"]) else None,
        within_s=20,
        what="a new index process",
    )
    assert after["redis"] == before["redis"]


async def test_reindexing_keeps_articles_revisions_and_takedowns(
    own_stack: Stack, clients: tuple[httpx2.AsyncClient, httpx2.AsyncClient]
) -> None:
    ingest, index = clients
    kept, gone = story(), story()
    answer = await submit_and_wait(ingest, kept)
    await submit_and_wait(ingest, kept | {"body": kept["body"] + " Second edition."})
    doomed = await submit_and_wait(ingest, gone)
    await ingest.delete(f"/v1/articles/{doomed['id']}")
    await eventually(lambda: answers_gone(index, doomed["id"]))
    total = (await search(index))["total"]
    result = await asyncio.to_thread(own_stack.cli, "reindex")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (await search(index))["total"] == total
    assert (await index.get(f"/v1/articles/{answer['id']}")).json()["revision"] == 2
    assert await answers_gone(index, doomed["id"])
    assert (await search(index, word_of(gone)))["total"] == 0
    await submit_and_wait(ingest, story())


async def test_a_flushed_redis_loses_neither_history_nor_what_is_in_flight(
    own_stack: Stack, clients: tuple[httpx2.AsyncClient, httpx2.AsyncClient]
) -> None:
    ingest, index = clients
    kept, gone = story(), story()
    await submit_and_wait(ingest, kept)
    await submit_and_wait(ingest, kept | {"body": kept["body"] + " Second edition."})
    doomed = await submit_and_wait(ingest, gone)
    await ingest.delete(f"/v1/articles/{doomed['id']}")
    await eventually(lambda: answers_gone(index, doomed["id"]))
    workers = [pid for name, pid in own_stack.pids().items() if name.startswith("enrich")]
    in_flight = [story() for _ in range(20)]
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        answers = [await submit(ingest, article) for article in in_flight]
        async with own_stack.redis() as redis:
            await redis.flushall()
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    third = await submit_when_ready(ingest, kept | {"body": kept["body"] + " Third edition."})
    assert third["revision"] == 3, "the correction is not taken for a first revision"
    assert (await ingest.post("/v1/articles", json=gone)).status_code == 409
    for answer in [*answers, third]:
        await wait_for(ingest, answer)
    for article, answer in zip(in_flight, answers, strict=True):
        assert [hit["id"] for hit in (await search(index, word_of(article)))["hits"]] == [answer["id"]]
    served = await index.get(f"/v1/articles/{third['id']}")
    assert served.json()["revision"] == 3
    assert await answers_gone(index, doomed["id"])


async def answers_gone(index: httpx2.AsyncClient, article_id: str) -> bool:
    return (await index.get(f"/v1/articles/{article_id}")).status_code == 410


async def submit_when_ready(ingest: httpx2.AsyncClient, article: Json) -> Json:
    """Submit as a patient client does: again after each 503."""

    async def taken() -> Json | None:
        response = await ingest.post("/v1/articles", json=article)
        assert response.status_code in (202, 503), response.text
        answer: Json = response.json()
        return answer if response.status_code == 202 else None

    accepted: Json = await eventually(taken, within_s=20, what="ingest takes articles again")
    return accepted


def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    first = start_stack(tmp_path / "data", "--no-samples")
    article = story()
    submitted = first.cli("submit", "-", "--wait", "--json", stdin=json.dumps(article))
    assert submitted.returncode == 0, submitted.stdout + submitted.stderr
    assert stop_stack(first) == 0
    second = start_stack(tmp_path / "data", "--no-samples")
    try:
        found = second.cli("search", word_of(article), "--json")
        assert word_of(article) in found.stdout, found.stdout + found.stderr
    finally:
        assert stop_stack(second) == 0
