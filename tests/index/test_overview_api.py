"""The routes that tell of many articles at once, over a real engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.overview_api import overview_router
from services.index.overview_documented import (
    EntityAnswer,
    StoryList,
    TimelineAnswer,
    TrendsAnswer,
    WholeStory,
)
from shared.events import Entity, EntitySentiment, Related
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.articles import NOW, article_id, enriched, entity

DAY = timedelta(days=1)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def client_of(engine: TantivyEngine, keys: ApiKeys | None = None) -> httpx2.AsyncClient:
    app, metrics = FastAPI(), Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(overview_router(engine, metrics, keys, lambda: NOW))
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


XI, PARIS = entity("PERSON", "Xi Jinping"), entity("GPE", "Paris")


def stock_stories(engine: TantivyEngine) -> None:
    copied = (Related(kind="duplicate", id=article_id("a1"), title="", score=0.9, why=""),)
    engine.upsert_many(
        [
            enriched("a1", title="Ferry runs aground off Leith", story_id="ferry", source="Reuters",
                     published_at=NOW - 3 * DAY, entities=(XI, PARIS), sentiment=-0.5),
            enriched("a2", title="Ferry runs aground off Leith", story_id="ferry", source="AP",
                     published_at=NOW - 2 * DAY, entities=(XI,), related=copied, sentiment=-0.5),
            enriched("a3", title="Ferry is pulled free", story_id="ferry", source="BBC",
                     published_at=NOW - DAY, entities=(XI,), sentiment=0.1),
            enriched("b1", title="A vote", story_id="vote", published_at=NOW),
        ],
        NOW,
    )  # fmt: skip
    engine.commit()


async def test_a_story_in_the_list_tells_what_who_when_and_how(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock_stories(engine)
    page = (await client.get("/v1/stories")).json()
    assert (page["next_cursor"], page["warnings"], len(page["stories"])) == (None, [], 1)
    story = page["stories"][0]
    articles = [card["id"] for card in story.pop("articles")]
    assert articles == [article_id("a3"), article_id("a2")]
    assert story.pop("sentiment") == pytest.approx(-0.3)
    assert story == {
        "id": "ferry",
        "title": "Ferry runs aground off Leith",
        "article_count": 3,
        "matching_count": 3,
        "sources": [{"name": "AP", "count": 1}, {"name": "BBC", "count": 1}, {"name": "Reuters", "count": 1}],
        "source_count": 3,
        "first_published_at": "2026-11-17T12:00:00Z",
        "last_published_at": "2026-11-19T12:00:00Z",
        "entities": [
            {"label": "PERSON", "canonical": "Xi Jinping", "count": 3},
            {"label": "GPE", "canonical": "Paris", "count": 1},
        ],
    }


async def test_a_story_is_found_by_one_of_its_articles_and_told_whole(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock_stories(engine)
    found = (await client.get("/v1/stories", params={"q": "pulled", "source": "BBC"})).json()["stories"]
    assert [(story["id"], story["article_count"], story["matching_count"]) for story in found] == [
        ("ferry", 3, 1)
    ]
    assert (await client.get("/v1/stories", params={"source": "Reuters", "q": "pulled"})).json()[
        "stories"
    ] == []


async def test_a_story_has_a_timeline_with_copies_under_their_original_and_a_histogram(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock_stories(engine)
    story = (await client.get("/v1/stories/ferry")).json()
    listed = (await client.get("/v1/stories")).json()["stories"][0]
    del listed["matching_count"]
    assert {name: story[name] for name in listed} == listed
    assert [card["id"] for card in story["timeline"]] == [article_id("a1"), article_id("a3")]
    assert story["timeline"][0]["duplicates"]["articles"][0]["source"] == "AP"
    assert sum(bucket["count"] for bucket in story["histogram"]["buckets"]) == 3
    assert story["earlier_count"] == 0


async def test_a_story_of_one_article_is_read_by_its_id(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock_stories(engine)
    story = (await client.get("/v1/stories/vote")).json()
    assert (story["title"], story["article_count"], len(story["timeline"])) == ("A vote", 1, 1)


@pytest.mark.parametrize("story_id", ["unknown", "a" * 256, "%00", "%F0%9F%98%80", "FERRY", "ferry*"])
async def test_an_unknown_story_is_not_found(
    engine: TantivyEngine, client: httpx2.AsyncClient, story_id: str
) -> None:
    stock_stories(engine)
    assert (await client.get(f"/v1/stories/{story_id}")).status_code == 404


async def test_stories_are_paged_by_cursor(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    events = [enriched(f"a{n}", story_id=f"s{n % 5}", published_at=NOW - n * DAY) for n in range(20)]
    engine.upsert_many(events, NOW)
    engine.commit()
    found, cursor = [], None
    for _ in range(3):
        parameters = {"size": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/v1/stories", params=parameters)).json()
        found += [story["id"] for story in page["stories"]]
        cursor = page["next_cursor"]
    assert (found, cursor) == (["s0", "s1", "s2", "s3", "s4"], None)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"cursor": "forged"}, "cursor"),
        ({"sort": "loudest"}, "sort"),
        ({"size": "0"}, "size"),
        ({"size": "101"}, "size"),
        ({"q": "(storm"}, "query/q"),
    ],
)
async def test_a_list_of_stories_that_cannot_be_is_refused(
    client: httpx2.AsyncClient, parameters: dict[str, str], said: str
) -> None:
    answer = await client.get("/v1/stories", params=parameters)
    assert answer.status_code == 400 and said in answer.text


async def test_trends_have_the_shape_of_the_contract(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    past = [enriched(f"p{n}", published_at=NOW - DAY - n * DAY / 10, entities=(PARIS,)) for n in range(2, 90)]
    lately = [
        enriched(f"n{n}", published_at=NOW - n * DAY / 30, source=f"S{n % 3}", entities=(XI, PARIS))
        for n in range(1, 13)
    ]
    engine.upsert_many([*past, *lately], NOW)
    engine.commit()
    answer = (await client.get("/v1/trends", params={"window": "24h", "baseline": "14d"})).json()
    trend = answer["trends"][0]
    assert len(trend.pop("articles")) == 3
    score = trend.pop("score")
    assert score > 10.8
    assert trend == {"entity": {"label": "PERSON", "canonical": "Xi Jinping"}, "count": 12, "expected": 0.0}
    assert len(answer["trends"]) == 1
    del answer["trends"]
    assert answer == {
        "window": "24h",
        "baseline": "14d",
        "until": "2026-11-20T12:01:00Z",
        "texts": {"window": 12, "baseline": 88},
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"window": "1w"}, "query/window"),
        ({"window": "7d", "baseline": "2d"}, "query/baseline"),
        ({"label": "NOBODY"}, "label"),
        ({"size": "0"}, "size"),
    ],
)
async def test_trends_that_cannot_be_are_refused(
    client: httpx2.AsyncClient, parameters: dict[str, str], said: str
) -> None:
    answer = await client.get("/v1/trends", params=parameters)
    assert answer.status_code == 400 and said in answer.text


def toward(one: Entity, score: float, sentences: int) -> Entity:
    tone = EntitySentiment(score=score, confidence=0.8, mentions=sentences)
    return one.model_copy(update={"sentiment": tone})


async def test_an_entity_is_told_of_with_company_and_tone(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    slash = entity("ORG", "AC/DC")
    engine.upsert_many(
        [
            enriched("a", published_at=NOW - 2 * DAY, source="Reuters", sentiment=0.5,
                     entities=(toward(slash, -0.5, 1), XI)),
            enriched("b", published_at=NOW, source="AP", sentiment=-0.1,
                     entities=(toward(slash, 0.1, 3), entity("DATE", "Monday"))),
            enriched("c", published_at=NOW, entities=(XI,)),
        ],
        NOW,
    )  # fmt: skip
    engine.commit()
    for name in ("ORG:AC/DC", "ac/dc"):
        found = (await client.get(f"/v1/entities/{name}")).json()
        assert found["entity"] == {"label": "ORG", "canonical": "AC/DC"}
        assert (found["article_count"], found["source_count"]) == (2, 2)
        assert found["first_published_at"] == "2026-11-18T12:00:00Z"
        assert found["last_published_at"] == "2026-11-20T12:00:00Z"
        assert found["sentiment"] == pytest.approx(0.2)
        assert found["sentiment_toward"] == {"score": pytest.approx(-0.05), "articles": 2, "sentences": 4}
        assert found["entities"] == [{"label": "PERSON", "canonical": "Xi Jinping", "count": 1}]
        assert found["sources"] == [{"name": "AP", "count": 1}, {"name": "Reuters", "count": 1}]
        assert found["timeline"]["total"] == 2
        assert [card["id"] for card in found["articles"]] == [article_id("b"), article_id("a")]
    of_reuters = (await client.get("/v1/entities/AC%2FDC", params={"source": "Reuters"})).json()
    assert of_reuters["article_count"] == of_reuters["timeline"]["total"] == 1


async def test_an_entity_is_found_however_its_letters_are_written(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a", entities=(entity("PERSON", "Søren Weiß"),))], NOW)
    engine.commit()
    asked = (await client.get("/v1/entities/PERSON:soren weiss")).json()
    assert (asked["article_count"], asked["entity"]["canonical"]) == (1, "soren weiss")
    assert (await client.get("/v1/entities/soren weiß")).json()["entity"]["canonical"] == "Søren Weiß"


@pytest.mark.parametrize("name", ["Nobody", "ORG:Xi Jinping", "%00", "%F0%9F%98%80", "a" * 300])
async def test_an_unknown_entity_is_not_found(
    engine: TantivyEngine, client: httpx2.AsyncClient, name: str
) -> None:
    engine.upsert_many([enriched("a", entities=(XI,))], NOW)
    engine.commit()
    assert (await client.get(f"/v1/entities/{name}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("/v1/timeline", TimelineAnswer),
        ("/v1/stories", StoryList),
        ("/v1/stories/ferry", WholeStory),
        ("/v1/trends?window=7d", TrendsAnswer),
        ("/v1/entities/Xi Jinping", EntityAnswer),
    ],
)
async def test_answers_are_what_the_openapi_document_says(
    engine: TantivyEngine, client: httpx2.AsyncClient, path: str, model: type[BaseModel]
) -> None:
    stock_stories(engine)
    answer = (await client.get(path)).json()
    assert model.model_validate(answer).model_dump(mode="json").keys() == answer.keys()


async def test_overviews_need_a_key_where_keys_are_set(engine: TantivyEngine) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('k1')}", "WIREROOM_READ_KEYS")
    async with client_of(engine, keys) as client:
        engine.upsert_many([enriched("a", story_id="s", entities=(XI,))], NOW)
        engine.commit()
        for path in ("/v1/timeline", "/v1/stories", "/v1/stories/s", "/v1/trends", "/v1/entities/Xi Jinping"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"authorization": "Bearer k1"})).status_code == 200
