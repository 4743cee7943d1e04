"""Title, text and links out of a ninjs 3.x item: which of several headlines and bodies are the article's."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from lxml import html as lxml_html
from lxml.etree import LxmlError
from pydantic_core import PydanticCustomError

from services.ingest import fields
from services.ingest.canonical_url import canonicalize_url

Part = Mapping[str, Any]

_MAIN_ROLES = ("main", "text", "body", "fulltext", "article", "html5", "xhtml", "html", "story")
_CAPTION_ROLES = ("main", "text", "caption", "summary", "abstract", "description", "lead")
# Descriptions that are no text of the article, though they stand beside one.
_NO_TEXT = frozenset(
    {"creditline", "credit", "writer", "note", "captionwriter", "byline", "copyright", "dateline"}
)
_WEB_ADDRESS_ROLES = frozenset({"url", "weburl", "canonical", "canonicalurl", "permalink", "webcanonical"})
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_MAX_TITLE_FROM_TEXT = 150
_MAX_HEADLINE_MARKUP = 20_000


def text_fields(item: Part) -> dict[str, str | None]:
    """Return title, body and html. An item without any text, as events are, is titled by what names it."""
    plain, markup = _bodies(item.get("bodies", ()))
    if not plain and not markup:
        plain = _description(item)
    return {"title": _title(item, has_text=bool(plain or markup)), "body": plain, "html": markup}


def is_text(part: Part, known: Mapping[str, Any]) -> bool:
    """Whether this body is the article's text, or the same text in another form."""
    if fields.clean_text(part["value"]) in (known["body"], known["html"]):
        return True
    return part.get("role", "").lower() in ("", *_MAIN_ROLES)


def without_text(association: Part) -> dict[str, Any]:
    """Return an associated item without bodies, and those associated with it without theirs."""
    kept = {name: value for name, value in association.items() if name != "bodies"}
    if "associations" in kept:
        kept["associations"] = [without_text(part) for part in kept["associations"]]
    return kept


def headline_text(part: Part) -> str:
    """Return a headline's text, without its markup if it has any."""
    value: str = part["value"]
    if "html" in part.get("contentType", "").lower() and _MARKUP.search(value):
        try:
            value = lxml_html.fragment_fromstring(
                value[:_MAX_HEADLINE_MARKUP], create_parent=True
            ).text_content()
        except (LxmlError, ValueError):
            value = _MARKUP.sub("", value)
    return _cut(" ".join(fields.clean_text(value).split()), fields.MAX_TITLE_CHARS)


def web_address(item: Part) -> str | None:
    """Return where the item is published: an alternative id that says so, else its URI where it is a URL."""
    named = [
        one.get("value")
        for one in item.get("altIds", ())
        if one.get("role", "").lower() in _WEB_ADDRESS_ROLES
    ]
    for address in (*named, item["uri"]):
        url = http_url(address)
        if url is not None:
            return url
    return None


def http_url(value: Any) -> str | None:
    """Return the URL, or None where it is none that can be opened: ninjs has URNs and streams, too."""
    try:
        url = fields.http_url(value)
        return url and (url if canonicalize_url(url) else None)
    except (PydanticCustomError, ValueError):
        return None


def links_of(item: Part) -> list[dict[str, Any]]:
    """Return the associated texts that are on the Web as links."""
    links = []
    for part in item.get("associations", ()):
        url = (
            web_address(part) if "uri" in part and part.get("type", "text") in ("text", "composite") else None
        )
        if url:
            title = _headline(part) or part.get("title") or None
            links.append(
                {"url": url, "title": title and _cut(title, fields.MAX_TITLE_CHARS), "rel": "related"}
            )
    return links[: fields.MAX_LINKS]


def caption_of(item: Part) -> str | None:
    """Return what describes the item, for a picture its caption."""
    text = _description(item) or _headline(item)
    return text and _cut(text, fields.MAX_CAPTION_CHARS)


def _title(item: Part, *, has_text: bool) -> str:
    planned = [part.get("title", "") for part in item.get("plannedCoverage", ())]
    found = _headline(item) or _first(item.get("title"), item.get("slugline"))
    if found:
        return _cut(found, fields.MAX_TITLE_CHARS)
    if has_text:
        # Enrichment makes a title of the text.
        return ""
    return _cut(_first(*planned, item["uri"]), fields.MAX_TITLE_CHARS)


def _headline(item: Part) -> str:
    headlines = [(part, headline_text(part)) for part in item.get("headlines", ())[:20]]
    filled = [(part, text) for part, text in headlines if not fields.is_blank(text)]
    main = [text for part, text in filled if part.get("role", "").lower() in ("main", "headline", "primary")]
    return next(iter(main), filled[0][1] if filled else "")


def _first(*texts: str | None) -> str:
    cleaned = (fields.clean_text(text) for text in texts if text)
    return next((text for text in cleaned if not fields.is_blank(text)), "")


def _bodies(bodies: Sequence[Part]) -> tuple[str | None, str | None]:
    """Return the plain text and the markup.

    Where there are both, and the plain one is one long line, only the markup tells its paragraphs.
    """
    filled = [part for part in bodies if not fields.is_blank(part["value"])]
    markup = _preferred([part for part in filled if _is_markup(part)], _MAIN_ROLES)
    plain = _preferred([part for part in filled if not _is_markup(part)], _MAIN_ROLES)
    if (
        markup
        and plain
        and "\n" not in plain
        and len(re.findall(r"<p[ >]", markup[:100_000], re.IGNORECASE)) > 1
    ):
        plain = None
    return plain, markup


def _is_markup(part: Part) -> bool:
    kind = part.get("contentType", "").lower()
    if "html" in kind or "xml" in kind:
        return True
    return not kind.startswith("text/plain") and len(_MARKUP.findall(part["value"][:2_000])) > 1


def _description(item: Part) -> str | None:
    told = [part for part in item.get("descriptions", ()) if part.get("role", "").lower() not in _NO_TEXT]
    return _preferred(told, _CAPTION_ROLES)


def _preferred(parts: Sequence[Part], roles: Sequence[str]) -> str | None:
    """Return the text of the part whose role comes first, else the longest."""
    by_role = {part.get("role", "").lower(): fields.clean_text(part["value"]) for part in reversed(parts)}
    for role in roles:
        if not fields.is_blank(by_role.get(role)):
            return by_role[role]
    return max(by_role.values(), key=len, default=None) or None


def _cut(text: str, most_chars: int) -> str:
    return text if len(text) <= most_chars else f"{text[: most_chars - 1].rstrip()}…"
