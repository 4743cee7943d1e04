"""What enrich hands on: fields of a newer minor version go along, though nobody here knows them."""

from __future__ import annotations

import json

from services.enrich.corpus import Neighbours
from services.enrich.draft import Draft
from services.enrich.pipeline import finish
from shared.events import ArticleEnriched, ArticleSubmitted, decode_event, encode_event
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
    enriched = passed_on(story_id="theirs", entities="theirs")
    assert (enriched.article.story_id, enriched.article.entities) == ("s", ())
    assert enriched.submitted.model_extra == {"story_id": "theirs", "entities": "theirs"}


def test_the_event_says_the_version_of_whoever_wrote_it() -> None:
    assert passed_on().schema_version == "1.0"
