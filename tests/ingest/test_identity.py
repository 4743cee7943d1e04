from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.identity import article_id, content_hash
from shared.events import Image, Link, SubmittedArticle


def article(**fields: Any) -> SubmittedArticle:
    return SubmittedArticle(**{"title": "T", "body": "B", **fields})


@dataclass
class Pair:
    one: SubmittedArticle
    other: SubmittedArticle


URL = "https://example.com/a"


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            Pair(
                article(publisher_id="1", source="AP", body="x"),
                article(publisher_id="1", source=" ap ", body="y"),
            ),
            id="publisher id and source",
        ),
        pytest.param(
            Pair(article(canonical_url=URL, body="x"), article(canonical_url=URL, body="y")), id="url"
        ),
        pytest.param(
            Pair(article(body="a  b\nC"), article(body="A b c")), id="text but for case and spacing"
        ),
        pytest.param(
            Pair(article(publisher_id="1", canonical_url=URL), article(publisher_id="1", canonical_url=None)),
            id="publisher id goes before url",
        ),
    ],
)
def test_two_submits_are_of_one_article(pair: Pair) -> None:
    assert article_id(pair.one) == article_id(pair.other)


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            Pair(article(publisher_id="1", source="AP"), article(publisher_id="1", source="DPA")), id="source"
        ),
        pytest.param(
            Pair(article(publisher_id="2", source="1"), article(publisher_id="1", source="2")), id="swapped"
        ),
        pytest.param(
            Pair(article(publisher_id="b", source="a"), article(publisher_id="", source="ab")),
            id="run together",
        ),
        pytest.param(
            Pair(article(publisher_id=URL), article(canonical_url=URL)), id="an id that looks like a url"
        ),
        pytest.param(
            Pair(article(canonical_url=URL), SubmittedArticle(body=URL)), id="a text that looks like a url"
        ),
        pytest.param(Pair(article(body="x"), article(body="y")), id="text"),
    ],
)
def test_two_submits_are_of_two_articles(pair: Pair) -> None:
    assert article_id(pair.one) != article_id(pair.other)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "U"},
        {"body": "C"},
        {"html": "<p>B"},
        {"canonical_url": URL},
        {"source": "AP"},
        {"authors": ("A",)},
        {"published_at": datetime(2023, 1, 1, tzinfo=UTC)},
        {"language": "en"},
        {"keywords": ("k",)},
        {"links": (Link(url=URL),)},
        {"image": Image(url=URL)},
        {"image": Image(url=URL, caption="c")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_what_a_reader_sees_counts_as_content(change: dict[str, Any]) -> None:
    assert content_hash(article(**change)) != content_hash(article())


@pytest.mark.parametrize(
    "change",
    [{"updated_at": datetime(2023, 1, 1, tzinfo=UTC)}, {"extra": {"crawl": 2}}],
    ids=["updated_at", "extra"],
)
def test_what_a_reader_does_not_see_is_no_change(change: dict[str, Any]) -> None:
    assert content_hash(article(**change)) == content_hash(article())
