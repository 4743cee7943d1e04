"""An article as ninjs 3.1, IPTC's news in JSON, for those who take news in that way. Pure.

What the publisher gave as ninjs comes out as it was, ours beside it: entities with the relation
`wireroom:mentions`, topics with the creator `wireroom`. docs/ninjs.md has the table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from shared.ninjs import checking
from shared.ninjs.marks import MENTIONS, OURS

Part = Mapping[str, Any]

STANDARD = {
    "name": "ninjs",
    "version": "3.1",
    "schema": "http://www.iptc.org/std/ninjs/ninjs-schema_3.1.json",
}
_KINDS = {
    "PERSON": "people", "ORG": "organisations", "GPE": "places", "LOC": "places", "FAC": "places",
    "EVENT": "events", "PRODUCT": "objects", "WORK_OF_ART": "objects", "LAW": "objects", "NORP": "objects",
}  # fmt: skip
# As the publisher gave them, where that is valid: ninjs 1.x and 2.x allowed more than 3.x.
_AS_GIVEN = (
    "type", "profile", "contentCreated", "urgency", "copyrightHolder", "copyrightNotice", "usageTerms",
    "edNote", "slugline", "located", "title", "genres", "expires", "rightsInfo", "digitalSourceType",
    "trustIndicators", "eventDetails", "plannedCoverage", "renditions", "infoSources", "by", "descriptions",
)  # fmt: skip
_ANY_URI = "urn:x"


def ninjs_from_article(article: Part) -> dict[str, Any]:
    """Return a served article as a valid ninjs 3.1 document."""
    extra = article.get("extra") or {}
    item: dict[str, Any] = {
        "standard": STANDARD,
        "uri": uri_of(article),
        "type": "text",
        "representationType": "full",
        "version": str(article.get("revision", 1)),
        "firstCreated": article.get("published_at"),
        "versionCreated": article.get("updated_at") or article.get("received_at"),
        "embargoedUntil": article.get("embargoed_until"),
        "pubStatus": "usable",
        "language": _language(article),
        "by": ", ".join(article.get("authors") or ()),
        "infoSources": [{"name": article["source"], "role": "source"}] if article.get("source") else None,
    }
    item |= {name: given for name in _AS_GIVEN if (given := _valid(name, extra.get(name))) is not None}
    item["headlines"] = (
        [_text(article["title"]), *_given("headlines", extra)] if article.get("title") else None
    )
    item["bodies"] = [_body(article["body"]), *_given("bodies", extra)] if article.get("body") else None
    item |= _things(article, extra)
    item["subjects"] = [*_subjects(article, extra)]
    alt_ids = _given("altIds", extra)
    item["altIds"] = [*alt_ids, *(one for one in _alt_ids(article, item["uri"]) if one not in alt_ids)]
    shown = {rendition.get("href") for rendition in item.get("renditions") or ()}
    item["associations"] = [*(_given("associations", extra) or _pictures(article, shown)), *_related(article)]
    return {name: value for name, value in item.items() if value not in (None, "", [])}


def uri_of(article: Part) -> str:
    """Return what names the article worldwide: the publisher's URI, else its address, else a URN of ours."""
    for name in ("uri", "publisher_id", "canonical_url", "url"):
        if _is_uri(article.get(name)):
            return str(article[name])
    return our_urn(article["id"])


def our_urn(article_id: str) -> str:
    return f"urn:x-wireroom:{article_id}"


def _is_uri(value: Any) -> bool:
    return isinstance(value, str) and checking.is_valid({"uri": value})


def _valid(name: str, value: Any) -> Any:
    """Return a property's value, of an array its valid elements; None where nothing of it is valid."""
    if value is None or checking.is_valid({"uri": _ANY_URI, name: value}):
        return value
    if isinstance(value, list):
        return [one for one in value if checking.is_valid({"uri": _ANY_URI, name: [one]})] or None
    return None


def _given(name: str, extra: Part) -> list[Any]:
    return _valid(name, extra.get(name)) or []


def _language(article: Part) -> str | None:
    code = (article.get("language") or {}).get("code")
    return None if code == "und" else code


def _text(value: str) -> dict[str, str]:
    return {"role": "main", "contentType": "text/plain", "value": value}


def _body(value: str) -> dict[str, Any]:
    return {**_text(value), "charCount": len(value), "wordCount": len(value.split())}


def _things(article: Part, extra: Part) -> dict[str, list[dict[str, Any]]]:
    """Return people, organisations and so on: those of the publisher, then ours, the most named first."""
    things = {kind: list(_given(kind, extra)) for kind in dict.fromkeys(_KINDS.values())}
    for entity in sorted(article.get("entities") or (), key=lambda one: -int(one.get("count") or 0)):
        kind = _KINDS.get(entity.get("label"))
        if kind and entity.get("origin") != "publisher":
            name = entity["canonical"]
            things[kind].append({"name": name, "rel": MENTIONS, "literal": f"{entity['label']}:{name}"})
    return things


def _subjects(article: Part, extra: Part) -> Iterator[dict[str, Any]]:
    given = _given("subjects", extra)
    yield from given
    if not given:
        yield from ({"name": keyword} for keyword in article.get("keywords") or ())
    for topic in article.get("topics") or ():
        if topic.get("origin") != "publisher":
            yield {
                "name": topic["name"],
                "uri": f"http://cv.iptc.org/newscodes/mediatopic/{topic['code']}",
                "creator": OURS,
                "confidence": min(100, max(0, round(topic["score"] * 100))),
            }


def _alt_ids(article: Part, uri: str) -> Iterable[dict[str, str]]:
    ids = {
        OURS: article["id"],
        "publisher": article.get("publisher_id"),
        "canonicalUrl": article.get("canonical_url"),
    }
    return ({"role": role, "value": value} for role, value in ids.items() if value and value != uri)


def _pictures(article: Part, shown: Collection[str]) -> Iterator[dict[str, Any]]:
    images = article.get("images") or ([article["image"]] if article.get("image") else [])
    for number, image in enumerate(images, 1):
        if image.get("url") in shown or not _is_uri(image.get("url")):
            continue
        rendition = {
            "name": "main",
            "href": image["url"],
            "contentType": image.get("content_type"),
            "width": image.get("width"),
            "height": image.get("height"),
        }
        texts = {"caption": image.get("caption"), "creditline": image.get("credit")}
        yield {
            "name": f"image{number}",
            "uri": image["url"],
            "type": "picture",
            "descriptions": [{"role": role, "value": text} for role, text in texts.items() if text],
            "renditions": [{name: value for name, value in rendition.items() if value is not None}],
        }


def _related(article: Part) -> Iterator[dict[str, Any]]:
    """Return the related links; `rel` says how: cited, duplicate or similar."""
    for number, link in enumerate(article.get("related") or (), 1):
        uri = link.get("url") or (our_urn(link["id"]) if link.get("id") else None)
        if _is_uri(uri):
            related = {
                "name": f"related{number}",
                "uri": uri,
                "type": "text",
                "rel": f"{OURS}:{link['kind']}",
            }
            yield related | ({"title": link["title"]} if link.get("title") else {})
