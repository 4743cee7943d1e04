"""Links out of an article's HTML, read from the DOM before extraction: extractors drop the Related block.

`rel="related"` is a link of a related block (by its heading, or its class or id); `rel="cited"` is a link
within the running text: a paragraph, quotation or list item of the article. Navigation, share buttons,
tags and authors' pages give none.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Any, Final

from lxml import etree

from services.enrich.steps.dom import base_url_of, http_url, text_of
from services.enrich.steps.furniture import related_heading
from shared.events import Link

VERSION: Final = "links-1"
MAX_LINKS: Final = 100
_MAX_ANCHORS_READ: Final = 5_000
# Starts and ends of elements; the heaviest pages of newspapers have about 10,000.
_MAX_EVENTS_READ: Final = 200_000
_MAX_TITLE_CHARS: Final = 300

_RELATED_NAME = re.compile(
    r"(?:^|[\s_-])(?:related|recommend(?:ed|ations?)?|read-?more|more-?stories|also-?(?:read|like)|see-?also"
    r"|you-?may|further-?reading|yarpp|jp-relatedposts)(?:$|[\s_-])",
    re.IGNORECASE,
)
_OUTSIDE_TEXT: Final = frozenset(
    {"nav", "footer", "form", "script", "style", "template", "noscript", "button", "select"}
)
_TEXT: Final = frozenset({"p", "blockquote", "li", "dd", "td", "figcaption"})
_HEADINGS: Final = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "p", "strong", "b", "div", "span", "dt", "li"}
)
_SKIPPED_RELS: Final = frozenset(
    {"author", "tag", "bookmark", "sponsored", "license", "next", "prev", "category"}
)
_SHARE_URL = re.compile(
    r"^https?://(?:(?:www\.|m\.)?facebook\.com/(?:sharer|share|dialog)"
    r"|(?:www\.)?(?:twitter|x)\.com/(?:intent|share|home\?)"
    r"|(?:www\.)?linkedin\.com/(?:share|cws)|(?:api\.|web\.)?whatsapp\.com/|wa\.me/|t\.me/share|telegram\.me/share"
    r"|(?:www\.)?pinterest\.[a-z.]+/pin/create|(?:www\.)?reddit\.com/submit|bsky\.app/intent|getpocket\.com/save)",
    re.IGNORECASE,
)


def links_of(root: Any, url: str | None) -> tuple[Link, ...]:
    """Return up to 100 links of the page at `url` in document order.

    Each URL comes once, as related if it is that anywhere.
    """
    base = base_url_of(root, url)
    page = http_url(url or "", None)
    links: dict[str, Link] = {}
    for anchor, rel in _anchors(root):
        target = http_url(anchor.get("href") or "", base)
        title = text_of(anchor, _MAX_TITLE_CHARS) or None
        if target is None or target == page or title is None or _SHARE_URL.match(target):
            continue
        known = links.get(target)
        if known is None or (rel == "related" and known.rel != "related"):
            links[target] = Link(url=target, title=title, rel=rel)
        if len(links) >= MAX_LINKS:
            break
    return tuple(links.values())


def _anchors(root: Any) -> list[tuple[Any, str]]:
    """Return the anchors worth keeping with their rel, in one walk over the tree.

    The walk counts how many open elements put it outside the text, inside a related block, inside text and
    inside an article; a heading like "Related Articles" turns the rest of its parent into a related block.
    """
    has_article = root.find(".//article") is not None or root.find(".//main") is not None
    outside = related = text = article = 0
    headed: list[Any] = []  # parents of related headings, innermost last
    found: list[tuple[Any, str]] = []
    for event, element in islice(etree.iterwalk(root, events=("start", "end")), _MAX_EVENTS_READ):
        tag = element.tag if isinstance(element.tag, str) else ""
        step = 1 if event == "start" else -1
        outside += step * (tag in _OUTSIDE_TEXT)
        text += step * (tag in _TEXT)
        article += step * (tag in ("article", "main"))
        related += step * _is_related_block(element, tag)
        if event == "end":
            if headed and headed[-1] is element:
                headed.pop()
            continue
        if tag in _HEADINGS and _is_related_heading(element):
            headed.append(_block_of(element))
        if tag != "a" or outside or not _SKIPPED_RELS.isdisjoint((element.get("rel") or "").lower().split()):
            continue
        if related or headed:
            found.append((element, "related"))
        elif text and (article or not has_article):
            found.append((element, "cited"))
        if len(found) >= _MAX_ANCHORS_READ:
            break
    return found


def _is_related_block(element: Any, tag: str) -> bool:
    if tag in ("html", "body", "article", "main", "a", ""):
        return False
    names = f"{element.get('class') or ''} {element.get('id') or ''}"
    return names != " " and len(names) < 500 and _RELATED_NAME.search(names) is not None


def _is_related_heading(element: Any) -> bool:
    """Tell whether an element says "Related Articles:" and nothing else (its links may follow inside it)."""
    own = " ".join((element.text or "").split())
    return 4 <= len(own) <= 60 and related_heading(own) == ""


def _block_of(heading: Any) -> Any:
    """Return the element whose rest the heading heads: its parent, beyond inline wrappers."""
    block = heading
    while block.getparent() is not None and block.tag in ("strong", "b", "span"):
        block = block.getparent()
    has_links_inside = next(block.iter("a"), None) is not None
    parent = block.getparent()
    return block if has_links_inside or parent is None else parent
