"""What the specifications require of feeds, as checks that raise AssertionError naming what is wrong."""

from __future__ import annotations

import json
import re
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
_RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=])+")


def check_web_uri(uri: str | None) -> None:
    assert uri and _URI.fullmatch(uri), f"no absolute URI: {uri!r}"
    parts = urlsplit(uri)
    assert parts.scheme in ("http", "https") and parts.hostname, uri
    assert uri.count("#") <= 1, uri


def check_id(uri: str | None) -> None:
    assert uri and _URI.fullmatch(uri), f"an id must be an absolute URI: {uri!r}"


def only(parent: Any, path: str) -> Any:
    found = parent.findall(path)
    assert len(found) == 1, f"{len(found)} of {path} in {parent.tag}"
    return found[0]


def at_most_one(parent: Any, *paths: str) -> None:
    for path in paths:
        assert len(parent.findall(path)) <= 1, f"several {path} in {parent.tag}"


def check_rss(content: bytes) -> None:
    """The RSS 2.0 specification and the RSS Advisory Board's profile."""
    root = etree.fromstring(content)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    channel = only(root, "channel")
    assert only(channel, "title").text and only(channel, "description").text
    check_web_uri(only(channel, "link").text)
    at_most_one(channel, "language", "pubDate", "lastBuildDate", "generator", "ttl", "image")
    (own,) = [link for link in channel.findall(f"{ATOM}link") if link.get("rel") == "self"]
    assert own.get("type") == "application/rss+xml"
    check_web_uri(own.get("href"))
    check_rss_date(channel.findtext("lastBuildDate"))
    guids = []
    for item in channel.findall("item"):
        at_most_one(item, "title", "link", "description", "guid", "pubDate", "source", "enclosure", "author")
        assert item.findtext("title") or item.findtext("description")
        check_web_uri(item.findtext("link"))
        check_rss_date(item.findtext("pubDate"))
        guid = only(item, "guid")
        assert guid.get("isPermaLink") == "false"
        check_id(guid.text)
        guids.append(guid.text)
        for source in item.findall("source"):
            check_web_uri(source.get("url"))
        for enclosure in item.findall("enclosure"):
            check_web_uri(enclosure.get("url"))
            assert enclosure.get("length", "").isdigit() and "/" in enclosure.get("type", "")
        for category in item.findall("category"):
            assert category.text
    assert len(set(guids)) == len(guids), "guids repeat"


def check_rss_date(text: str | None) -> None:
    if text is not None:
        assert _RFC822.fullmatch(text), text
        assert format(parsedate_to_datetime(text), "%a") == text[:3], "the day of the week is wrong"


def check_atom(content: bytes) -> None:
    """RFC 4287, section 4: which elements there are once, at most once or at all, and what is in them."""
    root = etree.fromstring(content)
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        only(root, f"{ATOM}{name}")
    at_most_one(root, f"{ATOM}subtitle", f"{ATOM}generator", f"{ATOM}icon", f"{ATOM}logo")
    check_id(root.findtext(f"{ATOM}id"))
    check_atom_date(root.findtext(f"{ATOM}updated"))
    relations = [link.get("rel") for link in root.findall(f"{ATOM}link")]
    assert relations.count("self") == 1 and relations.count("alternate") == 1
    check_people(root)
    ids = []
    for entry in root.findall(f"{ATOM}entry"):
        for name in ("id", "title", "updated"):
            only(entry, f"{ATOM}{name}")
        for name in ("published", "content", "summary", "source", "rights"):
            at_most_one(entry, f"{ATOM}{name}")
        check_id(entry.findtext(f"{ATOM}id"))
        ids.append(entry.findtext(f"{ATOM}id"))
        check_atom_date(entry.findtext(f"{ATOM}updated"))
        if entry.find(f"{ATOM}published") is not None:
            check_atom_date(entry.findtext(f"{ATOM}published"))
        assert (
            entry.find(f"{ATOM}content") is not None
            or entry.find(f"{ATOM}link[@rel='alternate']") is not None
        )
        assert entry.find(f"{ATOM}author") is not None or root.find(f"{ATOM}author") is not None
        check_people(entry)
        for category in entry.findall(f"{ATOM}category"):
            assert category.get("term")
    assert len(set(ids)) == len(ids), "ids repeat"
    for link in root.iter(f"{ATOM}link"):
        check_web_uri(link.get("href"))
    for name in ("title", "subtitle", "summary", "content"):
        for element in root.iter(f"{ATOM}{name}"):
            assert element.get("type", "text") in ("text", "html") and len(element) == 0


def check_people(parent: Any) -> None:
    for person in parent.findall(f"{ATOM}author"):
        assert only(person, f"{ATOM}name").text


def check_atom_date(text: str | None) -> None:
    assert text and _RFC3339.fullmatch(text), text
    datetime.fromisoformat(text)


def check_json_feed(content: bytes) -> None:
    """JSON Feed 1.1."""
    feed = json.loads(content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"] and isinstance(feed["items"], list)
    for name in ("home_page_url", "feed_url"):
        check_web_uri(feed[name])
    ids = []
    for item in feed["items"]:
        assert isinstance(item["id"], str) and item["id"]
        ids.append(item["id"])
        assert "content_html" in item or "content_text" in item
        for name in ("url", "image"):
            if name in item:
                check_web_uri(item[name])
        for name in ("date_published", "date_modified"):
            if name in item:
                check_atom_date(item[name])
        for author in item.get("authors", ()):
            assert author["name"]
        assert all(isinstance(tag, str) and tag for tag in item.get("tags", ()))
        unknown = set(item) - {
            "id", "url", "external_url", "title", "content_html", "content_text", "summary", "image",
            "banner_image", "date_published", "date_modified", "authors", "tags", "language", "attachments",
        }  # fmt: skip
        assert all(name.startswith("_") and name != "_" for name in unknown), unknown
    assert len(set(ids)) == len(ids), "ids repeat"


CHECKS = {"rss": check_rss, "atom": check_atom, "json": check_json_feed}
