"""What the page of one article shows, made from the article as served. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.index.engine.protocol import Hit, Page
from services.index.web.address import Address
from services.index.web.labels import (
    RELATED_KINDS,
    UNREAD_PARTS,
    door_phrase,
    entity_class,
    entity_word,
    language_name,
)
from services.index.web.mentions import Paragraph, legend, paragraphs_of
from services.index.web.quotes import MAX_QUOTES, QuoteRow, quote_rows
from services.index.web.stories import story_href
from services.index.web.texts import (
    Moment,
    Tone,
    capitalized,
    clip,
    host_of,
    joined,
    language_attribute,
    moment,
    plain,
    tone,
    web_url,
    within,
)

NAME_CHARS = 80
TITLE_CHARS = 300
MAX_BODY_CHARS = 200_000
MAX_ENTITIES = 60
ENTITIES_AT_ONCE = 12
LONG_TITLE_CHARS = 120
MAX_RELATED = 8
_VALUES = frozenset({"DATE", "MONEY", "PERCENT"})


@dataclass(frozen=True, slots=True)
class EntityRow:
    name: str
    word: str
    css: str
    href: str
    count: int
    tone: Tone | None


@dataclass(frozen=True, slots=True)
class NamedLink:
    text: str
    href: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RelatedLink:
    """`href` is None for a headline whose address nobody gave; `host` is set when it leads elsewhere."""

    title: str
    kind: str
    why: str
    href: str | None
    host: str


@dataclass(frozen=True, slots=True)
class StoryLink:
    """An article of the story; `here` is the one that the page shows."""

    here: bool
    title: str
    href: str
    source: str
    published: Moment | None


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str
    href: str | None = None


@dataclass(frozen=True, slots=True)
class ArticleView:
    """The whole page. `cut` says that the body goes on beyond what is shown."""

    title: str
    title_is_long: bool
    tab_title: str
    lang: str | None
    source: str
    source_href: str
    authors: str
    published: Moment | None
    updated: Moment | None
    tone: Tone | None
    unread: str
    paragraphs: tuple[Paragraph, ...]
    cut: bool
    legend: tuple[tuple[str, str], ...]
    entities: tuple[EntityRow, ...]
    rarer_entities: tuple[EntityRow, ...]
    more_entities: int
    topics: tuple[NamedLink, ...]
    keyphrases: tuple[NamedLink, ...]
    quotes: tuple[QuoteRow, ...]
    more_quotes: int
    story: tuple[StoryLink, ...]
    story_href: str | None
    related: tuple[RelatedLink, ...]
    original: NamedLink | None
    facts: tuple[Fact, ...]
    models: tuple[Fact, ...]
    json_href: str


def article_view(
    article: Mapping[str, Any], related: Sequence[Mapping[str, Any]], story: Page, *, now: datetime
) -> ArticleView:
    """`related` is that of the API, `story` some articles of the same story, this one perhaps among them."""
    body = str(article.get("body") or "")
    entities = article.get("entities") or ()
    quotes = article.get("quotes") or ()
    paragraphs = paragraphs_of(body[:MAX_BODY_CHARS], entities)
    rows = entity_rows(entities)
    line = _story_line(story, str(article["id"]), now)
    told = {hit.id for hit in story.hits}
    links = (_related_link(link) for link in related if link.get("id") not in told or not link.get("id"))
    original = web_url(article.get("url")) or web_url(article.get("canonical_url"))
    source = str(article.get("source") or "")
    story_id = article.get("story_id")
    title = clip(article.get("title"), TITLE_CHARS) or "Without a title"
    unsupported = article.get("unsupported") or ()
    return ArticleView(
        title=title,
        title_is_long=len(title) > LONG_TITLE_CHARS,
        tab_title=f"{plain(article.get('title'), 90) or 'Article'} – Wireroom",
        lang=language_attribute(within(article, "language", "code")),
        source=clip(source, NAME_CHARS),
        source_href=Address((("source", source),)).href,
        authors=joined(clip(name, NAME_CHARS) for name in (article.get("authors") or ())[:8]),
        published=moment(article.get("published_at"), now),
        updated=moment(article.get("updated_at"), now),
        tone=None if "sentiment" in unsupported else tone(article.get("sentiment")),
        unread=unread_note(unsupported, article),
        paragraphs=paragraphs,
        cut=len(body) > MAX_BODY_CHARS,
        legend=legend(paragraphs),
        entities=rows[:ENTITIES_AT_ONCE],
        rarer_entities=rows[ENTITIES_AT_ONCE:MAX_ENTITIES],
        more_entities=max(0, len(rows) - MAX_ENTITIES),
        topics=tuple(
            map(_topic, {topic.get("code"): topic for topic in (article.get("topics") or ())[:20]}.values())
        ),
        keyphrases=tuple(_keyphrase(phrase) for phrase in (article.get("keyphrases") or ())[:15]),
        quotes=quote_rows(body[:MAX_BODY_CHARS], quotes, entities),
        more_quotes=max(0, len(quotes) - MAX_QUOTES),
        story=line,
        story_href=story_href(story_id) if line else None,
        related=tuple(link for link in links if link.title)[:MAX_RELATED],
        original=NamedLink(clip(source, NAME_CHARS) or host_of(original), original) if original else None,
        facts=facts(article, now),
        models=models(article),
        json_href=f"/v1/articles/{article['id']}",
    )


def unread_note(unsupported: Sequence[str], article: Mapping[str, Any]) -> str:
    """Return what was not read of the article for want of a model of its language; empty if all was."""
    parts = [words for part, words in UNREAD_PARTS.items() if part in unsupported]
    if not parts:
        return ""
    language = clip(language_name(str(within(article, "language", "code") or "und")), 40)
    return f"{capitalized(joined(parts))} not read for {language}"


def doubtful_phrase(article: Mapping[str, Any]) -> str:
    """Return which dates cannot be right, empty if none."""
    names = {"published_at": "the date of publication", "updated_at": "the date of the update"}
    return joined(names[date] for date in article.get("doubtful_dates") or () if date in names)


def entity_rows(entities: Iterable[Mapping[str, Any]]) -> tuple[EntityRow, ...]:
    """Return the named entities, the most frequent first; dates and amounts are no names.

    One that both the publisher and we give is shown once, as ours, which is counted.
    """
    once = {(entity.get("label"), entity.get("canonical")): entity for entity in entities}
    named = [entity for entity in once.values() if entity.get("label") not in _VALUES]
    named.sort(key=lambda entity: -int(entity.get("count") or 0))
    return tuple(
        EntityRow(
            name=clip(entity.get("canonical"), NAME_CHARS),
            word=entity_word(entity.get("label")),
            css=entity_class(entity.get("label")),
            href=Address((("entity", f"{entity.get('label')}:{entity.get('canonical')}"),)).href,
            count=int(entity.get("count") or 0),
            tone=tone(entity.get("sentiment")),
        )
        for entity in named
    )


def _topic(topic: Mapping[str, Any]) -> NamedLink:
    code = str(topic.get("code") or "")
    score = topic.get("score")
    note = f"{score:.0%}" if isinstance(score, int | float) else ""
    return NamedLink(
        capitalized(clip(topic.get("name"), NAME_CHARS)) or code, Address((("topic", code),)).href, note
    )


def _keyphrase(phrase: Mapping[str, Any]) -> NamedLink:
    text = clip(phrase.get("text"), NAME_CHARS).replace('"', "")
    return NamedLink(text, Address((("q", f'"{text}"'),)).href)


def _story_line(story: Page, article_id: str, now: datetime) -> tuple[StoryLink, ...]:
    """Return the articles of the story, the oldest first; nothing when there is none beside this one."""
    if all(hit.id == article_id for hit in story.hits):
        return ()
    oldest_first = sorted(story.hits, key=lambda hit: str(hit.card.get("published_at") or "9"))
    return tuple(_story_link(hit, hit.id == article_id, now) for hit in oldest_first)


def _story_link(hit: Hit, here: bool, now: datetime) -> StoryLink:
    return StoryLink(
        here=here,
        title=clip(hit.card.get("title"), 200) or "Without a title",
        href=f"/articles/{hit.id}",
        source=clip(hit.card.get("source"), NAME_CHARS),
        published=moment(hit.card.get("published_at") or hit.card.get("received_at"), now),
    )


def _related_link(link: Mapping[str, Any]) -> RelatedLink:
    url = web_url(link.get("url"))
    ours = link.get("id")
    return RelatedLink(
        title=clip(link.get("title"), 200) or (host_of(url) if url else ""),
        kind=RELATED_KINDS.get(str(link.get("kind")), ""),
        why=clip(link.get("why"), 200),
        href=f"/articles/{ours}" if ours else url,
        host="" if ours or not url else host_of(url),
    )


def facts(article: Mapping[str, Any], now: datetime) -> tuple[Fact, ...]:
    """Return where the article came from."""
    provenance = article.get("provenance") or {}
    fetched = web_url(provenance.get("fetched_from"))
    confidence = within(article, "language", "confidence")
    language = language_name(str(within(article, "language", "code") or "und"))
    sure = f" ({confidence:.0%} sure)" if isinstance(confidence, int | float) and language else ""
    times = {
        "Fetched": moment(provenance.get("fetched_at"), now),
        "Received": moment(article.get("received_at"), now),
        "Enriched": moment(article.get("enriched_at"), now),
        "Indexed": moment(article.get("indexed_at"), now),
    }
    embargo = moment(article.get("embargoed_until"), now)
    found = [
        Fact("Came in", door_phrase(clip(provenance.get("door"), 40))),
        Fact("Doubtful", doubtful_phrase(article)),
        Fact("By", clip(provenance.get("submitted_by"), NAME_CHARS)),
        Fact("Fetched from", host_of(fetched) if fetched else "", fetched),
        *(Fact(name, at.absolute) for name, at in times.items() if at),
        Fact("Language", f"{clip(language, 40)}{sure}"),
        Fact("Revision", str(article.get("revision"))),
        Fact("Embargoed until", embargo.absolute if embargo else ""),
        Fact("Format", clip(provenance.get("format"), 40)),
        Fact("Id", str(article["id"])),
    ]
    return tuple(fact for fact in found if fact.value)


def models(article: Mapping[str, Any]) -> tuple[Fact, ...]:
    """Return what worked on the article: the version of each step's model or rules."""
    versions: Mapping[str, Any] = within(article, "provenance", "versions") or {}
    return tuple(
        Fact(clip(step, 30).capitalize(), clip(version, 60))
        for step, version in sorted(versions.items())[:20]
    )
