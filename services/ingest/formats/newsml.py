"""NewsML-G2 (IPTC's news in XML): a newsItem as the ninjs item that says the same (docs/ninjs.md).

Read leniently, for no two agencies write it alike: all that is needed is a guid.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from lxml import etree

from services.ingest import fields
from services.ingest.formats import newsml_content as content
from services.ingest.formats.newsml_content import child, children, code_of, local_name, name_of, text_of
from services.ingest.formats.ninjs import read_item
from services.ingest.formats.xml import XmlDocument, parse_xml
from services.ingest.schema import ReadArticle, invalid
from shared.http.problems import FieldError, Problem

FORMAT = "NewsML-G2"
MAX_THINGS = 500
_STATUSES = ("usable", "withheld", "canceled")
_KINDS = {
    "person": "people", "organisation": "organisations", "geoArea": "places", "geoarea": "places",
    "poi": "places", "event": "events", "object": "objects",
}  # fmt: skip
_OTHER_ITEMS = frozenset({"packageItem", "conceptItem", "knowledgeItem", "planningItem", "catalogItem"})


def read_newsml(document: XmlDocument, now: datetime) -> ReadArticle:
    """Return the article of a newsItem, or of a newsMessage with one. Raises a 422 Problem for others."""
    return read_item(_item(news_item(document.root)), now, FORMAT)


def news_items(root: etree._Element) -> list[etree._Element]:
    """Return the news items of a message. Raises a 422 Problem when this is no newsMessage."""
    name = local_name(root)
    if name == "newsItem":
        return [root]
    if name != "newsMessage":
        raise _refused(name)
    return [item for part in children(root, "itemSet") for item in children(part, "newsItem")]


def split_message(body: bytes) -> list[bytes]:
    """Return the news items of a newsMessage, each as a document; what is no such message as it is."""
    try:
        items = news_items(parse_xml(body).root)
    except Problem:
        return [body]
    return (
        [etree.tostring(item, encoding="utf-8", with_tail=False) for item in items]
        if len(items) > 1
        else [body]
    )


def news_item(root: etree._Element) -> etree._Element:
    """Raises a 422 Problem unless there is exactly one newsItem."""
    items = news_items(root)
    if len(items) == 1:
        return items[0]
    if not items:
        inside = [local_name(item) for part in children(root, "itemSet") for item in part]
        raise _refused(next(iter(inside), "newsMessage"))
    detail = (
        f"This newsMessage holds {len(items)} news items, and an answer is about one: "
        "send it to /v1/articles/batch, or each newsItem by itself."
    )
    raise Problem(422, "invalid-article", detail, errors=[FieldError("/newsMessage/itemSet", detail)])


def _refused(name: str) -> Problem:
    if name in _OTHER_ITEMS:
        detail = f"A NewsML-G2 {name} is no article: send the newsItems that it refers to."
    elif name in ("rss", "feed", "RDF", "urlset", "sitemapindex"):
        detail = "This is a feed, not an article: have it polled with POST /v1/feeds."
    else:
        detail = f"XML articles are NewsML-G2 newsItems; this is <{name[:60]}>."
    return Problem(422, "invalid-article", detail, errors=[FieldError(f"/{name[:60]}", detail)])


def _item(root: etree._Element) -> dict[str, Any]:
    """Return the item in the shape of ninjs 3.x. Raises a 422 Problem naming what is missing or wrong."""
    guid = (root.get("guid") or "").strip()
    meta, about = child(root, "itemMeta"), child(root, "contentMeta")
    status = code_of(child(meta, "pubStatus")) or "usable"
    errors = []
    if not guid or len(guid) > fields.MAX_ID_CHARS:
        errors.append(
            FieldError("/newsItem/@guid", f"the guid must have 1 to {fields.MAX_ID_CHARS} characters")
        )
    if status not in _STATUSES:
        advice = f"pubStatus must be one of {', '.join(_STATUSES)}"
        errors.append(FieldError("/newsItem/itemMeta/pubStatus", advice))
    if errors:
        raise invalid(errors)
    item: dict[str, Any] = {"uri": guid, "version": root.get("version"), "pubStatus": status}
    item |= _from_item_meta(meta) | _from_content_meta(about) | _rights(child(root, "rightsInfo"))
    item["language"] = content.language_of(root, about)
    item |= content.content_of(root, item.get("type"))
    if not item.get("infoSources") and (provider := name_of(child(meta, "provider"))):
        item["infoSources"] = [{"name": provider, "role": "provider"}]
    return {name: value for name, value in item.items() if value not in (None, "", [], {})}


def _from_item_meta(meta: etree._Element | None) -> dict[str, Any]:
    kind = code_of(child(meta, "itemClass"))
    return {
        "type": kind if kind in ("text", "audio", "video", "picture", "graphic", "composite") else None,
        "firstCreated": text_of(child(meta, "firstCreated")),
        "versionCreated": text_of(child(meta, "versionCreated")),
        "embargoedUntil": text_of(child(meta, "embargoed")),
        "edNote": "\n".join(filter(None, map(text_of, children(meta, "edNote")))),
        "title": text_of(child(meta, "title")),
        "profile": text_of(child(meta, "profile")),
        "altIds": [
            {"role": alt.get("type", "altId"), "value": value}
            for alt in children(meta, "altId")
            if (value := text_of(alt))
        ],
    }


def _from_content_meta(about: etree._Element | None) -> dict[str, Any]:
    by = text_of(child(about, "by")) or ", ".join(filter(None, map(name_of, children(about, "creator"))))
    urgency = text_of(child(about, "urgency"))
    item: dict[str, Any] = {
        "headlines": list(_texts(about, "headline", "main")),
        "descriptions": list(_texts(about, "description", "summary")),
        "by": by,
        "slugline": text_of(child(about, "slugline")),
        "located": name_of(child(about, "located")),
        "contentCreated": text_of(child(about, "contentCreated")),
        "urgency": int(urgency) if urgency in tuple("123456789") else None,
        "infoSources": [
            {"name": name, "role": "source"} for name in map(name_of, children(about, "infoSource")) if name
        ],
        "genres": [_thing(genre) for genre in children(about, "genre")],
    }
    if credit := text_of(child(about, "creditline")):
        item["descriptions"].append({"role": "creditline", "value": credit})
    if dateline := text_of(child(about, "dateline")):
        item["descriptions"].append({"role": "dateline", "value": dateline})
    for subject in children(about, "subject")[:MAX_THINGS]:
        item.setdefault(_KINDS.get(_local_code(subject.get("type")), "subjects"), []).append(_thing(subject))
    for keyword in map(text_of, children(about, "keyword")[:MAX_THINGS]):
        if keyword:
            item.setdefault("subjects", []).append({"name": keyword})
    return item


def _texts(about: etree._Element | None, name: str, role: str) -> Iterator[dict[str, str]]:
    for part in children(about, name):
        if text := text_of(part):
            yield {"role": _local_code(part.get("role")) or role, "value": text}


def _thing(element: etree._Element) -> dict[str, str]:
    qcode, uri = element.get("qcode"), element.get("uri")
    thing = {"name": name_of(element, by_code=False), "literal": qcode or element.get("literal"), "uri": uri}
    if uri is None and qcode and qcode.startswith("medtop:"):
        thing["uri"] = f"http://cv.iptc.org/newscodes/mediatopic/{qcode.removeprefix('medtop:')}"
    return {key: value for key, value in thing.items() if value}


def _rights(rights: etree._Element | None) -> dict[str, Any]:
    return {
        "copyrightHolder": name_of(child(rights, "copyrightHolder")),
        "copyrightNotice": text_of(child(rights, "copyrightNotice")),
        "usageTerms": text_of(child(rights, "usageTerms")),
    }


def _local_code(qcode: str | None) -> str:
    return qcode.rpartition(":")[2].rpartition("/")[2] if qcode else ""
