"""From a feed's entry to an article as it is submitted. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from services.ingest.feeds.formats.model import FeedEntry
from services.ingest.fields import (
    EARLIEST_YEAR,
    MAX_AUTHORS,
    MAX_CAPTION_CHARS,
    MAX_ID_CHARS,
    MAX_KEYWORDS,
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    language_tag,
)
from services.ingest.schema import ReadArticle, read_article
from shared.http.problems import Problem
from shared.urls import split_url

MAX_SUMMARY_CHARS = 5_000


class EntryPage(NamedTuple):
    """The page that an entry links to: the article's own address, and its HTML."""

    url: str
    html: str


def document_from_entry(
    entry: FeedEntry,
    *,
    source: str | None,
    feed_url: str,
    language: str | None,
    page: EntryPage | None = None,
) -> dict[str, Any]:
    """Return the article of an entry as a submit would bring it: nothing of it is refused for its form.

    What is longer than an article's field is cut, and what cannot stand in its field is kept under `extra`.
    """
    text = entry.content or entry.summary
    extra: dict[str, Any] = {"feed_url": feed_url}
    if entry.unread_dates:
        extra["unread_dates"] = list(entry.unread_dates)
    if entry.summary and (entry.content or page):
        extra["summary"] = entry.summary[:MAX_SUMMARY_CHARS]
    if entry.source and entry.source != source:
        extra["entry_source"] = entry.source[:MAX_NAME_CHARS]
    document: dict[str, Any] = {
        "id": entry.guid if entry.guid and len(entry.guid) <= MAX_ID_CHARS else None,
        "url": page.url if page else _url(entry.link),
        "title": _cut(entry.title, MAX_TITLE_CHARS),
        "html": page.html if page else text,
        "source": _cut(source or entry.source, MAX_NAME_CHARS),
        "authors": [_cut(name, MAX_NAME_CHARS) for name in entry.authors[:MAX_AUTHORS]],
        "language": _language(entry.language) or _language(language),
        "keywords": [_cut(name, MAX_NAME_CHARS) for name in entry.categories[:MAX_KEYWORDS]],
        "links": [
            {"url": link.url, "rel": link.rel, "title": _cut(link.title, MAX_TITLE_CHARS)}
            for link in entry.links
        ],
        "image": _image(entry),
        "published_at": _date(entry.published_at),
        "updated_at": _date(entry.updated_at),
        "extra": extra,
    }
    return {name: value for name, value in document.items() if value is not None}


def _cut(text: str | None, most: int) -> str | None:
    if text is None or len(text) <= most:
        return text
    return text[: most - 1].rstrip() + "…"


def _date(at: datetime | None) -> str | None:
    return None if at is None or at.year < EARLIEST_YEAR else at.isoformat()


def _url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        split_url(url)
    except ValueError:
        return None
    return url


def _image(entry: FeedEntry) -> dict[str, Any] | None:
    image = entry.image
    if image is None or _url(image.url) is None:
        return None
    return {
        "url": image.url,
        "caption": _cut(image.caption, MAX_CAPTION_CHARS),
        "credit": _cut(image.credit, MAX_CAPTION_CHARS),
    }


def _language(tag: str | None) -> str | None:
    try:
        return language_tag(tag)
    except ValueError:
        return None


def read_entry_article(document: dict[str, Any], now: datetime) -> ReadArticle:
    """Return the article of a document. Raises a 422 Problem when it has no text, or cannot be taken.

    A date that a submit would be refused for is kept under `extra` instead: the entry is news all the same.
    """
    try:
        return read_article(document, now)
    except Problem as problem:
        wrong = {error.pointer.strip("/") for error in problem.errors} & {"published_at", "updated_at"}
        if not wrong:
            raise
    kept = {name: value for name, value in document.items() if name not in wrong}
    kept["extra"] = {**document["extra"], "unread_dates": [document[name] for name in sorted(wrong)]}
    return read_article(kept, now)
