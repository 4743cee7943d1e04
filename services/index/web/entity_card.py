"""What is known of the one entity that a search is about: counts, tone, and who is named beside it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.index.engine.protocol import FacetCount
from services.index.highlight import same_length_fold
from services.index.web.address import Address
from services.index.web.labels import entity_class, entity_word
from services.index.web.texts import clip

NAME_CHARS = 80
NAMED_BESIDE = 8
SOURCES = 3


@dataclass(frozen=True, slots=True)
class Beside:
    name: str
    css: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class EntityCard:
    """`href` finds all articles that name it; None when that is the very search being shown."""

    name: str
    word: str
    css: str
    count: int
    href: str | None
    beside: tuple[Beside, ...]
    sources: tuple[Beside, ...]


def entity_card(address: Address, facets: Mapping[str, Sequence[FacetCount]]) -> EntityCard | None:
    """Return the card when the search is one entity: its only filter, or a text that is its name."""
    entities = [count for name in ENTITY_FACETS for count in facets.get(name, ())]
    asked = address.values("entity")
    q = address.get("q").strip()
    wanted = asked[0] if len(asked) == 1 and not q else q if q and not asked else ""
    found = [count for count in entities if wanted and _is(count, wanted)]
    if not found:
        return None
    one = max(found, key=lambda count: count.count)
    label, _, _ = one.value.partition(":")
    own = Address((("entity", one.value),))
    others = sorted((count for count in entities if count.value != one.value), key=lambda c: -c.count)
    return EntityCard(
        name=clip(one.label, NAME_CHARS),
        word=entity_word(label),
        css=entity_class(label),
        count=one.count,
        href=None if address.values("entity") else own.href,
        beside=tuple(
            Beside(
                clip(other.label, NAME_CHARS),
                entity_class(other.value.partition(":")[0]),
                own.adding("q", f'entity:"{other.label.replace(chr(34), " ")}"').href,
                other.count,
            )
            for other in others[:NAMED_BESIDE]
        ),
        sources=tuple(
            Beside(clip(count.label, NAME_CHARS), "", own.adding("source", count.value).href, count.count)
            for count in facets.get("sources", ())[:SOURCES]
        ),
    )


# A facet of its own for each kind where the engine has them.
ENTITY_FACETS = ("entities", "persons", "orgs", "places")


def _is(count: FacetCount, wanted: str) -> bool:
    folded = same_length_fold(wanted.strip().strip('"'))
    return folded in (same_length_fold(count.value), same_length_fold(count.label))
