"""What the search page shows, made from a page of hits. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from markupsafe import Markup

from services.index.did_you_mean import DidYouMean
from services.index.engine.protocol import Hit, Page
from services.index.web.address import Address
from services.index.web.entity_card import EntityCard
from services.index.web.facets import Facet, facet_view
from services.index.web.labels import (
    EXPORTS,
    FACETS,
    FEEDS,
    PARAMETERS,
    entity_class,
    entity_word,
    filter_value,
)
from services.index.web.stories import Also, also_of
from services.index.web.texts import (
    Moment,
    Tone,
    capitalized,
    clip,
    date_words,
    language_attribute,
    marked,
    moment,
    plain,
    tone,
)
from services.index.web.timeline import Timeline

NAME_CHARS = 80
TITLE_CHARS = 240
SNIPPET_CHARS = 320
CARD_ENTITIES = 5
_SIMPLE_QUERY = re.compile(r"\w+(?: \w+){0,7}")


@dataclass(frozen=True, slots=True)
class EntityLink:
    """`word` says what kind of thing it is, `css` colours it."""

    name: str
    word: str
    css: str
    href: str


@dataclass(frozen=True, slots=True)
class Card:
    href: str
    title: Markup | str
    lang: str | None
    source: str
    source_href: str
    published: Moment | None
    tone: Tone | None
    snippet: Markup | str
    entities: tuple[EntityLink, ...]
    also: Also | None


@dataclass(frozen=True, slots=True)
class Chip:
    """An active filter; `href` is the page without it."""

    name: str
    value: str
    href: str


@dataclass(frozen=True, slots=True)
class Option:
    label: str
    href: str
    active: bool = False


@dataclass(frozen=True, slots=True)
class SearchView:
    """The whole page. `hidden` are the parameters that a form keeps beside its own.

    `meant` is the search that finds something where this one finds nothing.
    """

    q: str
    heading: str
    title: str
    total: str
    cards: tuple[Card, ...]
    facets: tuple[Facet, ...]
    chips: tuple[Chip, ...]
    clear_href: str
    sorts: tuple[Option, ...]
    copies: Option | None
    warnings: tuple[str, ...]
    more_href: str | None
    first_href: str | None
    suggestions: tuple[Option, ...]
    meant: Option | None
    meant_total: str
    feeds: tuple[Option, ...]
    exports: tuple[Option, ...]
    live_href: str
    stories_href: str
    save_href: str
    timeline: Timeline | None
    entity: EntityCard | None
    index_is_empty: bool
    hidden: tuple[tuple[str, str], ...]
    dates: tuple[str, str]
    dates_hidden: tuple[tuple[str, str], ...]


def search_view(
    address: Address,
    page: Page,
    *,
    meant: DidYouMean | None,
    timeline: Timeline | None,
    entity: EntityCard | None,
    warnings: Iterable[str],
    ranked: bool,
    has_text: bool,
    continued: bool,
    index_is_empty: bool,
    now: datetime,
) -> SearchView:
    """`ranked` says how hits are sorted, `has_text` whether they could be ranked, `continued` that this is
    not the first page."""
    q = address.get("q").strip()
    filters = address.filters
    return SearchView(
        q=q,
        heading=_heading(q, filters),
        title=f"{plain(q, 60)} – Wireroom" if q else "Wireroom",
        total=total_phrase(page),
        cards=tuple(card(hit, address, now) for hit in page.hits),
        facets=tuple(
            facet
            for name in FACETS
            if (facet := facet_view(name, page.facets.get(name, ()), page.total, address))
        ),
        chips=tuple(_chip(name, value, address) for name, value in filters),
        clear_href=address.without_filters().href,
        sorts=_sorts(address, ranked) if has_text else (),
        copies=_copies(address, page),
        warnings=tuple(capitalized(clip(warning, 300)) for warning in warnings),
        more_href=address.at(page.next_cursor) if page.next_cursor else None,
        first_href=address.href if continued else None,
        suggestions=() if page.hits else suggestions(q, address, spelt=meant is None),
        meant=Option(clip(meant.q, 200), address.setting("q", meant.q).href) if meant else None,
        meant_total=articles_phrase(meant.total) if meant else "",
        feeds=tuple(Option(name, address.elsewhere(f"/search.{kind}")) for kind, name in FEEDS.items()),
        exports=tuple(
            # What is typed here is read leniently, and so has to be what is taken away of it.
            Option(name, address.elsewhere("/v1/export", format=kind, lenient="true"))
            for kind, name in EXPORTS.items()
        ),
        live_href=address.elsewhere("/live"),
        stories_href=address.elsewhere("/stories"),
        save_href=address.elsewhere("/saved/new"),
        timeline=timeline,
        entity=entity,
        index_is_empty=index_is_empty,
        hidden=tuple(pair for pair in address.pairs if pair[0] != "q"),
        dates=(_as_date(address.get("from")), _as_date(address.get("to"))),
        dates_hidden=address.removing("from").removing("to").pairs,
    )


def _heading(q: str, filters: Sequence[tuple[str, str]]) -> str:
    if q:
        return f"“{clip(q, 120)}”"
    return "Chosen articles" if filters else "Latest news"


def total_phrase(page: Page) -> str:
    """Return the number of matches. A total that is not exact is where counting stopped."""
    if page.total is None:
        return ""
    number = articles_phrase(page.total)
    return number if page.exact else f"about {number} or more"


def articles_phrase(count: int) -> str:
    return f"{count:,} article{'' if count == 1 else 's'}"


def card(hit: Hit, address: Address, now: datetime) -> Card:
    fields = hit.card
    title: Markup | str = clip(fields.get("title"), TITLE_CHARS)
    snippet: Markup | str = clip(fields.get("lead"), SNIPPET_CHARS)
    if hit.highlights is not None:
        title = marked(hit.highlights.title, TITLE_CHARS)
        snippet = marked(hit.highlights.body, SNIPPET_CHARS)
    source = str(fields.get("source") or "")
    return Card(
        href=f"/articles/{hit.id}",
        title=title or "Without a title",
        lang=language_attribute(fields.get("language", {}).get("code")),
        source=clip(source, NAME_CHARS),
        source_href=address.adding("source", source).href,
        published=moment(fields.get("published_at") or fields.get("received_at"), now),
        tone=tone(fields.get("sentiment")),
        snippet=snippet,
        entities=tuple(entity_link(entity, address) for entity in fields.get("entities", ())[:CARD_ENTITIES]),
        also=also_of(hit.duplicates.document() if hit.duplicates else None, now),
    )


def entity_link(entity: Mapping[str, Any], address: Address) -> EntityLink:
    """Return the link that adds the entity to the filters of `address`."""
    label, canonical = entity.get("label"), str(entity.get("canonical") or "")
    return EntityLink(
        name=clip(canonical, NAME_CHARS),
        word=entity_word(label),
        css=entity_class(label),
        href=address.adding("entity", f"{label}:{canonical}").href,
    )


def _chip(name: str, value: str, address: Address) -> Chip:
    shown = date_words(value) if name in ("from", "to") else filter_value(name, value)
    return Chip(PARAMETERS[name], clip(shown, NAME_CHARS), address.removing(name, value).href)


def _sorts(address: Address, ranked: bool) -> tuple[Option, ...]:
    return (
        Option("Most relevant", address.removing("sort").href, ranked),
        Option("Newest", address.setting("sort", "newest").href, not ranked),
    )


def _copies(address: Address, page: Page) -> Option | None:
    """Return the way to see near-duplicates apart, or together again."""
    if address.get("collapse").lower() in ("false", "0", "no", "off"):
        return Option("Put near-duplicates together", address.removing("collapse").href)
    if any(hit.duplicates for hit in page.hits):
        return Option("Show near-duplicates apart", address.setting("collapse", "false").href)
    return None


def suggestions(q: str, address: Address, *, spelt: bool = True) -> tuple[Option, ...]:
    """Return searches near one that found nothing. Only plain words are rewritten, never an expression.

    With `spelt` false another spelling has been offered already.
    """
    found = []
    if address.filters:
        found.append(Option("Search without the filters", address.without_filters().href))
    words = q.split() if _SIMPLE_QUERY.fullmatch(q) and not {"AND", "OR", "NOT"} & set(q.split()) else []
    if len(words) > 1:
        found.append(Option("Look for any of the words", address.setting("q", " OR ".join(words)).href))
    if words and spelt:
        near = " ".join(f"{word}~1" if len(word) > 3 else word for word in words)
        if near != q:
            found.append(Option("Allow for another spelling", address.setting("q", near).href))
    found.append(Option("See the latest news", "/"))
    return tuple(found)


def _as_date(value: str) -> str:
    """Return the value if a date field can hold it; an instant or a month cannot be shown in one."""
    return value if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else ""
