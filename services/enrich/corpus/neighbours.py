"""What an article has for neighbours, and how that is told to a reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from services.enrich.corpus.fingerprint import Fingerprint
from shared.events import Related

MAX_SHARED_TERMS: Final = 4


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another article, how near it is (0…1) and why, in words for a reader."""

    id: str
    url: str | None
    title: str | None
    score: float
    why: str


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The neighbours of an article among those placed before it, nearest first, and its story.

    `duplicates` have nearly the same text and are not repeated in `similar`.
    """

    story_id: str
    duplicates: tuple[Neighbour, ...]
    similar: tuple[Neighbour, ...]


def related_from(neighbours: Neighbours) -> tuple[Related, ...]:
    """Return the neighbours as links to serve: duplicates, then similar articles."""
    return tuple(
        Related(kind=kind, id=found.id, url=found.url, title=found.title, score=found.score, why=found.why)
        for kind, group in (("duplicate", neighbours.duplicates), ("similar", neighbours.similar))
        for found in group
    )


def why_duplicate(jaccard: float) -> str:
    return f"{jaccard:.0%} of the text is the same"


def why_similar(article: Fingerprint, other_vector: bytes) -> str:
    """Name the terms that bring the two together, the weightiest first."""
    other: dict[int, int] = dict(struct.iter_unpack("<IH", other_vector))
    own = zip(article.terms, struct.iter_unpack("<IH", article.vector), strict=True)
    shared = ((-weight * other[term_hash], term) for term, (term_hash, weight) in own if term_hash in other)
    return "shares: " + ", ".join(term for _, term in sorted(shared)[:MAX_SHARED_TERMS])
