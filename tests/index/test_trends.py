"""Trends in a stream of news in which it is known who rises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from services.index.engine.protocol import Filters, SearchEngine
from services.index.query.nodes import MATCH_ALL, Term
from services.index.trends import InvalidSpan, TrendQuery, rising, trend_query, trends_document
from tests.index.articles import enriched, entity
from tests.index.conftest import ENGINES
from tests.index.news_stream import NOT_RISING, NOW, RISING, news_stream

DAY = timedelta(days=1)


@pytest.fixture(scope="module", params=ENGINES)
def newsroom(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    engine = ENGINES[request.param](tmp_path_factory.mktemp("newsroom"))
    engine.upsert_many(list(news_stream()), NOW)
    engine.commit()
    yield engine
    engine.close()


def query(**changes: object) -> TrendQuery:
    return replace(trend_query(MATCH_ALL, Filters(), NOW, size=100), **changes)  # type: ignore[arg-type]


def test_the_planted_rises_come_and_nobody_else_does(newsroom: SearchEngine) -> None:
    found, _, _ = rising(newsroom.aggregations, query())
    assert {trend.name for trend in found} == set(RISING)
    assert found[0].name == "PERSON:Steep Riser"


@pytest.mark.parametrize("name", NOT_RISING, ids=list(NOT_RISING.values()))
def test_what_only_seems_to_rise_is_no_trend(newsroom: SearchEngine, name: str) -> None:
    assert name not in {trend.name for trend in rising(newsroom.aggregations, query())[0]}


def test_the_past_is_measured_by_how_much_was_written(newsroom: SearchEngine) -> None:
    found, window_texts, past_texts = rising(newsroom.aggregations, query())
    doubler = next(trend for trend in found if trend.name == "ORG:Steady Doubler")
    assert doubler.count == 70
    # A tenth of all texts named it, and today there are 301: the 50 copies are one.
    assert (window_texts, doubler.expected) == (301, pytest.approx(30, abs=2))
    assert past_texts == 10 * 100 + 4 * 50


def test_the_same_news_without_the_copies_counted_once_would_mislead(newsroom: SearchEngine) -> None:
    counts = newsroom.aggregations.entity_counts(MATCH_ALL)
    assert counts.by_entity["ORG:Copied Company"] == 1


def test_a_trend_tells_the_newest_articles_that_drive_it(newsroom: SearchEngine) -> None:
    told = trends_document(newsroom.aggregations, query(size=1))
    trend = told["trends"][0]
    assert trend["entity"] == {"label": "PERSON", "canonical": "Steep Riser"}
    assert trend["count"] == 40 and trend["expected"] < 4 and trend["score"] > 60
    assert len({card["source"] for card in trend["articles"]}) == 3
    assert all(
        {"label": "PERSON", "canonical": "Steep Riser"}.items()
        <= next(one for one in card["entities"] if one["canonical"] == "Steep Riser").items()
        for card in trend["articles"]
    )
    assert told["warnings"] == [] and told["texts"]["window"] == 301


def test_labels_narrow_the_trends(newsroom: SearchEngine) -> None:
    found, _, _ = rising(newsroom.aggregations, query(labels=("GPE", "ORG")))
    assert {trend.name for trend in found} == {"ORG:Steady Doubler", "GPE:New Place"}


def test_text_and_filters_narrow_them_too(newsroom: SearchEngine) -> None:
    narrowed = trend_query(MATCH_ALL, Filters(entity=("Steady Doubler",)), NOW, size=100)
    found, window_texts, _ = rising(newsroom.aggregations, narrowed)
    # Among the articles that name it, it is no news.
    assert window_texts == 70 and "ORG:Steady Doubler" not in {trend.name for trend in found}
    nothing = trend_query(Term("unheard"), Filters(), NOW)
    assert rising(newsroom.aggregations, nothing)[:2] == ([], 301)


def test_the_text_does_not_make_what_it_finds_the_measure(newsroom: SearchEngine) -> None:
    found, window_texts, _ = rising(
        newsroom.aggregations, trend_query(Term("text"), Filters(), NOW, size=100)
    )
    assert window_texts == 301 and {trend.name for trend in found} == set(RISING)


def test_trends_of_the_past_are_asked_for_with_to(newsroom: SearchEngine) -> None:
    quiet = trend_query(MATCH_ALL, Filters(to_at=NOW - 2 * DAY), NOW)
    assert quiet.until == NOW - 2 * DAY + timedelta(seconds=1)
    assert rising(newsroom.aggregations, quiet)[0] == []


def test_without_a_past_nothing_rises_and_that_is_said(engine: SearchEngine) -> None:
    xi = entity("PERSON", "Xi Jinping")
    engine.upsert_many([enriched(f"a{n}", entities=(xi,), received_at=NOW) for n in range(50)], NOW)
    engine.commit()
    told = trends_document(engine.aggregations, query())
    assert told["trends"] == [] and "little past" in told["warnings"][0]


def test_from_limits_the_past(newsroom: SearchEngine) -> None:
    shorter = trend_query(MATCH_ALL, Filters(from_at=NOW - 3 * DAY), NOW)
    assert rising(newsroom.aggregations, shorter)[2] <= 50 + 100


def test_those_who_ask_within_a_minute_ask_the_same() -> None:
    first, second = (trend_query(MATCH_ALL, Filters(), NOW + timedelta(seconds=at)) for at in (0, 29))
    assert first == second and first.until > NOW


@pytest.mark.parametrize(
    ("spans", "parameter"),
    [
        ({"window": "59m"}, "window"), ({"window": "8d"}, "window"), ({"window": "0h"}, "window"),
        ({"window": "169h"}, "window"), ({"window": ""}, "window"), ({"window": "１d"}, "window"),
        ({"baseline": "23h"}, "baseline"), ({"baseline": "91d"}, "baseline"),
        ({"baseline": "9999999d"}, "baseline"), ({"baseline": "-1d"}, "baseline"),
    ],
)  # fmt: skip
def test_a_span_that_cannot_be_is_refused(spans: dict[str, str], parameter: str) -> None:
    with pytest.raises(InvalidSpan) as refused:
        trend_query(MATCH_ALL, Filters(), NOW, **spans)  # type: ignore[arg-type]
    assert refused.value.parameter == parameter
