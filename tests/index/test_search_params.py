"""What the parameters of a search stand for, and how those that cannot be read are answered."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI

from services.index.api import search_router
from services.index.engine.protocol import Filters
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.search_documented import Highlights, SearchAnswer
from services.index.search_params import SearchTerms, asked_at, lenient_terms, search_terms
from services.index.search_route import SearchRoute
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.support import NOW, enriched

Client = httpx2.AsyncClient


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    engine.upsert_many([enriched("a", title="Storm over the harbour"), enriched("b", title="Calm")], NOW)
    engine.commit()
    yield engine
    engine.close()


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[Client]:
    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(search_router(engine, metrics, None))
    app.include_router(_showing_terms())
    app.dependency_overrides[asked_at] = lambda: NOW + timedelta(hours=30)
    transport = httpx2.ASGITransport(app=app)
    async with Client(transport=transport, base_url="http://index") as client:
        yield client


def _showing_terms() -> APIRouter:
    router = APIRouter(route_class=SearchRoute)

    @router.get("/terms")
    async def terms(asked: Annotated[SearchTerms, Depends(search_terms)]) -> dict[str, Any]:
        return {"text": asked.text, "source": asked.filters.source, "warnings": asked.warnings}

    @router.get("/typed")
    async def typed(asked: Annotated[SearchTerms, Depends(lenient_terms)]) -> dict[str, Any]:
        return {"everything": asked.filters == Filters(), "warnings": asked.warnings}

    return router


async def test_a_faulty_text_is_refused_with_the_place(client: Client) -> None:
    answer = await client.get("/v1/search", params={"q": "storm AND (harbour"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    problem = answer.json()
    assert problem["type"] == "/problems/query-syntax"
    assert problem["errors"] == [
        {"pointer": "query/q", "detail": "this '(' has no ')'", "position": 10},
    ]
    _, line, caret = problem["detail"].split("\n")
    assert line[caret.index("^") :] == "(harbour"


async def test_a_faulty_text_is_read_around_on_request(client: Client) -> None:
    answer = await client.get("/v1/search", params={"q": "storm AND (harbour", "lenient": "true"})
    assert answer.status_code == 200
    assert answer.json()["total"] == 1
    assert answer.json()["warnings"] == ["this '(' has no ')' (at character 11)"]


async def test_terms_need_no_page(client: Client) -> None:
    params = {"q": "storm", "source": ["Test Wire", " "], "size": "many"}
    assert (await client.get("/terms", params=params)).json() == {
        "text": "storm", "source": ["Test Wire"], "warnings": [],
    }  # fmt: skip
    assert (await client.get("/terms", params={"q": "("})).status_code == 400
    typed = (await client.get("/typed", params={"q": "("})).json()
    assert typed["everything"] and typed["warnings"]


async def test_dates_count_from_the_clock(client: Client) -> None:
    async def found(**params: str) -> int:
        return (await client.get("/v1/search", params=params)).json()["total"]  # type: ignore[no-any-return]

    assert await found(q="published:yesterday") == 2
    assert await found(q="published:today") == 0
    assert await found(q="published:>now-31h") == 2
    assert await found(**{"from": "now-31h", "to": "yesterday"}) == 2
    assert await found(**{"from": "now-29h"}) == 0
    assert await found(to="now-2d/d") == 0


async def test_the_documented_answer_is_the_one_given(client: Client) -> None:
    page = (await client.get("/v1/search", params={"q": "storm", "facets": "sources"})).json()
    assert set(page) == set(SearchAnswer.model_fields)
    assert SearchAnswer.model_validate(page).hits[0].highlights is not None
    assert set(page["hits"][0]["highlights"]) == set(Highlights.model_fields)


async def test_a_search_that_finds_nothing_says_what_may_have_been_meant(client: Client) -> None:
    async def meant(**params: str) -> object:
        page = (await client.get("/v1/search", params=params)).json()
        assert page["hits"] == []
        return page["did_you_mean"]

    assert await meant(q="harbuor") == {"q": "harbour", "total": 1}
    assert await meant(q='title:"storm over the harbuor"') == {
        "q": 'title:"storm over the harbour"', "total": 1,
    }  # fmt: skip
    assert await meant(q="harbuor", source="Another Wire") is None, "filters hold for what is suggested"
    assert await meant(q="zzzzzzzz") is None
    found = (await client.get("/v1/search", params={"q": "harbour"})).json()
    assert found["did_you_mean"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("size", "0"), ("size", "101"), ("size", "many"), ("size", "9" * 5_000), ("sort", "best"),
        ("count", "all"), ("facets", "colours"), ("facets", "sources,colours"), ("from", "soon"),
        ("to", "2026-02-30"), ("from", "x" * 5_000), ("sentiment", "angry"), ("cursor", "nonsense"),
        ("cursor", "A" * 501), ("lenient", "perhaps"),
    ],
)  # fmt: skip
async def test_a_parameter_that_cannot_be_read_is_named(client: Client, name: str, value: str) -> None:
    answer = await client.get("/v1/search", params={"q": "storm", name: value})
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert problem["errors"][0]["pointer"].startswith(f"query/{name}")
    assert len(answer.content) < 1_000


async def test_too_many_values_of_a_filter_are_refused(client: Client) -> None:
    answer = await client.get("/v1/search", params={"source": [f"s{n}" for n in range(51)]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "query/source")
