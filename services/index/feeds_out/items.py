"""From what the engine gives to the items of a feed. Pure."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from services.index.engine.documents import LEAD_CHARS
from services.index.engine.protocol import Hit
from services.index.feeds_out.model import FeedItem, ItemImage, ItemLink, ItemTopic
from services.index.feeds_out.texts import language_tag, legal, one_line, uri
from shared.instants import EPOCH

MAX_TITLE_CHARS = 1_000
MAX_NAME_CHARS = 300
MAX_AUTHORS = 50
MAX_TOPICS = 50
_UNTITLED = "Untitled"
_IMAGE_TYPE = re.compile(r"image/[a-z0-9.+-]{1,60}")


def item_of(hit: Hit, base_url: str, body: str | None = None) -> FeedItem:
    """Return the item of an article. One without an address of its own leads to its page under `base_url`."""
    card, article_id = hit.card, hit.id
    received_at, published_at = _instant(card["received_at"]), _instant(card.get("published_at"))
    source = one_line(card.get("source"), MAX_NAME_CHARS) or None
    authors = (one_line(name, MAX_NAME_CHARS) for name in card.get("authors", ())[:MAX_AUTHORS])
    return FeedItem(
        id=article_urn(article_id),
        article_id=article_id,
        url=_url(card, base_url),
        title=one_line(card["title"], MAX_TITLE_CHARS) or _UNTITLED,
        summary=_summary(card["lead"]),
        received_at=received_at or EPOCH,
        indexed_at=_instant(card.get("indexed_at")) or received_at or EPOCH,
        published_at=_believable(published_at, received_at),
        body=None if body is None else legal(body),
        authors=tuple(dict.fromkeys(name for name in authors if name)),
        source=source,
        source_url=f"{base_url}/search.rss?{urlencode({'source': source})}" if source else None,
        language=language_tag((card.get("language") or {}).get("code")),
        topics=tuple(_topic(topic) for topic in card.get("topics", ())[:MAX_TOPICS]),
        image=_image(card.get("image")),
        story_id=one_line(card.get("story_id"), MAX_NAME_CHARS) or None,
        duplicates=tuple(_link(copy, base_url) for copy in hit.duplicates.articles) if hit.duplicates else (),
    )


def _url(card: Mapping[str, Any], base_url: str) -> str:
    return uri(card.get("url")) or f"{base_url}/articles/{card['id']}"


def _link(card: Mapping[str, Any], base_url: str) -> ItemLink:
    said = [one_line(card.get(name), MAX_NAME_CHARS) for name in ("source", "title")]
    return ItemLink(_url(card, base_url), ": ".join(filter(None, said)) or _UNTITLED)


def article_urn(article_id: str) -> str:
    """Return the article's id, which has the 128 bits of a UUID, as a URI that needs no host."""
    return UUID(hex=article_id).urn


def _summary(lead: str) -> str:
    text = legal(lead).strip()
    if len(lead) < LEAD_CHARS:
        return text
    # Where it was cut off is seldom between two words.
    return f"{text.rpartition(' ')[0] or text}…"


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) else None


def _believable(published_at: datetime | None, received_at: datetime | None) -> datetime | None:
    """A date of 2099 would keep the entry on top of every reader's list, so it counts as the receipt's."""
    if published_at is None or received_at is None:
        return published_at
    return min(published_at, received_at)


def _topic(topic: Mapping[str, Any]) -> ItemTopic:
    code, name = (one_line(topic.get(key), MAX_NAME_CHARS) for key in ("code", "name"))
    return ItemTopic(code or name, name or code)


def _image(image: Mapping[str, Any] | None) -> ItemImage | None:
    url = uri(image.get("url")) if image else None
    if image is None or url is None:
        return None
    given = str(image.get("content_type") or "").lower()
    guessed = mimetypes.guess_type(urlsplit(url).path)[0] or ""
    types = (kind for kind in (given, guessed) if _IMAGE_TYPE.fullmatch(kind))
    return ItemImage(
        url,
        next(types, None),
        one_line(image.get("caption"), MAX_TITLE_CHARS) or None,
        one_line(image.get("credit"), MAX_NAME_CHARS) or None,
    )
