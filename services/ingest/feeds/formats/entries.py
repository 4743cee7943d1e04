"""One entry of RSS, RDF, Atom or CDF. Pure.

The formats lend each other their elements, so one reader looks for all of them, the format's own first.
"""

from __future__ import annotations

from lxml import etree

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.elements import (
    Bag,
    atom_person,
    date_of,
    html_of,
    image_of,
    person_name,
    title_of,
)
from services.ingest.feeds.formats.markup import absolute_url, text_from_title
from services.ingest.feeds.formats.model import FeedEntry, FeedLink
from services.ingest.feeds.formats.names import (
    XML_LANG,
    attribute,
    inherited,
    relation_of,
    text_of,
)

MAX_GUID_CHARS = 500
MAX_LINKS = 50
MAX_CATEGORIES = 100
_KEPT_RELATIONS = frozenset({"related", "via", "enclosure"})
_PAGE_TYPES = frozenset({"", "text/html", "application/xhtml+xml"})
_TITLES = ("title", "atom:title", "dc:title", "dcterms:title", "media:title", "itunes:title")
_CONTENTS = (
    "content:encoded", "atom:content", "content", "xhtml:body", "xhtml:div", "fullitem", "body",
)  # fmt: skip
_SUMMARIES = (
    "description", "atom:summary", "summary", "abstract", "dc:description", "dcterms:abstract",
    "itunes:summary", "media:description",
)  # fmt: skip
PUBLISHED = (
    "pubdate", "atom:published", "published", "atom:issued", "issued", "dcterms:issued", "dc:date",
    "atom:created", "created", "dcterms:created", "prism:publicationdate", "date",
)  # fmt: skip
UPDATED = (
    "atom:updated", "updated", "atom:modified", "modified", "dcterms:modified", "prism:modificationdate",
    "lastbuilddate",
)  # fmt: skip


def read_entry(element: etree._Element, *, atom: bool, base: str | None) -> FeedEntry:
    """Return what an item or entry says. `base` is what its links are relative to without xml:base."""
    bag = Bag(element, base)
    published, unread = date_of(bag, *PUBLISHED)
    updated, unread_too = date_of(bag, *UPDATED)
    link, guid = _link_and_guid(bag)
    return FeedEntry(
        guid=guid,
        link=link,
        title=title_of(bag, *_TITLES, atom=atom),
        content=html_of(bag, *_CONTENTS, atom=atom),
        summary=_summary(bag, atom=atom),
        authors=authors_of(bag) or _authors_of_source(bag),
        published_at=published,
        updated_at=updated or parse_date(attribute(element, "lastmod")),
        unread_dates=tuple(dict.fromkeys([*unread, *unread_too])),
        categories=_categories(bag),
        language=bag.text("dc:language", "language") or inherited(element, XML_LANG) or None,
        source=_source(bag),
        image=image_of(bag),
        links=_links(bag),
    )


def _summary(bag: Bag, *, atom: bool) -> str | None:
    found = html_of(bag, *_SUMMARIES, atom=atom)
    if found is None:
        groups = (
            html_of(Bag(group, bag.base), "media:description", atom=False) for group in bag.all("media:group")
        )
        found = next((html for html in groups if html is not None), None)
    return found


def _link_and_guid(bag: Bag) -> tuple[str | None, str | None]:
    guid = bag.text("guid", "atom:id", "id", "dc:identifier")
    if guid is not None and len(guid) > MAX_GUID_CHARS:
        guid = None
    about = next(
        (str(value) for key, value in bag.element.attrib.items() if str(key).endswith("#}about")), None
    )
    link = (
        _url(bag, bag.text("feedburner:origlink"))
        or page_link(bag)
        or _url(bag, _permalink(bag))
        or _url(bag, about)
        or _url(bag, attribute(bag.element, "href"))
    )
    if link is None:
        # The text stands elsewhere: Atom's out-of-line content.
        found = (absolute_url(attribute(each, "src"), bag.base_of(each)) for each in bag.all("atom:content"))
        link = next((url for url in found if url is not None), None)
    return link, guid or about


def _url(bag: Bag, url: str | None) -> str | None:
    return absolute_url(url, bag.base_of(bag.element))


def _permalink(bag: Bag) -> str | None:
    """Return the guid where RSS says that it is a link: unless isPermaLink says otherwise."""
    for guid in bag.all("guid"):
        text = text_of(guid)
        said = (attribute(guid, "ispermalink") or "").lower()
        if said != "false" and ("://" in text or (said == "true" and text.startswith("/"))):
            return text
    return None


def page_link(bag: Bag) -> str | None:
    """Return the address of the page: RSS's link, or Atom's alternate, of HTML where there are several."""
    best: tuple[int, str] | None = None
    for child in bag.all("link", "atom:link", "a"):
        relation = relation_of(child) or "alternate"
        url = absolute_url(attribute(child, "href") or text_of(child), bag.base_of(child))
        if url is None or relation != "alternate":
            continue
        rank = 0 if (attribute(child, "type") or "").lower() in _PAGE_TYPES else 1
        if best is None or rank < best[0]:
            best = rank, url
    return None if best is None else best[1]


def _links(bag: Bag) -> tuple[FeedLink, ...]:
    links: dict[str, FeedLink] = {}
    for child in bag.all("link", "atom:link"):
        relation = relation_of(child)
        url = absolute_url(attribute(child, "href"), bag.base_of(child))
        if url is not None and relation in _KEPT_RELATIONS:
            title = text_from_title(attribute(child, "title") or "")
            links.setdefault(url, FeedLink(url=url, rel=relation, title=title))
    for child in bag.all("enclosure"):
        url = absolute_url(attribute(child, "url"), bag.base_of(child))
        if url is not None:
            links.setdefault(url, FeedLink(url=url, rel="enclosure"))
    return tuple(links.values())[:MAX_LINKS]


def authors_of(bag: Bag) -> tuple[str, ...]:
    """Return the names of those who wrote it, of the kind of element that names anybody first."""
    for names in (("author", "atom:author"), ("dc:creator", "dc:author"), ("itunes:author",)):
        found = [atom_person(child) for child in bag.all(*names)]
        given = tuple(dict.fromkeys(name for name in found if name is not None))
        if given:
            return given
    credits = (credit for credit in bag.all("media:credit") if attribute(credit, "role") == "author")
    return tuple(dict.fromkeys(name for credit in credits if (name := person_name(text_of(credit)))))


def _authors_of_source(bag: Bag) -> tuple[str, ...]:
    for source in bag.all("atom:source"):
        return authors_of(Bag(source, bag.base))
    return ()


def _source(bag: Bag) -> str | None:
    """Return the outlet that an aggregated entry came from."""
    for source in bag.all("source", "atom:source"):
        if len(source):
            return title_of(Bag(source, bag.base), "atom:title", "title", atom=True)
        return text_from_title(text_of(source))
    return None


def _categories(bag: Bag) -> tuple[str, ...]:
    found = [
        next(filter(None, (attribute(child, name) for name in ("label", "term", "text"))), text_of(child))
        for child in bag.all("category", "atom:category", "dc:subject", "itunes:category")
    ]
    for child in bag.all("itunes:keywords", "media:keywords"):
        found.extend(text_of(child)[:2000].split(","))
    texts = (text_from_title(category[:300]) for category in found if category)
    return tuple(dict.fromkeys(text for text in texts if text is not None))[:MAX_CATEGORIES]
