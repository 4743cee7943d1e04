"""The live wire of a whole Wireroom: told within a second or so, and resumed after the worst."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from tests.pipeline.conftest import Stack
from tests.pipeline.steps import story, submit, submit_and_wait, wait_for, word_of
from tests.support import eventually

pytestmark = pytest.mark.process
Client = httpx2.AsyncClient


@asynccontextmanager
async def events(
    index: Client, query: str, last_id: str = ""
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    headers = {"last-event-id": last_id} if last_id else {}
    async with index.stream(
        "GET", "/v1/stream", params={"q": query}, headers=headers, timeout=30
    ) as response:
        assert response.status_code == 200, await response.aread()
        yield _events(response)


async def _events(response: httpx2.Response) -> AsyncIterator[dict[str, Any]]:
    event: dict[str, Any] = {}
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if name in ("event", "id"):
            event[name] = value
        elif name == "data":
            event["data"] = json.loads(value)
        elif event.get("data"):
            yield event
            event = {}


async def test_it_is_told_and_resumed_after_the_index_service_was_killed(
    stack: Stack, ingest: Client, index: Client
) -> None:
    if not stack.own:
        pytest.skip("only a stack of our own may be killed")
    article = story()
    word = word_of(article)
    async with events(index, word) as stream:
        answer = await submit(ingest, article)
        first = await anext(stream)
        assert (first["event"], first["data"]["id"]) == ("article", answer["id"])
        assert first["data"]["title"] == article["title"]
        killed = stack.pids()["index"]
        os.kill(killed, signal.SIGKILL)
        with pytest.raises((httpx2.RemoteProtocolError, httpx2.ReadError)):
            await anext(stream)
    while_down = await submit(ingest, story(word, url=article["url"] + "/2", title=f"More on {word}"))
    await wait_for(ingest, while_down)
    async with events(index, word, first["id"]) as stream:
        # Takedowns shortly before, of other tests too, are told again after a restart, to whoever listens.
        second = await anext(event async for event in stream if event["event"] == "article")
        assert second["data"]["id"] == while_down["id"]
        response = await ingest.delete(f"/v1/articles/{answer['id']}")
        assert response.status_code == 202
        gone = await anext(stream)
        assert (gone["event"], gone["data"]) == ("retracted", {"id": answer["id"]})


async def test_what_is_found_can_be_polled_and_exported(ingest: Client, index: Client) -> None:
    article = story()
    answer = await submit_and_wait(ingest, article)
    feed = (await index.get("/search.json", params={"q": word_of(article)})).json()
    assert [item["url"] for item in feed["items"]] == [article["url"]]
    exported = await index.get("/v1/export", params={"q": word_of(article)})
    served = await index.get(f"/v1/articles/{answer['id']}")
    assert exported.json() == served.json()


async def test_open_streams_do_not_hold_up_a_stop(stack: Stack, index: Client) -> None:
    if not stack.own:
        pytest.skip("only a service of our own may be stopped")
    before = stack.pids()["index"]
    async with events(index, "") as stream:
        os.kill(before, signal.SIGTERM)
        with pytest.raises((StopAsyncIteration, httpx2.HTTPError)):
            while True:
                await anext(stream)
        # Half of the drain time, 10 s, is what requests in hand would be waited for.
        await eventually(lambda: stack.pids()["index"] != before, within_s=8)

    async def back() -> bool:
        try:
            return (await index.get("/readyz")).status_code == 200
        except httpx2.HTTPError:
            return False

    await eventually(back, within_s=30)
