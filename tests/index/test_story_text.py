"""What a story is called, and which of its articles stand for it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.index.engine.aggregations import ClusteredHit
from services.index.engine.protocol import Hit
from services.index.story_text import (
    SHOWN_DUPLICATES,
    distinct_articles,
    effective_published_at,
    story_timeline,
    story_title,
)


def titled(*titles: str) -> list[dict[str, str]]:
    return [{"title": title} for title in titles]


def article(name: str, cluster: int, source: str | None = None) -> ClusteredHit:
    card = {"id": name, "title": name, **({"source": source} if source else {})}
    return ClusteredHit(Hit(name, None, card), cluster)


@pytest.mark.parametrize(
    ("titles", "title"),
    [
        (
            (
                "Pictures of the day",
                "Ferry runs aground off Leith with 200 aboard",
                "Ferry with 200 aboard runs aground",
                "Ferry aground with 200 aboard",
                "What we know so far",
            ),
            "Ferry with 200 aboard runs aground",
        ),
        (("Storm hits the coast", "Storm hits the coast"), "Storm hits the coast"),
        (("Quake strikes near Lima", "Minister resigns over budget row"), "Quake strikes near Lima"),
        (("Live", "Live", "Talks in Geneva end without result"), "Talks in Geneva end without result"),
        (("Live", "Update"), "Live"),
        (
            ("HISTORY! WE ARE GOING TO THE CUP", "Dull draw is enough for the cup"),
            "Dull draw is enough for the cup",
        ),
        (
            (
                "Strong quake shakes southern Iran, deaths reported near Kazerun",
                "Toll reaches 27 as rescuers dig through night in Davan",
                "What the Kazerun earthquake tells us about a restless fault",
            ),
            "Strong quake shakes southern Iran, deaths reported near Kazerun",
        ),
        (("", "  "), ""),
        (("习近平会见布林肯", "布林肯访华"), "习近平会见布林肯"),
        (("  Spaces \n and lines  are one  ",), "Spaces and lines are one"),
        ((), ""),
    ],
    ids=[
        "most in common",
        "equals",
        "earliest",
        "no labels",
        "labels",
        "capitals",
        "by chance",
        "empty",
        "unspaced",
        "spaces",
        "none",
    ],
)
def test_a_story_is_called_what_most_of_its_titles_say(titles: tuple[str, ...], title: str) -> None:
    assert story_title(titled(*titles)) == title


def test_a_title_of_two_megabytes_costs_no_more_than_any() -> None:
    assert story_title(titled(*["word " * 400_000] * 10, "A title of four words")) == "A title of four words"


def test_articles_shown_are_of_different_texts_and_sources() -> None:
    newest = [
        article("a", 1, "Reuters"),
        article("copy of a", 1, "AP"),
        article("b", 2, "Reuters"),
        article("c", 3, "BBC"),
        article("d", 4, "AP"),
    ]
    assert [card["id"] for card in distinct_articles(newest, 3)] == ["a", "c", "d"]
    assert [card["id"] for card in distinct_articles(newest, 4)] == ["a", "b", "c", "d"]
    assert [card["id"] for card in distinct_articles(newest[:2], 3)] == ["a"]


def test_near_duplicates_lie_under_the_first_of_them() -> None:
    copies = [article(f"copy{n}", 1, f"Outlet {n % 3}") for n in range(9)]
    first, other = story_timeline([article("first", 1, "Outlet 0"), article("other", 2), *copies])
    assert (first["id"], other["id"]) == ("first", "other")
    assert (first["duplicates"]["count"], first["duplicates"]["sources"]) == (9, 2)
    assert [one["id"] for one in first["duplicates"]["articles"]] == [
        f"copy{n}" for n in range(SHOWN_DUPLICATES)
    ]
    assert "duplicates" not in other


def test_an_article_of_the_future_counts_as_published_when_it_was_received() -> None:
    received = {"received_at": "2026-11-20T12:00:00Z"}
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert effective_published_at(received) == noon
    assert effective_published_at(received | {"published_at": "2099-01-01T00:00:00Z"}) == noon
    assert effective_published_at(received | {"published_at": "2020-01-01T00:00:00Z"}).year == 2020
