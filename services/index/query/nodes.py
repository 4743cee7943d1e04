"""The frozen nodes of a query: what a search means, with nothing of any engine in it.

`query.parser` makes them from text, `engine.protocol.Filters` from request parameters, engines read them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias


class Field(StrEnum):
    """Fields a query may name. Their values are the names people type."""

    TITLE = "title"
    BODY = "body"
    SOURCE = "source"
    AUTHOR = "author"
    ENTITY = "entity"
    PERSON = "person"
    ORG = "org"
    PLACE = "place"
    TOPIC = "topic"
    LANGUAGE = "language"
    SENTIMENT = "sentiment"
    PUBLISHED = "published"
    STORY = "story"
    ID = "id"


@dataclass(frozen=True, slots=True)
class Term:
    """Words to find, as typed: the engine analyses them. Without a field: title or body, title first.

    Text that falls into several words ("al-Jazeera") matches them next to each other.
    """

    text: str
    field: Field | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in order, unstemmed, with at most `slop` moves between them."""

    text: str
    slop: int = 0
    field: Field | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Prefix:
    """Words that begin with `text`; when it has several words, a phrase whose last word begins so."""

    text: str
    field: Field | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """Words within `distance` (1 or 2) edits of `text`; swapping two neighbours is one edit."""

    text: str
    distance: int = 1
    field: Field | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class Range:
    """Values between two bounds; None is open. Bounds are datetimes for PUBLISHED, numbers for SENTIMENT."""

    field: Field
    lower: datetime | float | None = None
    upper: datetime | float | None = None
    include_lower: bool = True
    include_upper: bool = True
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class In:
    """Exact values (case and accents aside), any of them: a filter, so it adds nothing to the score."""

    field: Field
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bool:
    """All of `must`, none of `must_not`; `should` adds to the score.

    Without `must`, one of `should` has to match. With `must_not` alone it is everything but that.
    With nothing at all it matches nothing.
    """

    must: tuple[Node, ...] = ()
    should: tuple[Node, ...] = ()
    must_not: tuple[Node, ...] = ()
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class MatchAll:
    boost: float = 1.0


Node: TypeAlias = Term | Phrase | Prefix | Fuzzy | Range | In | Bool | MatchAll

MATCH_ALL = MatchAll()
MATCH_NOTHING = Bool()


def all_of(*nodes: Node) -> Node:
    """Return the node that matches what all of `nodes` match."""
    return nodes[0] if len(nodes) == 1 else Bool(must=nodes)
