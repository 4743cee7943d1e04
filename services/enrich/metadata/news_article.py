"""The schema.org article of a page's JSON-LD, read into `Metadata`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from services.enrich.metadata.fields import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    MAX_TITLE_CHARS,
    Metadata,
    author_names,
    keyword_list,
    plain_line,
)
from services.enrich.metadata.json_ld import Graph, Node, first_text, values
from services.enrich.steps.instants import parse_instant
from shared.events import Image

_MAX_BODY_CHARS: Final = 500_000
_MAX_DEPTH: Final = 4
_FREE: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
Resolve = Callable[[str], str | None]


def from_json_ld(graph: Graph, resolve: Resolve) -> Metadata:
    """Return what the graph's article says; where there is only a WebPage, what that says.

    `resolve` makes an absolute http(s) URL of one as written, or None. Names of site and URL are left to
    `identity_from_json_ld`, because the page's own markup knows better.
    """
    node = graph.article or graph.page
    if node is None:
        return Metadata()
    is_article = graph.article is not None
    site = next(iter(_names(node.get("publisher"), graph)), None)
    created = _instant(node, "dateCreated") if is_article else None
    return Metadata(
        title=_headline(node) if is_article else None,
        authors=author_names(_names(node.get("author") or node.get("creator"), graph), site),
        published_at=_instant(node, "datePublished") or created,
        updated_at=_instant(node, "dateModified"),
        description=plain_line(first_text(node.get("description")), MAX_DESCRIPTION_CHARS),
        keywords=keyword_list(_names(node.get("keywords"), graph)) if is_article else (),
        image=_image(node, graph, resolve) if is_article else None,
        language=_language(node),
        is_accessible_for_free=_is_free(node.get("isAccessibleForFree")),
        body=_body(node) if is_article else None,
    )


def identity_from_json_ld(graph: Graph, resolve: Resolve) -> Metadata:
    """Return publisher and URL of the graph's article."""
    node = graph.article
    if node is None:
        return Metadata()
    publisher = next(iter(_names(node.get("publisher"), graph)), None)
    urls = (resolve(url) for url in graph.urls_of(node) if url.lower().startswith("http"))
    return Metadata(
        site_name=plain_line(publisher, MAX_NAME_CHARS),
        canonical_url=next((url for url in urls if url), None),
    )


def _headline(node: Node) -> str | None:
    title = plain_line(first_text(node.get("headline")) or first_text(node.get("name")), MAX_TITLE_CHARS)
    # Search engines want 110 characters at most, so some sites cut theirs; the other readers have all of it.
    return None if title is None or title.endswith(("…", "...")) else title


def _instant(node: Node, key: str) -> datetime | None:
    return parse_instant(first_text(node.get(key)))


def _names(value: object, graph: Graph, depth: int = 0) -> list[str]:
    """Return the names of people, organisations or terms: strings, nodes, references, and lists of these."""
    names: list[str] = []
    for one in values(value):
        node = graph.resolve(one)
        if isinstance(node, str):
            names.append(node)
        elif isinstance(node, dict) and depth < _MAX_DEPTH:
            name = node.get("name") or node.get("@value") or node.get("termCode")
            names += _names(name, graph, depth + 1)
    return names


def _image(node: Node, graph: Graph, resolve: Resolve) -> Image | None:
    for value in (*values(node.get("image")), *values(node.get("thumbnailUrl"))):
        image = graph.resolve(value)
        if isinstance(image, str) and (url := resolve(image)):
            return Image(url=url)
        if isinstance(image, dict):
            for key in ("url", "contentUrl", "@id"):
                address = first_text(image.get(key))
                if address and (url := resolve(address)):
                    return Image(url=url, caption=_caption(image), credit=_credit(image, graph))
    return None


def _caption(image: Node) -> str | None:
    return plain_line(first_text(image.get("caption")), MAX_DESCRIPTION_CHARS)


def _credit(image: Node, graph: Graph) -> str | None:
    for key in ("creditText", "creator", "author", "copyrightHolder"):
        for name in _names(image.get(key), graph):
            return plain_line(name, MAX_NAME_CHARS)
    return None


def _language(node: Node) -> str | None:
    for value in values(node.get("inLanguage")):
        tag = (
            first_text(value.get("alternateName") or value.get("name"))
            if isinstance(value, dict)
            else first_text(value)
        )
        if tag and len(tag) <= 40:
            return tag
    return None


def _is_free(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    text = first_text(value)
    return _FREE.get(text.strip().rpartition("/")[2].lower()) if text and len(text) <= 100 else None


def _body(node: Node) -> str | None:
    bodies: Iterator[object] = iter((node.get("articleBody"), node.get("text")))
    for body in bodies:
        pieces = [piece for piece in values(body) if isinstance(piece, str)]
        if pieces:
            return "\n\n".join(pieces)[:_MAX_BODY_CHARS]
    return None
