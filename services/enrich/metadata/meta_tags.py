"""OpenGraph, Twitter cards, Dublin Core and the other `<meta>` of a page, read into `Metadata`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import islice
from typing import Any, Final

from services.enrich.metadata.fields import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    Metadata,
    author_names,
    keyword_list,
    plain_line,
)
from services.enrich.steps.instants import parse_instant
from shared.events import Image

Resolve = Callable[[str], str | None]
MetaTags = dict[str, list[str]]

_MAX_TAGS: Final = 1_000
_MAX_PER_KEY: Final = 50
_MAX_CONTENT_CHARS: Final = 4_096

_OG_PUBLISHED: Final = (
    "article:published_time", "article:published", "og:published_time", "og:article:published_time",
)  # fmt: skip
_OG_UPDATED: Final = (
    "article:modified_time", "article:modified", "og:updated_time", "og:article:modified_time",
)  # fmt: skip
_TITLES: Final = ("dc.title", "dcterms.title", "parsely-title", "sailthru.title", "headline")
_AUTHORS: Final = (
    "author", "parsely-author", "dc.creator", "dcterms.creator", "sailthru.author", "byl", "citation_author",
)  # fmt: skip
_PUBLISHED: Final = (
    "datepublished", "parsely-pub-date", "dc.date.issued", "dcterms.issued", "dc.date", "dcterms.date",
    "dcterms.created", "sailthru.date", "publishdate", "publish-date", "pubdate", "publication_date",
    "citation_publication_date", "date",
)  # fmt: skip
_UPDATED: Final = (
    "datemodified", "dc.date.modified", "dcterms.modified", "last-modified", "revised", "lastmod",
)  # fmt: skip
_DESCRIPTIONS: Final = ("dc.description", "dcterms.description", "dcterms.abstract", "description")
_KEYWORDS: Final = ("news_keywords", "parsely-tags", "sailthru.tags", "dc.subject", "keywords")


def read_meta_tags(root: Any) -> MetaTags:
    """Return the contents of <meta>, in document order, by their property, name or itemprop in lower case."""
    tags: MetaTags = {}
    for element in islice(root.iter("meta"), _MAX_TAGS):
        content = element.get("content")
        if not content:
            continue
        # <meta property="og:title" name="twitter:title"> means both.
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            for key in (element.get(attribute) or "")[:200].lower().split()[:4]:
                contents = tags.setdefault(key, [])
                if len(contents) < _MAX_PER_KEY:
                    contents.append(content[:_MAX_CONTENT_CHARS])
    return tags


def from_open_graph(tags: MetaTags, resolve: Resolve) -> Metadata:
    """Return what OpenGraph (with `article:*`) and, after it, the Twitter card say."""
    site = _text(tags, ("og:site_name",), MAX_NAME_CHARS)
    return Metadata(
        title=_text(tags, ("og:title", "twitter:title"), MAX_TITLE_CHARS),
        authors=author_names(_all(tags, ("article:author", "og:article:author")), site),
        published_at=_instant(tags, _OG_PUBLISHED),
        updated_at=_instant(tags, _OG_UPDATED),
        description=_text(tags, ("og:description", "twitter:description"), MAX_DESCRIPTION_CHARS),
        keywords=keyword_list(_all(tags, ("article:tag", "og:article:tag", "video:tag"))),
        image=_image(tags, resolve),
        site_name=site,
        language=_text(tags, ("og:locale",), 40),
    )


def from_names(tags: MetaTags) -> Metadata:
    """Return what Dublin Core and the names that publishing systems use say."""
    site = _text(tags, ("dc.publisher", "dcterms.publisher", "application-name"), MAX_NAME_CHARS)
    return Metadata(
        title=_text(tags, _TITLES, MAX_TITLE_CHARS),
        authors=author_names(_all(tags, _AUTHORS), site),
        published_at=_instant(tags, _PUBLISHED),
        updated_at=_instant(tags, _UPDATED),
        description=_text(tags, _DESCRIPTIONS, MAX_DESCRIPTION_CHARS),
        keywords=keyword_list(_all(tags, _KEYWORDS)),
        site_name=site,
        language=_text(tags, ("content-language", "dc.language", "dcterms.language"), 40),
    )


def _all(tags: MetaTags, keys: Iterable[str]) -> list[str]:
    """Return the contents of the first key that the page has: the others repeat it in other words."""
    return next((tags[key] for key in keys if key in tags), [])


def _text(tags: MetaTags, keys: Iterable[str], max_chars: int) -> str | None:
    texts = (plain_line(content, max_chars) for key in keys for content in tags.get(key, ()))
    return next((text for text in texts if text), None)


def _instant(tags: MetaTags, keys: Iterable[str]) -> datetime | None:
    instants = (parse_instant(content) for key in keys for content in tags.get(key, ()))
    return next((instant for instant in instants if instant), None)


def _image(tags: MetaTags, resolve: Resolve) -> Image | None:
    for card, keys in (
        ("og", ("og:image", "og:image:secure_url", "og:image:url")),
        ("twitter", ("twitter:image", "twitter:image:src")),
    ):
        for address in (content for key in keys for content in tags.get(key, ())):
            if url := resolve(address):
                return Image(url=url, caption=_text(tags, (f"{card}:image:alt",), MAX_DESCRIPTION_CHARS))
    return None
