"""Which of a page's words about its article are believed: the order of the readers."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any, Final

import trafilatura

from services.enrich.metadata.fields import (
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    Metadata,
    author_names,
    first_found,
    plain_line,
)
from services.enrich.metadata.json_ld import read_graph
from services.enrich.metadata.markup import canonical_link, from_markup, title_from_tag
from services.enrich.metadata.meta_tags import from_names, from_open_graph, read_meta_tags
from services.enrich.metadata.news_article import from_json_ld, identity_from_json_ld
from services.enrich.steps.dom import base_url_of, http_url
from services.enrich.steps.instants import parse_instant, plausible
from shared.events import Image

_GUESSABLE: Final = ("title", "authors", "published_at", "site_name")
# A guess at the date searches all text where nothing else has it: 0.35 s per megabyte.
_MAX_SEARCHED_CHARS: Final = 300_000
_TITLE_SEPARATORS: Final = (" | ", " - ", " – ", " — ", " · ", " • ", " :: ", " « ", " » ")


def read_metadata(
    root: Any,
    scripts: Iterable[str],
    tree: Any | None,
    url: str | None,
    seen_at: datetime,
    given: Collection[str] = (),
) -> Metadata:
    """Return what a page says about its article, in this order of belief:

    1. `<link rel=canonical>` and `og:site_name`, for URL and source only
    2. JSON-LD: the schema.org article of the page
    3. OpenGraph and `article:*`, then the Twitter card
    4. Dublin Core, `<meta name=author>` and other names
    5. `<time>`, `<html lang>`
    6. publisher and URL in JSON-LD
    7. trafilatura's guess from visible text, at title, authors, date and source; `<title>` at last

    `scripts` are the texts of the page's JSON-LD, `tree` is the part of the page to guess from, None to guess
    nothing; nor is guessed what is among `given`, the names of fields that are known already. `seen_at` is
    when the page was received: dates long after it are not believed, nor is 1970-01-01.
    """
    base = base_url_of(root, url)

    def resolve(address: str) -> str | None:
        return http_url(address, base)

    canonical_url = canonical_link(root, resolve)
    tags = read_meta_tags(root)
    open_graph = from_open_graph(tags, resolve)
    og_url = next((address for address in map(resolve, tags.get("og:url", ())) if address), None)
    page_urls = frozenset(address for address in (url, canonical_url, og_url) if address)
    graph = read_graph(scripts, page_urls)
    readers = [
        Metadata(canonical_url=canonical_url or og_url, site_name=open_graph.site_name),
        from_json_ld(graph, resolve),
        open_graph,
        from_names(tags),
        from_markup(root),
        identity_from_json_ld(graph, resolve),
    ]
    found = first_found([_with_plausible_dates(reader, seen_at) for reader in readers])
    if tree is not None and any(not getattr(found, name) and name not in given for name in _GUESSABLE):
        found = first_found([found, _with_plausible_dates(_guess(tree, url), seen_at)])
    title = found.title or title_from_tag(root)
    return replace(
        found,
        title=_without_site(title, found.site_name) if title else None,
        updated_at=_not_before(found.updated_at, found.published_at),
        image=_captioned(found.image, open_graph.image) if found.image and found.image.url != url else None,
    )


def _with_plausible_dates(metadata: Metadata, seen_at: datetime) -> Metadata:
    return replace(
        metadata,
        published_at=plausible(metadata.published_at, seen_at),
        updated_at=plausible(metadata.updated_at, seen_at),
    )


def _guess(tree: Any, url: str | None) -> Metadata:
    searches_text = sum(map(len, islice(tree.itertext(), _MAX_SEARCHED_CHARS))) <= _MAX_SEARCHED_CHARS
    try:
        document = trafilatura.extract_metadata(tree, url, extensive=searches_text)
    except Exception:
        # Its parsers of date and tree raise freely on broken pages: then there is no guess.
        return Metadata()
    return Metadata(
        title=plain_line(document.title, MAX_TITLE_CHARS),
        authors=author_names([document.author]),
        published_at=parse_instant(document.date),
        site_name=plain_line(document.sitename, MAX_NAME_CHARS),
    )


def _without_site(title: str, site_name: str | None) -> str:
    """Cut " | Fjord Post" off a title: readers of search results need it, those of the page do not."""
    if site_name is None or not title.casefold().endswith(site_name.casefold()):
        return title
    rest = title[: len(title) - len(site_name)]
    return rest[:-3].rstrip() or title if rest.endswith(_TITLE_SEPARATORS) else title


def _not_before(updated_at: datetime | None, published_at: datetime | None) -> datetime | None:
    if updated_at is None or (published_at is not None and updated_at < published_at):
        return None
    return updated_at


def _captioned(image: Image, card: Image | None) -> Image:
    """Return the image with the caption that the page's card has for the very same one."""
    same = image.caption is None and card is not None and card.url == image.url
    return image.model_copy(update={"caption": card.caption}) if same and card else image
