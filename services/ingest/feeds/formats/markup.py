"""Markup in feeds: clean HTML with absolute http(s) links, and the plain text of titles and names. Pure."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import lru_cache
from html import escape, unescape
from urllib.parse import urljoin, urlsplit

import nh3
from lxml import etree

from services.ingest.fields import clean_text, is_blank
from shared.urls import split_url

# What is longer is cut before it is cleaned: html5ever's time grows faster than the nesting it is given.
MAX_HTML_CHARS = 400_000
MAX_TITLE_CHARS = 5_000
MAX_NESTING = 120
MAX_URL_CHARS = 4096

_TAGS = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "address",
        "article",
        "aside",
        "b",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "details",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "main",
        "mark",
        "nav",
        "ol",
        "p",
        "picture",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "summary",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "video",
        "audio",
        "source",
    ]
)
_ATTRIBUTES = {
    "*": {"class", "dir", "id", "lang", "title"},
    "a": {"href", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "source": {"src", "type"},
    "video": {"src", "poster"},
    "audio": {"src"},
    "time": {"datetime"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
}
_DROPPED_WITH_CONTENT = {
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "head", "title",
    "textarea", "select", "button", "form",
}  # fmt: skip
# A title holds no HTML but what is known to be: "a <b> c" is more often mathematics than a tag.
_TITLE_TAGS = re.compile(
    r"</?(?:a|abbr|acronym|address|applet|area|article|aside|audio|b|base|bdi|bdo|big|blink|blockquote|body|br|"
    r"button|canvas|caption|center|cite|code|col|dd|del|details|dfn|div|dl|dt|em|embed|fieldset|figcaption|figure|"
    r"font|footer|form|frame|frameset|h[1-6]|head|header|hr|html|i|iframe|img|input|ins|kbd|label|legend|li|link|"
    r"main|map|mark|marquee|meta|nav|noscript|object|ol|option|p|param|picture|pre|q|ruby|rp|rt|s|samp|section|"
    r"select|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody|td|textarea|tfoot|th|thead|time|tr|"
    r"track|tt|u|ul|var|video|wbr)(?:[\s/][^<>]{0,2000})?/?>"
    r"|<!--[^<>]{0,2000}-->",
    re.IGNORECASE,
)
_SCRIPT = re.compile(r"<(?:script|style)\b", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)[^<>]*>")
_ENDED_BY_OTHERS = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
        "p",
        "li",
        "td",
        "tr",
        "dd",
        "dt",
    ]
)
# What windows-1252 has where Unicode has control characters, as in &#146;.
_C1 = {
    code: bytes([code]).decode("cp1252") for code in range(0x80, 0xA0)
    if code not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}  # fmt: skip
_XHTML = "{http://www.w3.org/1999/xhtml}"
_SPACE = re.compile(r"\s+")


def absolute_url(url: str | None, base: str | None) -> str | None:
    """Return `url` against `base` when it is one of http or https that we could take; else None."""
    if url is None:
        return None
    url = url.strip()
    if not url or len(url) > MAX_URL_CHARS:
        return None
    # What browsers do with a URL that a feed has broken over lines.
    url = re.sub(r"[\t\n\r]+", "", url).replace(" ", "%20")
    try:
        joined = urljoin(base or "", url)
        split_url(joined)
    except ValueError:
        return None
    return joined


def join_base(base: str | None, relative: str | None) -> str | None:
    """Return the base that an xml:base gives within another."""
    if not relative:
        return base
    try:
        joined = urljoin(base or "", relative.strip()[:MAX_URL_CHARS])
        return joined if urlsplit(joined).scheme in ("http", "https") else base
    except ValueError:
        return base


@lru_cache(maxsize=64)
def _cleaner(base: str | None) -> nh3.Cleaner:
    """Return what cleans HTML with links relative to `base`. To make one takes longer than to use it."""
    return nh3.Cleaner(
        tags=_TAGS,
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https", "mailto"},
        url_relative=("rewrite_with_base", base) if base else "deny",
        link_rel=None,
    )


def clean_html(html: str, base: str | None) -> str | None:
    """Return `html` safe to show, its links absolute; None when a reader would see nothing."""
    html = html[:MAX_HTML_CHARS].translate(_C1)
    if _nesting(html) > MAX_NESTING:
        html = escape(unescape(re.sub(r"<[^<>]*>", " ", html)), quote=False)
    cleaned = clean_text(_cleaner(base).clean(html))
    return None if is_blank(cleaned, markup=True) and "<img" not in cleaned else cleaned


def _nesting(html: str) -> int:
    """Return how deep the tags may nest, counting each that is not closed."""
    depth = deepest = 0
    for match in _TAG.finditer(html):
        closing, name = match.groups()
        if closing:
            depth = max(0, depth - 1)
        elif name.lower() not in _ENDED_BY_OTHERS and not match.group().endswith("/>"):
            depth += 1
            deepest = max(deepest, depth)
    return deepest


def looks_like_html(text: str) -> bool:
    """Whether `text` has tags that a writer of plain text would hardly mean."""
    return "</" in text and _TITLE_TAGS.search(text) is not None


def html_from_text(text: str) -> str:
    """Return HTML that shows plain `text`, its blank lines as paragraphs."""
    paragraphs = re.split(r"\n\s*\n", text.replace("\r\n", "\n").strip())
    return "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs if paragraph)


def text_from_title_markup(markup: str) -> str | None:
    """Return a title that is markup, and not merely text that may hold some, as `text_from_title` does."""
    # As long as its tags may be: they do not count.
    return text_from_title(nh3.clean(markup[: 4 * MAX_TITLE_CHARS], tags=set()))


def text_from_title(title: str, *, is_html: bool = True) -> str | None:
    """Return a title in one line of plain text; None when blank."""
    title = title[:MAX_TITLE_CHARS]
    if is_html:
        if _SCRIPT.search(title):
            title = nh3.clean(title, tags=set(), clean_content_tags={"script", "style"})
        elif "<" in title:
            title = _TITLE_TAGS.sub("", title)
        if "&" in title:
            title = unescape(title)
    title = _SPACE.sub(" ", clean_text(title.translate(_C1)))
    return None if is_blank(title) else title


def inner_xml(element: etree._Element) -> str:
    """Return what is within an element, markup included, its namespaces left out as HTML has none."""
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        if isinstance(child.tag, str):
            if any(each.prefix is not None for each in child.iter()):
                child = _without_prefixes(child)
            parts.append(etree.tostring(child, encoding="unicode", method="html", with_tail=True))
        elif child.tail:
            parts.append(escape(child.tail, quote=False))
    return "".join(parts)


def _without_prefixes(element: etree._Element) -> etree._Element:
    """Return a copy whose XHTML goes by HTML's names: <h:p> is a paragraph only to a reader of XML."""
    copied = deepcopy(element)
    for each in copied.iter():
        if isinstance(each.tag, str) and each.tag.lower().startswith(_XHTML):
            each.tag = each.tag[len(_XHTML) :]
    return copied
