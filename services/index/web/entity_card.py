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
NAMED_BESIDE = 6
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


def the_entity(address: Address, facets: Mapping[str, Sequence[FacetCount]]) -> FacetCount | None:
    """Return the one entity that a search is about: its only filter, or a text that is its name."""
    asked, q = address.values("entity"), address.get("q").strip()
    wanted = asked[0] if len(asked) == 1 and not q else q if q and not asked else ""
    found = [count for count in facets.get("entities", ()) if wanted and _is(count, wanted)]
    return max(found, key=lambda count: count.count, default=None)


def _is(count: FacetCount, wanted: str) -> bool:
    folded = same_length_fold(wanted.strip().strip('"'))
    return folded in (same_length_fold(count.value), same_length_fold(count.label))


def entity_card(one: FacetCount, beside: Mapping[str, Sequence[FacetCount]], address: Address) -> EntityCard:
    """`beside` are the facets of the articles that mention the entity, and pass the other filters."""
    own = address.removing("q").removing("entity").adding("entity", one.value)
    entities, sources = beside.get("entities", ()), beside.get("sources", ())
    counts = {count.value: count.count for count in entities}
    return EntityCard(
        name=clip(one.label, NAME_CHARS),
        word=entity_word(one.value.partition(":")[0]),
        css=entity_class(one.value.partition(":")[0]),
        count=counts.get(one.value, one.count),
        href=None if address.values("entity") else own.href,
        beside=tuple(
            Beside(
                clip(other.label, NAME_CHARS),
                entity_class(other.value.partition(":")[0]),
                # Two values of one filter mean either: that both are named takes the text.
                own.adding("q", f'entity:"{other.label.replace(chr(34), " ")}"').href,
                other.count,
            )
            for other in entities
            if other.value != one.value
        )[:NAMED_BESIDE],
        sources=tuple(
            Beside(clip(count.label, NAME_CHARS), "", own.setting("source", count.value).href, count.count)
            for count in sources[:SOURCES]
        ),
    )
