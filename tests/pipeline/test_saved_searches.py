"""Saved searches from outside: told within seconds, and kept through kill -9 of the index service."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from standardwebhooks import Webhook

from tests.index.saved_searches.conftest import Receiver
from tests.pipeline.conftest import Stack, start_stack, stop_stack
from tests.pipeline.steps import Json, story, submit, submit_and_wait, word_of
from tests.support import eventually

pytestmark = pytest.mark.process
Client = httpx2.AsyncClient


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = start_stack(tmp_path_factory.mktemp("saved") / "data", "--no-samples", "--enrich-workers", "1")
    yield stack
    assert stop_stack(stack) == 0


@pytest.fixture
async def clients(own_stack: Stack) -> AsyncIterator[tuple[Client, Client]]:
    async with (
        Client(base_url=own_stack.ingest_url, timeout=30) as ingest,
        Client(base_url=own_stack.index_url, timeout=30) as index,
    ):
        yield ingest, index


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    started = Receiver()
    await started.start()
    yield started
    await started.stop()


async def saved(index: Client, word: str, receiver: Receiver) -> Json:
    answer = await index.post(
        "/v1/saved-searches", json={"name": word, "q": word, "webhook_url": receiver.url}
    )
    assert answer.status_code == 201, answer.text
    document: Json = answer.json()
    return document


async def ready(index: Client) -> bool:
    with contextlib.suppress(httpx2.HTTPError):
        return (await index.get("/readyz")).status_code == 200
    return False


async def test_a_submit_reaches_a_receiver_within_seconds_with_a_signature_that_holds(
    clients: tuple[Client, Client], receiver: Receiver
) -> None:
    ingest, index = clients
    article = story()
    search = await saved(index, word_of(article), receiver)
    started = time.monotonic()
    answer = await submit(ingest, article)
    await eventually(lambda: receiver.received)
    assert time.monotonic() - started < 5
    [one] = receiver.received
    document = Webhook(search["webhook_secret"]).verify(one.body, one.headers)
    assert document["data"]["article"]["id"] == answer["id"]
    page = await index.get(document["data"]["article"]["page_url"])
    assert page.status_code == 200 and word_of(article) in page.text
    await ingest.delete(f"/v1/articles/{answer['id']}")
    await eventually(lambda: len(receiver.received) == 2)
    assert receiver.received[1].type == "article.retracted"


async def test_matches_survive_kill_9_at_any_moment_and_keep_their_ids(
    own_stack: Stack, clients: tuple[Client, Client], receiver: Receiver
) -> None:
    ingest, index = clients
    stories = [story(f"zqkillword{n}", title=f"Zqkillall number {n}") for n in range(60)]
    search = await saved(index, "zqkillall", receiver)
    receiver.answer = lambda _: "503 Busy"
    accepted: set[str] = set()

    async def submit_all() -> None:
        for article in stories:
            accepted.add((await submit(ingest, article))["id"])
            await asyncio.sleep(0.05)

    submitting = asyncio.create_task(submit_all())
    for _ in range(3):
        await asyncio.sleep(0.7)
        os.kill(await eventually(lambda: own_stack.pids().get("index")), signal.SIGKILL)
        await eventually(lambda: ready(index), within_s=30)
    await submitting
    receiver.answer = lambda _: "200 OK"
    refused = len(receiver.received)
    await index.patch(f"/v1/saved-searches/{search['id']}", json={"status": "active"})

    def told() -> set[str]:
        return {one.document["data"]["article"]["id"] for one in receiver.received[refused:]}

    async def all_told() -> bool:
        return told() == accepted

    await eventually(all_told, within_s=60)
    by_article: dict[str, set[str]] = {}
    for one in receiver.received:
        by_article.setdefault(one.document["data"]["article"]["id"], set()).add(one.webhook_id)
    assert len(accepted) == 60 and set(by_article) == accepted
    assert all(len(ids) == 1 for ids in by_article.values())


async def test_what_was_accepted_by_the_receiver_before_a_crash_has_the_same_id_after_it(
    own_stack: Stack, clients: tuple[Client, Client], receiver: Receiver
) -> None:
    ingest, index = clients
    article = story()
    await saved(index, word_of(article), receiver)
    receiver.hold = asyncio.Event()
    await submit_and_wait(ingest, article)
    await eventually(lambda: receiver.received)
    os.kill(await eventually(lambda: own_stack.pids().get("index")), signal.SIGKILL)
    receiver.hold.set()
    await eventually(lambda: ready(index), within_s=30)
    await eventually(lambda: len(receiver.received) >= 2, within_s=30)
    first, second = receiver.received[:2]
    assert first.webhook_id == second.webhook_id and first.body == second.body
