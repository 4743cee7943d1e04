"""Related links of the API: every one with a reason that a reader understands."""

from __future__ import annotations

from typing import Any

import pytest

from services.index.engine.protocol import SearchEngine, StoredArticle
from services.index.related import MAX_RELATED, related_links, why_alike
from shared.events import Related
from tests.index.articles import NOW, article_id, enriched, entity, minutes, retracted

XI, BLINKEN, PARIS = (
    entity("PERSON", "Xi Jinping", 5),
    entity("PERSON", "Antony Blinken", 2),
    entity("GPE", "Paris"),
)


def links_of(engine: SearchEngine, key: str) -> list[dict[str, Any]]:
    stored = engine.get(article_id(key))
    assert isinstance(stored, StoredArticle)
    return related_links(engine, stored.article)


def by_id(links: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {link["id"]: link for link in links}


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ({"title": "Other", "entities": [XI.model_dump()]}, "shares names: Xi Jinping"),
        (
            {"title": "Ferry aground", "entities": [BLINKEN.model_dump(), XI.model_dump()]},
            "shares names: Xi Jinping, Antony Blinken; words: ferry",
        ),
        ({"title": "The FERRY would sail", "entities": []}, "shares words: ferry"),
        ({"title": "Xi Jinping", "entities": [XI.model_dump()]}, "shares names: Xi Jinping"),
        ({"title": "Nothing in common"}, ""),
        ({}, ""),
    ],
)
def test_a_reason_names_what_both_have(card: dict[str, Any], why: str) -> None:
    article = {
        "title": "Jinping would see ferry pulled free",
        "entities": [one.model_dump() for one in (BLINKEN, XI, entity("DATE", "Monday"))],
    }
    assert why_alike(article, card) == why


def test_the_rest_of_the_story_is_related_even_when_it_shares_no_word(engine: SearchEngine) -> None:
    engine.upsert_many(
        [
            enriched("a", title="Ferry aground", story_id="s", entities=(XI,)),
            enriched("b", title="Salvage begins", body="Unlike.", story_id="s", entities=(XI,)),
            enriched("c", title="Elsewhere", body="Different.", story_id="t"),
        ],
        NOW,
    )
    engine.commit()
    links = by_id(links_of(engine, "a"))
    assert links[article_id("b")]["kind"] == "similar"
    assert links[article_id("b")]["why"] == "reports on the same story; shares names: Xi Jinping"
    assert article_id("c") not in links and article_id("a") not in links


def test_copies_that_came_later_are_told_as_such(engine: SearchEngine) -> None:
    copied = Related(
        kind="duplicate", id=article_id("a"), title="", score=0.9, why="90% of the text is the same"
    )
    engine.upsert_many([enriched("a", story_id="s"), enriched("b", story_id="s", related=(copied,))], NOW)
    engine.commit()
    (later,) = links_of(engine, "a")
    assert (later["kind"], later["id"], later["why"]) == (
        "duplicate",
        article_id("b"),
        "is nearly the same text",
    )
    (earlier,) = links_of(engine, "b")
    assert (earlier["id"], earlier["why"]) == (article_id("a"), "90% of the text is the same")


def test_articles_without_a_story_are_not_of_the_same(engine: SearchEngine) -> None:
    text = "harbour pilot strands freighter " * 5
    engine.upsert_many([enriched(key, title="Harbour pilot", body=text) for key in "abc"], NOW)
    engine.commit()
    links = links_of(engine, "a")
    assert {link["why"] for link in links} == {"shares words: harbour, pilot"}
    assert all(0 < link["score"] < 1 for link in links)


def test_what_was_taken_down_is_related_to_nothing(engine: SearchEngine) -> None:
    engine.upsert_many([enriched("a", story_id="s"), enriched("b", story_id="s"), retracted("b")], NOW)
    engine.commit()
    assert links_of(engine, "a") == []


def test_very_many_links_of_its_own_leave_room_for_the_story(engine: SearchEngine) -> None:
    own = tuple(
        Related(kind="cited", url=f"https://e.example/{n}", title=f"{n}", why="linked") for n in range(90)
    )
    story = [enriched(f"s{n}", story_id="s", published_at=NOW - minutes(n)) for n in range(3)]
    engine.upsert_many([enriched("a", story_id="s", related=own), *story], NOW)
    engine.commit()
    links = links_of(engine, "a")
    assert len(links) == MAX_RELATED
    assert {article_id(f"s{n}") for n in range(3)} <= {link.get("id") for link in links}


def test_what_only_shares_common_words_is_not_related(engine: SearchEngine) -> None:
    others = [
        enriched(f"o{n}", title=f"Report {n}", body="Unlike in all but this: they said so.") for n in range(4)
    ]
    engine.upsert_many(
        [enriched("a", title="Ferry aground", body="The ferry lies aground, they said."), *others], NOW
    )
    engine.commit()
    assert links_of(engine, "a") == []
