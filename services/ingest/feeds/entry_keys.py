"""Which entry is which: within a document, and from one poll to the next. Pure.

An entry is known by its guid; where that is shared by entries with other links, by both; else by its link,
else by its text. Its article is known by the link, as every door knows it, unless several entries share that
link or it is the site's own address: then by the guid.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple
from urllib.parse import urlsplit

from pydantic_core import to_json

from services.ingest.canonical_url import canonicalize_url
from services.ingest.feeds.formats.model import Feed, FeedEntry

KEY_BYTES = 12
DIGEST_BYTES = 8


class KeyedEntry(NamedTuple):
    """An entry, how it is known again (`key`) and what it says (`digest`).

    `canonical` is its link's canonical form, None where the link does not tell it from others.
    """

    entry: FeedEntry
    key: bytes
    digest: bytes
    canonical: str | None


def keyed_entries(feed: Feed, *, with_page: bool) -> tuple[list[KeyedEntry], int]:
    """Return the entries of a document, the first of each key, and how many were doubles.

    `with_page`: their pages are fetched, so an entry that was merely updated counts as changed, too.
    """
    links = [_canonical(entry.link) for entry in feed.entries]
    pairs = list(zip(feed.entries, links, strict=True))
    shared = _shared_links(pairs)
    home = _canonical(feed.link)
    links_of_guid = Counter(guid for guid, _ in {(entry.guid, link) for entry, link in pairs if entry.guid})
    keyed: dict[bytes, KeyedEntry] = {}
    for entry, link in pairs:
        known_by_guid = entry.guid is not None and links_of_guid[entry.guid] == 1
        key = _key(entry, link, guid_is_enough=known_by_guid)
        tells = link is not None and not (entry.guid and (link in shared or link == home or _is_home(link)))
        if key not in keyed:
            digest = _digest(entry, link, with_page=with_page)
            keyed[key] = KeyedEntry(entry, key, digest, link if tells else None)
    return list(keyed.values()), len(pairs) - len(keyed)


def _canonical(link: str | None) -> str | None:
    try:
        return canonicalize_url(link) if link else None
    except ValueError:
        return None


def _shared_links(pairs: Sequence[tuple[FeedEntry, str | None]]) -> set[str]:
    """Return the links that entries with different guids have in common."""
    guids = Counter(link for link, _ in {(link, entry.guid) for entry, link in pairs if link and entry.guid})
    return {link for link, count in guids.items() if count > 1}


def _is_home(link: str) -> bool:
    parts = urlsplit(link)
    return parts.path == "/" and not parts.query


def _key(entry: FeedEntry, link: str | None, *, guid_is_enough: bool) -> bytes:
    if guid_is_enough:
        identity: tuple[str | None, ...] = ("guid", entry.guid)
    elif entry.guid is not None or link is not None:
        identity = ("link", entry.guid, link)
    else:
        identity = ("text", entry.title, entry.content or entry.summary)
    return blake2b(to_json(identity), digest_size=KEY_BYTES, person=b"wireroom.entry").digest()


def _digest(entry: FeedEntry, link: str | None, *, with_page: bool) -> bytes:
    """Return a digest of what makes another revision of the article."""
    said = entry.model_dump(mode="json", exclude={"link", "guid", "unread_dates", "updated_at"})
    updated = entry.updated_at if with_page else None
    return blake2b(to_json([said, link, updated]), digest_size=DIGEST_BYTES).digest()
