"""What the pages of stories show, made from the documents of the API. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from services.index.web.address import Address
from services.index.web.labels import entity_class, entity_word
from services.index.web.texts import (
    Moment,
    Tone,
    capitalized,
    clip,
    joined,
    language_attribute,
    moment,
    plain,
    tone,
)
from services.index.web.timeline import Timeline, timeline_view

NAME_CHARS = 80
TITLE_CHARS = 240
LEAD_CHARS = 220
SOURCES_NAMED = 3
SOURCES_LISTED = 20


@dataclass(frozen=True, slots=True)
class NameLink:
    """`count` is in how many articles of the story."""

    name: str
    word: str
    css: str
    href: str
    count: int


@dataclass(frozen=True, slots=True)
class Also:
    """Articles of nearly the same text: `said` is how many, by how many outlets; `more` are not listed."""

    said: str
    headlines: tuple[Headline, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Headline:
    """One article of a story, or of the wire."""

    href: str
    title: str
    lang: str | None
    source: str
    published: Moment | None
    tone: Tone | None
    lead: str = ""
    also: Also | None = None


@dataclass(frozen=True, slots=True)
class StoryCard:
    href: str
    title: str
    articles: int
    sources: str
    first: Moment | None
    last: Moment | None
    tone: Tone | None
    names: tuple[NameLink, ...]
    headlines: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    label: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class StoriesView:
    heading: str
    stories: tuple[StoryCard, ...]
    sorts: tuple[Choice, ...]
    chosen: bool
    articles_href: str
    more_href: str | None
    first_href: str | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The articles of one day, in the order they were published."""

    name: str
    headlines: tuple[Headline, ...]


@dataclass(frozen=True, slots=True)
class StoryView:
    """`earlier` is how many articles lie before the first one shown."""

    card: StoryCard
    tab_title: str
    days: tuple[Day, ...]
    earlier: int
    chart: Timeline | None
    outlets: tuple[NameLink, ...]
    search_href: str
    json_href: str


def stories_view(
    page: Mapping[str, Any],
    address: Address,
    *,
    sort: str,
    continued: bool,
    warnings: Iterable[str],
    now: datetime,
) -> StoriesView:
    q = address.get("q").strip()
    here = {} if sort == "newest" else {"sort": sort}
    cursor = page.get("next_cursor")
    return StoriesView(
        heading=f"Stories about “{clip(q, 120)}”" if q else "Stories",
        stories=tuple(story_card(story, now) for story in page["stories"]),
        sorts=(
            Choice("Latest first", address.elsewhere("/stories"), sort == "newest"),
            Choice("Largest first", address.elsewhere("/stories", sort="size"), sort == "size"),
        ),
        chosen=bool(q or address.filters),
        articles_href=address.elsewhere("/"),
        more_href=address.elsewhere("/stories", **here, cursor=str(cursor)) if cursor else None,
        first_href=address.elsewhere("/stories", **here) if continued else None,
        warnings=tuple(capitalized(clip(warning, 300)) for warning in warnings),
    )


def story_card(story: Mapping[str, Any], now: datetime) -> StoryCard:
    named = [clip(source.get("name"), NAME_CHARS) for source in story["sources"][:SOURCES_NAMED]]
    beyond = int(story.get("source_count") or 0) - len(named)
    more = [f"{beyond:,} more"] if beyond > 0 and named else []
    return StoryCard(
        href=story_href(story["id"]),
        title=clip(story.get("title"), TITLE_CHARS) or "Without a title",
        articles=int(story["article_count"]),
        sources=joined((*named, *more)),
        first=_at(story.get("first_published_at"), now),
        last=_at(story.get("last_published_at"), now),
        tone=tone({"score": story.get("sentiment")}),
        names=tuple(_name(entity, story["id"]) for entity in story["entities"]),
        headlines=tuple(headline(card, now) for card in story["articles"]),
    )


def story_href(story_id: object) -> str:
    return f"/stories/{quote(str(story_id), safe='')}"


def story_view(story: Mapping[str, Any], now: datetime) -> StoryView:
    card = story_card(story, now)
    own = Address((("story", str(story["id"])),))
    chart = story["histogram"]
    rows = [(bucket["start"], bucket["count"], bucket["sentiment"]) for bucket in chart["buckets"]]
    return StoryView(
        card=card,
        tab_title=f"{plain(story.get('title'), 90) or 'Story'} – Wireroom",
        days=days_of([headline(one, now, with_lead=True) for one in story["timeline"]]),
        earlier=int(story.get("earlier_count") or 0),
        chart=timeline_view(chart["interval"], rows, own, earlier=chart.get("earlier", 0)),
        outlets=tuple(
            NameLink(
                clip(source["name"], NAME_CHARS),
                "",
                "",
                own.adding("source", source["name"]).href,
                source["count"],
            )
            for source in story["sources"][:SOURCES_LISTED]
        ),
        search_href=own.href,
        json_href=f"/v1{story_href(story['id'])}",
    )


def days_of(headlines: Sequence[Headline]) -> tuple[Day, ...]:
    days: list[tuple[str, list[Headline]]] = []
    for one in headlines:
        name = one.published.absolute.partition(", ")[0] if one.published else "Undated"
        if not days or days[-1][0] != name:
            days.append((name, []))
        days[-1][1].append(one)
    return tuple(Day(name, tuple(of)) for name, of in days)


def headline(card: Mapping[str, Any], now: datetime, *, with_lead: bool = False) -> Headline:
    return Headline(
        href=f"/articles/{card['id']}",
        title=clip(card.get("title"), TITLE_CHARS) or "Without a title",
        lang=language_attribute((card.get("language") or {}).get("code")),
        source=clip(card.get("source"), NAME_CHARS),
        published=moment(card.get("published_at") or card.get("received_at"), now),
        tone=tone(card.get("sentiment")),
        lead=clip(card.get("lead"), LEAD_CHARS) if with_lead else "",
        also=also_of(card.get("duplicates"), now),
    )


def also_of(duplicates: Mapping[str, Any] | None, now: datetime) -> Also | None:
    """`duplicates` are those of a hit, or of a card on a story's timeline."""
    if not duplicates or not duplicates["count"]:
        return None
    count, outlets = int(duplicates["count"]), int(duplicates["sources"])
    shown = tuple(headline(copy, now) for copy in duplicates["articles"])
    if outlets:
        said = f"Also in {outlets:,} other outlet{'' if outlets == 1 else 's'}"
    else:
        said = f"{count:,} more by the same outlet"
    return Also(said, shown, count - len(shown))


def _name(entity: Mapping[str, Any], story_id: str) -> NameLink:
    label, canonical = str(entity["label"]), str(entity["canonical"])
    found = Address((("entity", f"{label}:{canonical}"), ("story", story_id)))
    return NameLink(
        clip(canonical, NAME_CHARS), entity_word(label), entity_class(label), found.href, int(entity["count"])
    )


def _at(value: object, now: datetime) -> Moment | None:
    return moment(value.isoformat() if isinstance(value, datetime) else value, now)
