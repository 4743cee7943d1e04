"""The index service's routes over a real engine, without a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from services.index.api import search_router
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.settings import IndexSettings
from shared.errors import ConfigurationError
from shared.events import Related, Topic
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from shared.settings import load_settings
from tests.support import NOW, article_id, enriched, retracted


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def app_of(engine: TantivyEngine, keys: ApiKeys | None = None) -> FastAPI:
    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(search_router(engine, metrics, keys))
    return app


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app_of(engine))
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        yield client


async def test_a_hit_has_the_fields_of_the_contract(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a", title="Xi meets <Blinken>", url="https://e.example/a")], NOW)
    engine.commit()
    page = (await client.get("/v1/search", params={"q": "blinken", "facets": "sources"})).json()
    assert set(page) == {"total", "exact", "hits", "facets", "next_cursor", "did_you_mean", "warnings"}
    hit = page["hits"][0]
    assert hit["highlights"]["title"] == "Xi meets &lt;<mark>Blinken</mark>&gt;"
    assert (hit["id"], hit["source"], hit["url"]) == (article_id("a"), "Test Wire", "https://e.example/a")
    assert page["facets"]["sources"] == [{"value": "Test Wire", "count": 1, "label": "Test Wire"}]


async def test_near_duplicates_come_under_one_hit_unless_asked_otherwise(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    link = Related(kind="duplicate", id=article_id("a"), title="a", score=0.9, why="same text")
    copy = enriched(
        "b", title="pier", source="Other Wire", published_at=NOW - timedelta(hours=1), related=(link,)
    )
    engine.upsert_many([enriched("a", title="pier", published_at=NOW), copy], NOW)
    engine.commit()
    page = (await client.get("/v1/search", params={"q": "pier", "sort": "newest"})).json()
    [hit] = page["hits"]
    assert (hit["id"], page["total"]) == (article_id("a"), 2)
    duplicates = hit["duplicates"]
    assert (duplicates["count"], duplicates["sources"]) == (1, 1)
    [other] = duplicates["articles"]
    assert (other["id"], other["title"], other["source"]) == (article_id("b"), "pier", "Other Wire")
    page = (await client.get("/v1/search", params={"q": "pier", "collapse": "false"})).json()
    assert len(page["hits"]) == 2 and not any("duplicates" in one for one in page["hits"])


async def test_an_unescaped_plus_of_a_zone_is_understood(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a", published_at=NOW)], NOW)
    engine.commit()
    assert (await client.get("/v1/search?to=2026-11-25T09:00+01:00")).json()["total"] == 1
    assert (await client.get("/v1/search?to=2026-11-25T08:59%2B01:00")).json()["total"] == 0


async def test_related_links_to_articles_that_are_gone_are_left_out(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    similar = tuple(
        Related(kind="similar", id=article_id(name), title=name, score=0.5, why="shares: pier")
        for name in ("kept", "gone")
    )
    cited = Related(kind="cited", url="https://e.example/x", title="cited", why="linked from the article")
    links = (*similar, cited)
    engine.upsert_many(
        [enriched("a", related=links), enriched("kept"), enriched("gone"), retracted("gone")], NOW
    )
    engine.commit()
    document = (await client.get(f"/v1/articles/{article_id('a')}/related")).json()
    titles = [link["title"] for link in document["related"]]
    assert titles[:2] == ["kept", "cited"] and "gone" not in titles


async def test_a_withheld_article_is_gone_for_now(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    engine.upsert_many([enriched("a", revision=1), retracted("a", revision=2, withheld=True)], NOW)
    engine.commit()
    response = await client.get(f"/v1/articles/{article_id('a')}")
    assert response.status_code == 410 and "withheld" in response.json()["detail"]
    engine.upsert_many([enriched("a", revision=3)], NOW)
    engine.commit()
    assert (await client.get(f"/v1/articles/{article_id('a')}")).status_code == 200


async def test_reading_needs_a_key_where_keys_are_set(engine: TantivyEngine) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('k1')}\nold {hash_api_key('k2')} revoked", "WIREROOM_READ_KEYS")
    transport = httpx2.ASGITransport(app=app_of(engine, keys))
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        for path in (
            "/v1/search",
            f"/v1/articles/{article_id('a')}",
            f"/v1/articles/{article_id('a')}/related",
        ):
            for key, status in (("k1", 200), ("k2", 401), ("k3", 401), (None, 401)):
                headers = {"authorization": f"Bearer {key}"} if key else {}
                found = (await client.get(path, headers=headers)).status_code
                assert found == status or (status == 200 and found == 404), (path, key)


def test_a_public_address_without_read_keys_refuses_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_INDEX_HOST", "0.0.0.0")
    with pytest.raises(ConfigurationError, match="WIREROOM_READ_KEYS_FILE"):
        load_settings(IndexSettings)
    monkeypatch.setenv("WIREROOM_OPEN_READ", "true")
    assert load_settings(IndexSettings).index_host == "0.0.0.0"


@pytest.mark.parametrize("name", ["02000000", "crime, law and justice", "Crime", "law", "justice"])
async def test_a_topic_is_found_by_code_name_or_part_of_its_name(
    engine: TantivyEngine, client: httpx2.AsyncClient, name: str
) -> None:
    crime = Topic(code="02000000", name="crime, law and justice", score=0.9)
    engine.upsert_many([enriched("a", topics=(crime,)), enriched("b")], NOW)
    engine.commit()
    page = (await client.get("/v1/search", params={"topic": name})).json()
    assert [hit["id"] for hit in page["hits"]] == [article_id("a")]


async def test_an_article_is_served_as_ninjs_on_request(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a", revision=3)], NOW)
    engine.commit()
    answer = await client.get(f"/v1/articles/{article_id('a')}?format=ninjs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json()["standard"]["version"] == "3.1"
    assert (answer.json()["version"], answer.json()["pubStatus"]) == ("3", "usable")
    assert (await client.get(f"/v1/articles/{article_id('a')}?format=nitf")).status_code == 400
    assert (await client.get(f"/v1/articles/{article_id('b')}?format=ninjs")).status_code == 404


@pytest.mark.parametrize("path", ["articles/nonsense", "articles/nonsense/related", f"articles/{'A' * 32}"])
async def test_an_id_that_no_article_can_have_is_unknown(engine: TantivyEngine, path: str) -> None:
    transport = httpx2.ASGITransport(app=app_of(engine, None))
    async with httpx2.AsyncClient(transport=transport, base_url="http://index") as client:
        answer = await client.get(f"/v1/{path}")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
