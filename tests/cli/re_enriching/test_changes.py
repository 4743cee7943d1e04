"""What a report says changed of one article."""

from __future__ import annotations

from typing import Any

import pytest

from services.cli.re_enriching.changes import MAX_VALUE_CHARS, PARTS, change_between
from shared.events import Article, Entity, Keyphrase, Language, Quote, Related, Sentiment, Topic
from tests.support import NOW, enriched


def article(**fields: Any) -> Article:
    return enriched("a", **fields).article


def entity(canonical: str, count: int = 1) -> Entity:
    return Entity(text=canonical, label="GPE", canonical=canonical, count=count)


@pytest.mark.parametrize(
    ("part", "fields"),
    [
        ("text", {"body": "Another body."}),
        ("language", {"language": Language(code="de", confidence=1)}),
        ("entities", {"entities": (entity("Quito"),)}),
        ("sentiment", {"sentiment": Sentiment(label="negative", score=-0.6, confidence=0.9)}),
        ("topics", {"topics": (Topic(code="02000000", name="crime, law and justice", score=0.9),)}),
        ("keyphrases", {"keyphrases": (Keyphrase(text="port strike", score=0.5),)}),
        ("quotes", {"quotes": (Quote(text="The", start=0, end=3, kind="direct", cue="said"),)}),
        ("cited links", {"related": (Related(kind="cited", url="https://e.example", why="linked"),)}),
        ("unsupported", {"unsupported": ("quotes",)}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_part_is_noticed_both_ways(part: str, fields: dict[str, Any]) -> None:
    before, after = article(), article(**fields)
    assert part in PARTS
    assert change_between(before, after).parts == ("anything", part)
    assert change_between(after, before).parts == ("anything", part)


def test_the_time_and_the_versions_alone_change_nothing() -> None:
    before = article()
    provenance = before.provenance.model_copy(update={"versions": {"entities": "crf 2", "idf": "1"}})
    after = before.model_copy(update={"enriched_at": NOW.replace(year=2027), "provenance": provenance})
    change = change_between(before, after)
    assert change.parts == () and change.example is None
    assert change.versions == (("entities", "nothing", "crf 2"), ("idf", "nothing", "1"))


def test_what_has_no_part_of_its_own_still_counts() -> None:
    change = change_between(article(entities=(entity("Quito"),)), article(entities=(entity("Quito", 3),)))
    assert change.parts == ("anything",) and change.example is None


def test_names_are_told_apart_by_label_and_listed_as_added_and_removed() -> None:
    change = change_between(
        article(entities=(entity("Quito"), entity("Lima"))),
        article(entities=(entity("Quito"), entity("Bern"))),
    )
    assert (change.added, change.removed) == ((("GPE", "Bern"),), (("GPE", "Lima"),))
    assert change.example is not None
    assert (change.example.before, change.example.after) == (
        {"entities": "GPE:Lima"},
        {"entities": "GPE:Bern"},
    )


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("x" * 300 + "old end", "x" * 300 + "new end", ("old end", "new end")),
        ("A body. More", "A body.", (" More", "")),
        ("", "Text", ("", "Text")),
    ],
    ids=["late", "shorter", "from nothing"],
)
def test_texts_are_shown_from_shortly_before_they_part(
    before: str, after: str, shown: tuple[str, str]
) -> None:
    example = change_between(article(body=before), article(body=after)).example
    assert example is not None
    assert example.before["text"].endswith(shown[0]) and example.after["text"].endswith(shown[1])


def test_hostile_lengths_stay_short() -> None:
    huge = tuple(entity(f"{n} " + "y" * 5000) for n in range(500))
    change = change_between(article(), article(title="t" * 100_000, body="b" * 2_000_000, entities=huge))
    assert change.example is not None
    assert all(len(value) <= MAX_VALUE_CHARS for value in change.example.after.values())
    assert all(len(name) <= MAX_VALUE_CHARS for _, name in change.added)
