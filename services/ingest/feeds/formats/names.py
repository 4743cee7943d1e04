"""The names of elements: one short name for each, however its feed spells the namespace. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from lxml import etree

# A feed's own elements go without a prefix. Spellings differ in case and in the last slash.
_NAMESPACES = {
    "http://www.w3.org/2005/atom": "atom",
    "http://purl.org/atom/ns#": "atom",
    "http://example.com/newformat#": "atom",
    "http://example.com/necho": "atom",
    "http://purl.org/echo": "atom",
    "uri/of/echo/namespace#": "atom",
    "http://purl.org/pie": "atom",
    "http://my.netscape.com/rdf/simple/0.9": "",
    "http://channel.netscape.com/rdf/simple/0.9": "",
    "http://my.netscape.com/publish/formats/rss-0.91.dtd": "",
    "http://purl.org/rss/1.0": "",
    "http://purl.org/net/rss1.1#": "",
    "http://backend.userland.com/rss": "",
    "http://backend.userland.com/rss2": "",
    "http://blogs.law.harvard.edu/tech/rss": "",
    "http://cyber.law.harvard.edu/rss/rss.html": "",
    "http://www.rssboard.org/rss-specification": "",
    "http://www.sitemaps.org/schemas/sitemap/0.9": "",
    "http://www.google.com/schemas/sitemap/0.84": "",
    "http://www.google.com/schemas/sitemap/0.9": "",
    "http://purl.org/dc/elements/1.0": "dc",
    "http://purl.org/dc/elements/1.1": "dc",
    "http://purl.org/dc/terms": "dcterms",
    "http://purl.org/rss/1.0/modules/content": "content",
    "http://purl.org/rss/1.0/modules/syndication": "sy",
    "http://search.yahoo.com/mrss": "media",
    "http://video.search.yahoo.com/mrss": "media",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner",
    "http://www.w3.org/1999/xhtml": "xhtml",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "http://www.w3.org/xml/1998/namespace": "xml",
    "http://www.google.com/schemas/sitemap-news/0.9": "news",
    "http://www.google.com/schemas/sitemap-image/1.1": "image",
    "http://prismstandard.org/namespaces/basic/2.0": "prism",
    "http://prismstandard.org/namespaces/basic/2.1": "prism",
    "http://prismstandard.org/namespaces/basic/3.0": "prism",
    "http://prismstandard.org/namespaces/1.2/basic": "prism",
}
_IANA_RELATIONS = "http://www.iana.org/assignments/relation/"  # RFC 4287, section 4.2.7.2
XML_BASE = "{http://www.w3.org/XML/1998/namespace}base"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


@lru_cache(maxsize=4096)
def _short_name(tag: str) -> str:
    if tag.startswith("{"):
        namespace, _, local = tag[1:].partition("}")
        prefix = _NAMESPACES.get(namespace.strip().lower().rstrip("/"))
        if prefix is None:
            prefix = "?"  # of a namespace that we do not know, and so none of our elements
    else:
        # A prefix that the document never declared: what it means is plain all the same.
        prefix, _, local = tag.rpartition(":")
        prefix = prefix.lower()
    if prefix in ("", "rss"):
        return local.lower()
    return f"{prefix}:{local.lower()}"


def name_of(element: etree._Element) -> str:
    """Return the element's name in lower case, with the prefix that its namespace has here.

    RSS's and the sitemaps' own elements have none; "?:" stands for a namespace that we do not know.
    """
    return _short_name(element.tag) if isinstance(element.tag, str) else "?:"


def children(element: etree._Element) -> Iterator[tuple[str, etree._Element]]:
    """Yield each child element and its name."""
    for child in element:
        if isinstance(child.tag, str):
            yield _short_name(child.tag), child


def attribute(element: etree._Element, name: str) -> str | None:
    """Return an attribute without a namespace and without regard to its case, stripped; None when blank."""
    value = element.get(name)
    if value is None:
        for key, other in element.attrib.items():
            if str(key).lower() == name:
                value = str(other)
                break
    return (str(value).strip() or None) if value is not None else None


def relation_of(element: etree._Element) -> str:
    """Return a link's relation in lower case: its name, also where IANA's address for it is given."""
    return (attribute(element, "rel") or "").lower().removeprefix(_IANA_RELATIONS)


def text_of(element: etree._Element) -> str:
    """Return all character data within the element, stripped."""
    return "".join(map(str, element.itertext())).strip() if len(element) else (element.text or "").strip()


def inherited(element: etree._Element, name: str) -> str | None:
    """Return the nearest value of an attribute on the element or above it."""
    at: etree._Element | None = element
    while at is not None:
        value = at.get(name)
        if value is not None:
            return str(value).strip()
        at = at.getparent()
    return None
