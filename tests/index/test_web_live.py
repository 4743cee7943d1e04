"""The page of the live wire: what it shows at first, and where it goes on from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.live.events import key_of
from tests.index.web_document import HOSTILE, assert_harmless, client_of, get, pages_of, parameters
from tests.support import NOW, article_id, enriched


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(pages_of(engine)) as client:
        yield client


async def test_the_wire_begins_with_the_newest_and_goes_on_behind_the_latest_arrival(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    events = [
        enriched(n, title=f"Port {n}", published_at=NOW - timedelta(hours=h)) for n, h in (("a", 1), ("b", 2))
    ]
    engine.upsert_many([*events, enriched("c", title="Cup")], NOW)
    engine.commit()
    page = await get(client, "/live?q=port+(&source=Test+Wire&sort=relevance")
    wire = page.find("ol", id="wire")[0]
    assert wire[0].index("Port a") < wire[0].index("Port b") and "Cup" not in wire[0]
    asked = parameters(wire[1]["data-stream"])
    latest = engine.latest_arrival()
    assert latest is not None and key_of(asked.pop("last_event_id")[0]) == latest
    assert asked == {"q": ["port ("], "source": ["Test Wire"], "lenient": ["true"]}
    assert [attrs["data-id"] for _, attrs in page.find("li") if "data-id" in attrs] == [
        article_id("a"), article_id("b"),
    ]  # fmt: skip
    assert "no ')'" in page.find("div", role="note")[0][0]
    assert page.find("meta", **{"http-equiv": "refresh"}), "without scripts it comes again by itself"


async def test_an_empty_wire_begins_at_the_beginning(client: httpx2.AsyncClient) -> None:
    page = await get(client, "/live")
    asked = parameters(page.find("ol", id="wire")[0][1]["data-stream"])
    assert key_of(asked["last_event_id"][0]) is not None
    assert "hidden" not in page.find("p", id="nothing")[0][1]


async def test_nothing_in_the_wire_gets_out_of_its_place(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a", title=HOSTILE, source=HOSTILE)], NOW)
    engine.commit()
    for query in ({}, {"q": f"alert {HOSTILE}", "source": HOSTILE}):
        response = await client.get(httpx2.URL("/live", params=query))
        assert response.status_code == 200
        assert_harmless(response.text)
