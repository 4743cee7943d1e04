"""What an article has for neighbours, and how that is told to a reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final

from services.enrich.corpus.fingerprint import Fingerprint
from shared.events import Related

MAX_SHARED: Final = 4


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
    """`jaccard` is of the runs of three words that either text has."""
    return f"{jaccard:.0%} of the text is the same (Jaccard similarity {jaccard:.2f})"


def why_similar(article: Fingerprint, other_vector: bytes) -> str:
    """Tell the names and the words that bring the two together, the weightiest first."""
    other: dict[int, int] = dict(struct.iter_unpack("<IH", other_vector))
    own = zip(article.terms, struct.iter_unpack("<IH", article.vector), strict=True)
    weights = {term: weight * other[term_hash] for term, (term_hash, weight) in own if term_hash in other}
    names: list[tuple[int, str]] = []
    told: set[str] = set()
    for name, made_of in article.names:
        if made_of <= weights.keys() and told.isdisjoint(made_of):
            names.append((-max(weights[term] for term in made_of), name))
            told |= made_of
    written = dict(zip(article.terms, article.words, strict=False))
    words = [(-weight, written.get(term, term)) for term, weight in weights.items() if term not in told]
    lists = [
        f"{kind}: " + ", ".join(text for _, text in sorted(shared)[:MAX_SHARED])
        for kind, shared in (("names", names), ("words", words))
        if shared
    ]
    return "shares " + "; ".join(lists)
