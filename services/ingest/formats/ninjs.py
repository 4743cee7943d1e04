"""ninjs (IPTC's news in JSON) 1.x to 3.x as our own fields. docs/ninjs.md has the table.

Whatever the standard allows is taken. What our own fields cannot hold is kept under `extra` by the names of
3.x, as are the publisher's people, places and so on in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic_core import PydanticCustomError

from services.ingest import fields
from services.ingest.formats import ninjs_content as content
from services.ingest.formats.ninjs_images import images_of
from services.ingest.schema import ALIASES, ArticleInput, ReadArticle, invalid, read_fields
from shared.events import Entity, Label
from shared.http.problems import FieldError, Problem
from shared.media_topics import publisher_topics
from shared.ninjs import checking
from shared.ninjs.marks import without_ours
from shared.ninjs.versions import as_3x

# A planning item lists hundreds of things that our fields do not have.
MOST_EXTRA = fields.Most(values=20_000, chars=262_144)
MAX_ENTITIES = 200
MAX_UNUSED_CHARS = 20_000
# What only our own format has: a document with one of these and a `uri` of its own device is not ninjs.
OWN_NAMES = frozenset((*ArticleInput.model_fields, *ALIASES)) - {
    "title", "language", "headline", "byline", "body_html",
}  # fmt: skip
_LABELS: dict[str, Label] = {
    "people": "PERSON", "organisations": "ORG", "places": "GPE", "events": "EVENT", "objects": "PRODUCT",
}  # fmt: skip
_AUTHOR_ROLES = frozenset({"author", "creator", "byline", "writer", "reporter", "contributor"})
# Objects are related in other ways, too: as a picture's file, or the shop it is sold in.
_ABOUT = frozenset({"about", "mentions", "mentioned"})
# Wholly in our own fields once they are read.
_READ = frozenset(
    {"uri", "version", "pubStatus", "language", "firstCreated", "versionCreated", "embargoedUntil"}
)


def is_ninjs(document: dict[str, Any]) -> bool:
    return checking.is_ninjs(document, OWN_NAMES)


def read_ninjs(document: dict[str, Any], now: datetime) -> ReadArticle:
    """Return the article. Raises a 422 Problem that lists what is against the rules of ninjs, or ours."""
    version = checking.version_of(document)
    errors = checking.errors_of(document, version)
    if errors:
        detail = f"This is not valid ninjs {version.major}.x: {errors[0].detail}."
        raise Problem(422, "invalid-article", detail, title="Invalid article", errors=errors)
    return read_item(without_ours(as_3x(document, version)), now, f"ninjs {version.major}.x")


def read_item(item: dict[str, Any], now: datetime, format_: str) -> ReadArticle:
    """Return the article of an item in the shape of ninjs 3.x. Raises a 422 Problem like `read_ninjs`."""
    uri = fields.clean_text(item["uri"])
    if not 0 < len(uri) <= fields.MAX_ID_CHARS:
        raise invalid([FieldError("/uri", f"uri must have 1 to {fields.MAX_ID_CHARS} characters")])
    dates = {name: _instant(item.get(name)) for name in ("firstCreated", "versionCreated", "embargoedUntil")}
    images = images_of(item)
    known = {
        "id": uri,
        "url": content.web_address(item),
        **content.text_fields(item),
        "source": _source(item),
        "authors": list(_authors(item)),
        "published_at": _iso(dates["firstCreated"] or dates["versionCreated"]),
        "updated_at": _iso(dates["versionCreated"]),
        "language": _language(item),
        "revision": _revision(item.get("version")),
        "status": item.get("pubStatus"),
        "keywords": _keywords(item),
        "links": content.links_of(item),
        "image": {"url": images[0].url, "caption": images[0].caption, "credit": images[0].credit}
        if images
        else None,
    }
    read = read_fields(known, _extra(item, known, dates), now, max_extra=MOST_EXTRA)
    article = read.article.model_copy(
        update={
            "uri": uri,
            "image": images[0] if images else None,
            "images": images,
            "entities": tuple(_entities(item)),
            "topics": publisher_topics(item.get("subjects", ())),
            "embargoed_until": dates["embargoedUntil"],
        }
    )
    return read._replace(article=article, format=format_)


def _instant(value: Any) -> datetime | None:
    """Return the instant, or None where the date is none of ours (the year 1): it stays in `extra`."""
    try:
        return fields.instant(value)
    except PydanticCustomError:
        return None


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _language(item: dict[str, Any]) -> str | None:
    try:
        return fields.language_tag(item.get("language"))
    except PydanticCustomError:
        return None


def _revision(version: str | None) -> int | None:
    """ninjs' version is a string; where it counts, it is the revision, else versionCreated orders them."""
    if version is None or not version.strip().isascii() or not version.strip().isdigit():
        return None
    digits = version.strip()
    return int(digits) if len(digits) <= 15 else None


def _source(item: dict[str, Any]) -> str | None:
    named = [source["name"] for source in item.get("infoSources", ()) if source.get("name", "").strip()]
    source = fields.clean_text(next(iter(named), None) or item.get("copyrightHolder", ""))
    return source if 0 < len(source) <= fields.MAX_NAME_CHARS else None


def _authors(item: dict[str, Any]) -> Iterator[str]:
    """The byline as it stands: where one name ends and the next begins is told differently everywhere."""
    by = fields.clean_text(item.get("by", ""))
    if by[:3].lower() == "by ":
        by = by[3:].strip()
    people = [
        person["name"] for person in item.get("people", ()) if person.get("rel", "").lower() in _AUTHOR_ROLES
        and person.get("name")
    ]  # fmt: skip
    for name in [by] if by else people[: fields.MAX_AUTHORS]:
        if len(name) <= fields.MAX_NAME_CHARS:
            yield name


def _keywords(item: dict[str, Any]) -> list[str]:
    names = (subject.get("name", "").strip() for subject in item.get("subjects", ()))
    return [name for name in dict.fromkeys(names) if 0 < len(name) <= fields.MAX_NAME_CHARS][
        : fields.MAX_KEYWORDS
    ]


def _entities(item: dict[str, Any]) -> Iterator[Entity]:
    seen: set[tuple[str, str]] = set()
    for kind, label in _LABELS.items():
        for thing in item.get(kind, ()):
            if kind == "objects" and thing.get("rel", "mentions").lower() not in _ABOUT:
                continue
            name = fields.clean_text(thing.get("name", ""))[: fields.MAX_NAME_CHARS]
            if name and (label, name) not in seen and len(seen) < MAX_ENTITIES:
                seen.add((label, name))
                yield Entity(
                    text=name,
                    label=label,
                    canonical=name,
                    count=1,
                    origin="publisher",
                    uri=thing.get("uri"),
                    rel=thing.get("rel"),
                )


def _extra(item: dict[str, Any], known: dict[str, Any], dates: dict[str, datetime | None]) -> dict[str, Any]:
    """Return what is in no field of ours; of associated items not their text, which is for them to bring."""
    unread = {name for name, at in dates.items() if at is None}
    unread |= {
        name for name in ("version", "language") if known["revision" if name == "version" else name] is None
    }
    extra = {name: value for name, value in item.items() if name not in _READ or name in unread}
    left = {
        "headlines": [
            part for part in item.get("headlines", ()) if content.headline_text(part) != known["title"]
        ],
        "bodies": [part for part in item.get("bodies", ()) if not content.is_text(part, known)],
    }
    for name, parts in left.items():
        extra.pop(name, None)
        if parts:
            extra[name] = [part for part in parts if len(part["value"]) <= MAX_UNUSED_CHARS]
    if extra.get("title") == known["title"]:
        del extra["title"]
    if "associations" in extra:
        extra["associations"] = [content.without_text(part) for part in extra["associations"]]
    return extra
