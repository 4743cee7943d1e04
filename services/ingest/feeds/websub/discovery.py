"""Which hub pushes a feed, and under which topic: Link headers first, then the feed's own links. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from services.ingest.feeds.formats.markup import absolute_url
from services.ingest.feeds.formats.model import Feed

MAX_HEADER_CHARS = 8_000
# RFC 8288: <target>; name=value; name="value with, anything; in it", next.
_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[^\s;,=\"]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s;,\"]*))?)*)")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


class Offer(NamedTuple):
    """A hub and the topic that it knows the feed by."""

    hub: str
    topic: str


def discover(link_headers: list[str], feed: Feed, url: str) -> Offer | None:
    """Return the first hub that is named, None when none is. `url` is where the feed was found."""
    links = links_from_headers(link_headers, url)
    hubs = links.get("hub") or list(feed.hubs)
    if not hubs:
        return None
    topics = links.get("self") or ([feed.self_url] if feed.self_url else [url])
    return Offer(hubs[0], topics[0])


def links_from_headers(headers: list[str], base: str) -> dict[str, list[str]]:
    """Return the absolute targets of Link headers by relation, each in the order of the headers."""
    found: dict[str, list[str]] = {}
    for target, parameters in _LINK.findall(", ".join(headers)[:MAX_HEADER_CHARS]):
        url = absolute_url(target, base)
        relation = _RELATION.search(parameters)
        if url is None or relation is None:
            continue
        for name in (relation[1] or relation[2] or "").lower().split():
            found.setdefault(name, []).append(url)
    return found
