"""An article that is enriched again stays what it is, but for what the models say of it."""

from __future__ import annotations

import json
from datetime import timedelta

from services.enrich import pipeline
from services.enrich.again import enriched_again, resubmitted
from services.enrich.corpus import Neighbour, Neighbours
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from shared.events import ArticleEnriched, ArticleSubmitted, Link, decode_event, encode_event
from shared.metrics import Metrics
from tests.support import NOW, submitted

MODELS = Models.load()
BODY = "Xi Jinping met Antony Blinken in Beijing on Monday. The talks were frank, officials said."
NEIGHBOURS = Neighbours(
    "story-1",
    (Neighbour("1" * 32, None, "Twin", 0.9, "90% of the text is the same"),),
    (Neighbour("2" * 32, None, "Other", 0.4, "shares: talks"),),
)


def first(event: ArticleSubmitted) -> ArticleEnriched:
    draft = pipeline.enrich(event, MODELS, Metrics())
    draft = draft.with_(versions=draft.versions | {"related": "corpus 7"})
    return pipeline.finish(draft, NEIGHBOURS, NOW)


def again(before: ArticleEnriched, late: timedelta = timedelta(days=1)) -> ArticleEnriched:
    draft = pipeline.enrich(resubmitted(before), MODELS, Metrics())
    return enriched_again(before, draft, NOW + late)


def test_by_the_same_models_it_is_the_same_but_for_the_time() -> None:
    links = (Link(url="https://example.org/a", title="A"),)
    before = first(submitted(title="Blinken in Beijing", body=BODY, links=links, url="https://example.org/x"))
    after = again(before)
    assert after.article.entities and after.article.related[0].kind == "cited"
    assert after == before.model_copy(
        update={
            "article": before.article.model_copy(update={"enriched_at": NOW + timedelta(days=1)}),
        }
    )


def test_it_goes_through_the_steps_as_it_was_submitted() -> None:
    event = submitted(revision=3, epoch=1, html="<p>Some text of the page.</p>", body=None)
    assert resubmitted(first(event)) == event


def test_fields_of_a_newer_version_survive() -> None:
    document = json.loads(encode_event(first(submitted())))
    document |= {"event_news": 1}
    document["submitted"] |= {"desk": "world"}
    before = decode_event(json.dumps(document).encode())
    assert isinstance(before, ArticleEnriched)
    after = again(before)
    assert after.model_extra == {"event_news": 1}
    assert after.submitted.model_extra == after.article.model_extra == {"desk": "world"}


def test_what_the_corpus_said_stays_and_what_the_models_said_goes() -> None:
    before = first(submitted(title="Blinken in Beijing", body=BODY))
    versions = {"entities": "old", "gone": "1", "related": "corpus 7"}
    provenance = before.article.provenance.model_copy(update={"versions": versions})
    outdated = before.article.model_copy(update={"entities": (), "provenance": provenance})
    after = again(before.model_copy(update={"article": outdated})).article
    assert [entity.canonical for entity in after.entities] == [e.canonical for e in before.article.entities]
    assert after.provenance.versions == MODELS.versions | {"related": "corpus 7"}
    assert (after.related, after.story_id) == (before.article.related, "story-1")


def test_an_article_without_a_story_gets_none() -> None:
    before = first(submitted())
    alone = before.article.model_copy(update={"story_id": None, "related": ()})
    after = again(before.model_copy(update={"article": alone})).article
    assert (after.story_id, after.related) == (None, ())


def test_it_is_later_than_what_it_replaces_though_the_clock_was_set_back() -> None:
    before = first(submitted())
    after = again(before, late=-timedelta(days=3))
    assert before.article.enriched_at is not None
    assert after.article.enriched_at == before.article.enriched_at + timedelta(microseconds=1)


def test_a_draft_of_the_resubmitted_event_knows_nothing_of_before() -> None:
    draft = Draft.of(resubmitted(first(submitted(title="Blinken in Beijing", body=BODY))))
    assert (draft.entities, draft.related, draft.versions) == ((), (), {})
