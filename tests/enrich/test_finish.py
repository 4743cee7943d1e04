"""What enrich hands on: fields of a newer minor version go along, though nobody here knows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from services.enrich.corpus import Neighbours
from services.enrich.draft import Draft
from services.enrich.pipeline import article_text, extract_text, finish
from shared.dates import SET_ASIDE
from shared.events import (
    Article,
    ArticleEnriched,
    ArticleSubmitted,
    Entity,
    Topic,
    decode_event,
    encode_event,
)
from tests.support import NOW, submitted


def passed_on(**news: object) -> ArticleEnriched:
    document = json.loads(encode_event(submitted()))
    document |= {"schema_version": "1.7", "event_news": 1}
    document["article"] |= news
    event = decode_event(json.dumps(document).encode())
    assert isinstance(event, ArticleSubmitted)
    enriched = decode_event(encode_event(finish(Draft.of(event), Neighbours("s", (), ()), NOW)))
    assert isinstance(enriched, ArticleEnriched)
    return enriched


def test_unknown_fields_are_served_and_kept() -> None:
    enriched = passed_on(desk={"name": "world", "floors": [1, 2]})
    assert enriched.model_extra == {"event_news": 1}
    assert enriched.submitted.model_extra == {"desk": {"name": "world", "floors": [1, 2]}}
    assert enriched.article.model_extra == {"desk": {"name": "world", "floors": [1, 2]}}


def test_an_unknown_field_never_takes_the_place_of_ours() -> None:
    enriched = passed_on(story_id="theirs", quotes="theirs")
    assert (enriched.article.story_id, enriched.article.quotes) == ("s", ())
    assert enriched.submitted.model_extra == {"story_id": "theirs", "quotes": "theirs"}


def test_the_event_says_the_version_of_whoever_wrote_it() -> None:
    assert passed_on().schema_version == "1.0"


PAGE = """<html><head><link rel="canonical" href="https://fjord.example/rain"><title>Rain</title>
<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Rain in Bergen", "author": "Ann Lee",
"datePublished": "2023-06-18T10:00:00Z", "dateModified": "2023-06-18T12:00:00Z", "description": "It rained.",
"image": "https://fjord.example/rain.jpg", "keywords": "rain", "publisher": {"name": "Fjord Post"},
"isAccessibleForFree": false}</script></head><body><p>It rained all day.</p></body></html>"""


def served(**given: object) -> ArticleEnriched:
    event = submitted()
    nothing = {"title": None, "body": None, "source": None, "url": None, "canonical_url": None, "authors": ()}
    article = event.article.model_copy(
        update=nothing | {"published_at": None, "keywords": (), "html": PAGE} | given
    )
    draft = Draft.of(event.model_copy(update={"article": article}))
    return finish(extract_text(draft, None), Neighbours("s", (), ()), NOW)  # type: ignore[arg-type]


def test_what_the_html_says_is_served_where_the_submitter_said_nothing() -> None:
    article = served().article
    assert (article.title, article.body, article.source) == (
        "Rain in Bergen",
        "It rained all day.",
        "Fjord Post",
    )
    assert (article.authors, article.keywords) == (("Ann Lee",), ("rain",))
    assert article.published_at == datetime(2023, 6, 18, 10, tzinfo=UTC)
    assert article.updated_at == datetime(2023, 6, 18, 12, tzinfo=UTC)
    assert article.description == "It rained."
    assert article.image is not None
    assert article.image.url == "https://fjord.example/rain.jpg"
    assert article.canonical_url == "https://fjord.example/rain"
    assert article.is_accessible_for_free is False


def test_what_the_submitter_said_stays() -> None:
    at = datetime(2020, 1, 1, tzinfo=UTC)
    given = {
        "title": "Mine", "body": "My text.", "source": "My Post", "authors": ("Eva Bo",), "published_at": at,
        "updated_at": at, "canonical_url": "https://my.example/", "keywords": ("mine",),
    }  # fmt: skip
    event = served(**given, extra={"description": "My own."})
    assert {name: getattr(event.article, name) for name in given} == given
    assert event.article.description == "My own."


def test_a_date_of_change_in_the_html_does_not_decide_which_revision_wins() -> None:
    event = served(updated_at=None)
    assert event.article.updated_at is not None
    assert event.precedence == submitted().model_copy(update={"article": event.submitted}).precedence


def finished(**article: Any) -> Article:
    return finish(Draft.of(submitted(**article)), Neighbours("s", (), ()), NOW).article


def test_dates_that_cannot_be_right_are_served_as_given_and_marked() -> None:
    future = datetime(2099, 1, 1, tzinfo=UTC)
    article = finished(published_at=future)
    assert (article.published_at, article.doubtful_dates) == (future, ("published_at",))
    assert finished(published_at=datetime(1970, 1, 1, tzinfo=UTC)).doubtful_dates == ("published_at",)
    assert finished(extra={SET_ASIDE: "2099-01-01T00:00:00+00:00"}).doubtful_dates == ("updated_at",)
    assert finished(published_at=NOW, updated_at=NOW).doubtful_dates == ()


def test_a_date_that_cannot_be_right_does_not_part_an_article_from_its_neighbours() -> None:
    def at(**article: Any) -> datetime:
        return article_text(Draft.of(submitted(**article))).at

    assert at(published_at=datetime(2099, 1, 1, tzinfo=UTC)) == NOW
    assert at(published_at=datetime(1970, 1, 1, tzinfo=UTC)) == NOW
    assert at(published_at=NOW - timedelta(days=3)) == NOW - timedelta(days=3)


def test_what_the_publisher_names_is_served_beside_ours_and_each_is_marked() -> None:
    theirs = Entity(text="Asean", label="ORG", canonical="Asean", count=1, origin="publisher")
    ours = Entity(text="Asean", label="ORG", canonical="Asean", count=2)
    topic = Topic(code="11000000", name="politics and government", score=0.9)
    draft = Draft.of(submitted(uri="urn:x:1", entities=(theirs,))).with_(entities=(ours,), topics=(topic,))
    article = finish(draft, Neighbours("s", (), ()), NOW).article
    assert [(one.canonical, one.count, one.origin) for one in article.entities] == [
        ("Asean", 1, "publisher"),
        ("Asean", 2, "wireroom"),
    ]
    assert (article.uri, article.topics[0].origin) == ("urn:x:1", "wireroom")
