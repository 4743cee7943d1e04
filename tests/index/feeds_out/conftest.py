"""A served index for tests of feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.feeds_out.routes import feeds_router
from shared.http.auth import ApiKeys
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.saved import OneSaved
from tests.support import NOW

LATER = NOW + timedelta(hours=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def client_of(
    engine: TantivyEngine,
    keys: ApiKeys | None = None,
    public_url: str | None = None,
    now: datetime = LATER,
) -> httpx2.AsyncClient:
    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(feeds_router(engine, OneSaved(), metrics, keys, public_url, now=lambda: now))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://index.example:8003")


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(engine) as client:
        yield client
