"""What is known of the one entity that a search is about: counts, tone, and who is named beside it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.index.engine.protocol import FacetCount
from services.index.highlight import same_length_fold
from services.index.web.address import Address
from services.index.web.labels import entity_class, entity_word
from services.index.web.texts import Moment, Tone, clip, moment, tone

NAME_CHARS = 80
NAMED_BESIDE = 6
SOURCES = 3
_NAME = re.compile(r"\"?\w[\w.’'-]*(?: [\w.’'-]+){0,6}\"?")


@dataclass(frozen=True, slots=True)
class Beside:
    name: str
    css: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class EntityCard:
    """`toward` is the tone of the sentences that name it, `overall` that of the articles as wholes.

    `href` finds all articles that name it; None when that is the very search being shown.
    """

    name: str
    word: str
    css: str
    count: int
    toward: Tone | None
    overall: Tone | None
    first: Moment | None
    href: str | None
    beside: tuple[Beside, ...]
    sources: tuple[Beside, ...]


def may_be_name(address: Address) -> bool:
    """Return whether the search may be one entity: by its only filter, or by a text of a few plain words."""
    q = address.get("q").strip()
    if address.values("entity"):
        return len(address.values("entity")) == 1 and not q
    return _NAME.fullmatch(q) is not None


def the_entity(address: Address, facets: Mapping[str, Sequence[FacetCount]]) -> FacetCount | None:
    """Return the entity that a search is about, if `may_be_name` and it is one."""
    wanted = same_length_fold((address.get("entity") or address.get("q")).strip().strip('"'))
    named = (count for count in facets.get("entities", ()) if wanted in _names(count))
    return max(named, key=lambda count: count.count, default=None) if may_be_name(address) else None


def _names(count: FacetCount) -> tuple[str, str]:
    return same_length_fold(count.value), same_length_fold(count.label)


def entity_card(
    overview: Mapping[str, Any], value: str, address: Address, found: int | None, now: datetime
) -> EntityCard:
    """`overview` is that of the API for the entity `value`, under the other filters of the search.

    `found` is how many articles the search itself found.
    """
    own = address.removing("q").removing("entity").adding("entity", value)
    label, _, canonical = value.partition(":")
    first = overview.get("first_published_at")
    return EntityCard(
        name=clip(canonical, NAME_CHARS),
        word=entity_word(label),
        css=entity_class(label),
        count=int(overview["article_count"]),
        toward=tone(overview.get("sentiment_toward")),
        overall=tone({"score": overview.get("sentiment")}),
        first=moment(first.isoformat(), now) if isinstance(first, datetime) else None,
        href=None if address.values("entity") or found == overview["article_count"] else own.href,
        beside=tuple(_beside(entity, own) for entity in overview["entities"][:NAMED_BESIDE]),
        # Outlets with an article each say nothing.
        sources=tuple(
            _source(source, own) for source in overview["sources"][:SOURCES] if source["count"] > 1
        ),
    )


def _beside(entity: Mapping[str, Any], own: Address) -> Beside:
    # Two values of one filter mean either: that both are named takes the text.
    name = str(entity["canonical"]).replace('"', " ")
    return Beside(
        clip(entity["canonical"], NAME_CHARS),
        entity_class(entity["label"]),
        own.adding("q", f'entity:"{name}"').href,
        int(entity["count"]),
    )


def _source(source: Mapping[str, Any], own: Address) -> Beside:
    name = str(source["name"])
    return Beside(clip(name, NAME_CHARS), "", own.setting("source", name).href, int(source["count"]))
