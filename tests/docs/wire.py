"""The articles that the examples of docs/searching.md search."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from shared.events import ArticleEnriched, Related
from tests.index.articles import article_id, enriched, entity, topic

KALL, BREMER = entity("PERSON", "Elin Kall", 3, "Kall"), entity("PERSON", "Jonas Bremer")
LEITH, ROTTERDAM = entity("GPE", "Leith", 2), entity("GPE", "Rotterdam")
COASTGUARD, LINE = entity("ORG", "Coastguard"), entity("ORG", "Nordsea Line")
DISASTER = topic("03000000", "disaster, accident and emergency incident")
POLITICS = topic("11000000", "politics and government")
AGROUND = (
    "The ferry Sigrid ran aground off Leith before dawn with 212 people on board. Nobody was hurt, the "
    "Coastguard said. Elin Kall, her master, had slowed down for fog. Nordsea Line sent two tugs."
)
# A little longer, so that copies rank behind the original whatever their age.
CREDITED = f"{AGROUND} This was first reported by the Harbour Post, whose photographer was on board."


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def _copy_of(key: str) -> tuple[Related, ...]:
    return (Related(kind="duplicate", id=article_id(key), score=0.94, why="nearly the same text"),)


ARTICLES: dict[str, dict[str, Any]] = {
    "aground": {
        "title": "Ferry runs aground off Leith", "body": AGROUND, "source": "Harbour Post",
        "published_at": _at(20, 6, 40), "sentiment": -0.42, "story_id": "ferry-leith",
        "entities": (KALL, LEITH, COASTGUARD, LINE), "topics": (DISASTER,),
    },
    "aground-copy": {
        "title": "Ferry runs aground off Leith", "body": CREDITED, "source": "Firth Courier",
        "published_at": _at(20, 7, 5), "sentiment": -0.42, "story_id": "ferry-leith",
        "entities": (KALL, LEITH, COASTGUARD, LINE), "topics": (DISASTER,), "related": _copy_of("aground"),
    },
    "aground-copy-2": {
        "title": "Ferry aground off Leith, nobody hurt", "body": CREDITED, "source": "Sea & Coast Wire",
        "published_at": _at(20, 7, 30), "sentiment": -0.40, "story_id": "ferry-leith",
        "entities": (KALL, LEITH, COASTGUARD, LINE), "topics": (DISASTER,), "related": _copy_of("aground"),
    },
    "freed": {
        "title": "Ferry Sigrid freed at high tide", "source": "Harbour Post",
        "body": "Tugs pulled the ferry off the rocks at high tide. Passengers cheered. Jonas Bremer of "
        "Nordsea Line thanked the crew and said that the hull was sound.",
        "published_at": _at(20, 19, 15), "sentiment": 0.55, "story_id": "ferry-leith",
        "entities": (BREMER, LEITH, LINE), "topics": (DISASTER,),
    },
    "inquiry": {
        "title": "Inquiry into the Leith grounding begins", "source": "Firth Courier",
        "body": "Investigators heard Elin Kall for four hours. The fog signal of the ferry had failed a week "
        "before, and Nordsea Line had not reported it.",
        "published_at": _at(23, 11, 0), "sentiment": -0.51, "story_id": "ferry-leith",
        "entities": (KALL, LEITH, LINE), "topics": (DISASTER, POLITICS),
    },
    "pier": {
        "title": "Rotterdam approves a new ferry pier", "source": "Rotterdam Gazette",
        "body": "The harbour commission approved the pier for ferries that run on hydrogen. "
        "It opens in May.",
        "published_at": _at(21, 9, 30), "sentiment": 0.31, "entities": (ROTTERDAM,), "topics": (POLITICS,),
    },
    "strike": {
        "title": "Dockers in Rotterdam end their strike", "source": "Rotterdam Gazette",
        "body": "After eleven days the dockers of Rotterdam went back to work. Cranes moved again at noon.",
        "published_at": _at(24, 12, 0), "sentiment": 0.22, "entities": (ROTTERDAM,), "topics": (POLITICS,),
    },
}  # fmt: skip


def events() -> list[ArticleEnriched]:
    """Return the articles in the order in which they came."""
    made = [
        enriched(key, received_at=fields["published_at"], url=f"https://news.example/{key}", **fields)
        for key, fields in ARTICLES.items()
    ]
    return sorted(made, key=lambda event: event.received_at)
