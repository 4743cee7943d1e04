"""The routes that tell of many articles at once, over a real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.overview_api import overview_router
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.articles import NOW, enriched

DAY = timedelta(days=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def client_of(engine: TantivyEngine, keys: ApiKeys | None = None) -> httpx2.AsyncClient:
    app, metrics = FastAPI(), Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(overview_router(engine.aggregations, metrics, keys))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://index")


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(engine) as client:
        yield client


async def test_a_timeline_has_the_shape_of_the_contract(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    events = [enriched(f"a{n}", title="Storm", published_at=NOW - n * DAY, sentiment=0.5) for n in (0, 2)]
    engine.upsert_many([*events, enriched("b", published_at=NOW)], NOW)
    engine.commit()
    answer = await client.get("/v1/timeline", params={"q": "storm", "interval": "day"})
    assert answer.json() == {
        "interval": "day",
        "buckets": [
            {"start": "2026-11-18T00:00:00Z", "count": 1, "sentiment": 0.5},
            {"start": "2026-11-19T00:00:00Z", "count": 0, "sentiment": None},
            {"start": "2026-11-20T00:00:00Z", "count": 1, "sentiment": 0.5},
        ],
        "earlier": 0,
        "total": 2,
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"interval": "hour", "from": "2020-01-01", "to": "2026-01-01"}, "choose interval=week"),
        ({"interval": "fortnight"}, "interval"),
        ({"q": "(storm"}, "q"),
        ({"from": "yonder"}, "from"),
    ],
)
async def test_a_timeline_that_cannot_be_is_refused_with_what_to_change(
    client: httpx2.AsyncClient, parameters: dict[str, str], said: str
) -> None:
    answer = await client.get("/v1/timeline", params=parameters)
    assert answer.status_code == 400
    assert said in answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_overviews_need_a_key_where_keys_are_set(engine: TantivyEngine) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('k1')}", "WIREROOM_READ_KEYS")
    async with client_of(engine, keys) as client:
        for path in ("/v1/timeline",):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"authorization": "Bearer k1"})).status_code == 200
