"""Texts, pictures and names out of the elements of NewsML-G2."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
# In serialised markup each < opens a tag.
_PREFIXES = re.compile(r"<(/?)[A-Za-z_][\w.\-]{0,60}:(?=[A-Za-z_])")
_NAMESPACES = re.compile(r' xmlns(?::[\w.\-]{1,60})?="[^"<>]{0,500}"')
# An HTML reader takes </br> for one more <br>.
_ENDS_OF_VOID = re.compile(r"</(?:br|hr|img|wbr|col|source|area|embed|input|link|meta|track)>")
MAX_NAMES = 50
MAX_PARTS = 50


def local_name(element: etree._Element) -> str:
    """Agencies differ in the namespace's date, and some leave it out."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def children(element: etree._Element | None, name: str) -> list[etree._Element]:
    return [] if element is None else [one for one in element if local_name(one) == name]


def child(element: etree._Element | None, name: str) -> etree._Element | None:
    return None if element is None else next((one for one in element if local_name(one) == name), None)


def text_of(element: etree._Element | None) -> str:
    """Return the text inside, that of markup in it included, on one line."""
    return "" if element is None else " ".join("".join(_strings(element)).split())


def _strings(element: etree._Element) -> list[str]:
    return [text for text in element.itertext() if isinstance(text, str)]


def name_of(element: etree._Element | None, *, by_code: bool = True) -> str:
    """Return the name in the element, else (by_code) the end of its code, else its own text."""
    if element is None:
        return ""
    names = children(element, "name")[:MAX_NAMES]
    full = [one for one in names if (one.get("role") or "").rpartition(":")[2] in ("", "full", "display")]
    named = text_of(next(iter(full or names), None))
    if named:
        return named
    if len(element) == 0 and (own := text_of(element)):
        return own
    return code_of(element) if by_code else ""


def code_of(element: etree._Element | None) -> str:
    """Return the code without its scheme: "stat:usable" and ".../pubstatus/usable" are both "usable"."""
    if element is None:
        return ""
    code = element.get("qcode") or element.get("uri") or element.get("literal") or ""
    return code.strip().rpartition(":")[2].rpartition("/")[2]


def language_of(root: etree._Element, about: etree._Element | None) -> str:
    """Return the language of the content, else that of the item's own words."""
    told = child(about, "language")
    return ("" if told is None else told.get("tag", "")) or root.get(XML_LANG, "")


def content_of(root: etree._Element, kind: str | None) -> dict[str, Any]:
    """Return bodies and renditions (of pictures) of the contentSet."""
    bodies: list[dict[str, str]] = []
    renditions: list[dict[str, Any]] = []
    for content in children(root, "contentSet")[:1]:
        for part in content[:MAX_PARTS]:
            name = local_name(part)
            if name == "inlineXML":
                bodies.append({"role": "html", "contentType": "text/html", "value": markup_of(part)})
            elif name == "inlineData" and not part.get("encoding"):
                bodies.append(_inline_data(part))
            elif name == "remoteContent" and part.get("href"):
                renditions.append(_rendition(part, kind))
    return {"bodies": [body for body in bodies if body["value"].strip()], "renditions": renditions}


def _inline_data(part: etree._Element) -> dict[str, str]:
    kind = part.get("contenttype", "text/plain")
    role = "html" if "html" in kind else "text"
    return {"role": role, "contentType": kind, "value": "".join(_strings(part))}


def _rendition(part: etree._Element, kind: str | None) -> dict[str, Any]:
    content_type = part.get("contenttype") or ("image/*" if kind in ("picture", "graphic") else "")
    rendition: dict[str, Any] = {
        "name": (part.get("rendition") or "main").rpartition(":")[2],
        "href": part.get("href"),
        "contentType": content_type,
    }
    for name in ("width", "height"):
        if (size := part.get(name, "")).isdecimal() and len(size) < 7:
            rendition[name] = int(size)
    return {key: value for key, value in rendition.items() if value}


def markup_of(part: etree._Element) -> str:
    """Return the text of an inlineXML as HTML: XHTML's body, NITF's body.content, else all of it."""
    found = next(part.iter("{*}body.content"), None)
    if found is None:
        found = next(part.iter("{*}body"), part)
    if len(found) == 0 and not (found.text or "").strip():
        return ""
    markup = etree.tostring(found, method="html", encoding="unicode", with_tail=False)
    inner = markup[markup.find(">") + 1 : markup.rfind("</")]
    plain = _ENDS_OF_VOID.sub("", _NAMESPACES.sub("", _PREFIXES.sub(r"<\1", inner)))
    return f"<html><body>{plain}</body></html>"
