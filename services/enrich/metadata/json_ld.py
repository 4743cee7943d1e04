"""JSON-LD of a page: the schema.org NewsArticle (or its like) in it, read in bounded time.

Pages hold what their editors' plug-ins make: several scripts, `@graph`, nodes that refer to each other by
`@id`, lists where one value is meant, HTML comments around it, trailing commas, line breaks within strings.
Anything of another type than schema.org says is as if it were absent.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any, Final

Node = Mapping[str, Any]

_MAX_SCRIPTS: Final = 50
_MAX_CHARS: Final = 600_000
_MAX_NODES: Final = 2_000
_MAX_ITEMS: Final = 200

_ARTICLE_TYPES: Final = frozenset(
    {
        "advertisercontentarticle", "analysisnewsarticle", "article", "askpublicnewsarticle",
        "backgroundnewsarticle", "blogposting", "liveblogposting", "newsarticle", "opinionnewsarticle",
        "report", "reportagenewsarticle", "reviewnewsarticle", "satiricalarticle", "scholarlyarticle",
        "socialmediaposting", "techarticle",
    }
)  # fmt: skip
_PAGE_TYPES: Final = frozenset({"webpage", "itempage", "collectionpage", "aboutpage"})
# Only under these keys may the node be that tells about the page's own article; others hold other articles.
_CONTAINERS: Final = ("@graph", "mainEntity", "mainEntityOfPage")
_COMMENT_MARKS = re.compile(r"<!--|-->|(?:/\*|//)?<!\[CDATA\[(?:\*/)?|(?:/\*|//)?\]\]>(?:\*/)?")
_TRAILING_COMMA = re.compile(r",\s*(?=[}\]])")


class Graph:
    """The nodes of a page's JSON-LD: `article` is the one about the page's article, None if there is none."""

    def __init__(self, documents: Iterable[object], page_urls: frozenset[str]) -> None:
        self._by_id: dict[str, Node] = {}
        nodes = list(self._nodes(documents))
        for node in nodes:
            identifier = node.get("@id")
            # A mere reference, {"@id": …}, says nothing about the node.
            if isinstance(identifier, str) and len(node) > 1:
                self._by_id.setdefault(identifier, node)
        self.article: Node | None = self._choose(nodes, _ARTICLE_TYPES, page_urls)
        self.page: Node | None = self._choose(nodes, _PAGE_TYPES, page_urls)

    @staticmethod
    def _nodes(documents: Iterable[object]) -> Iterator[Node]:
        """Yield nodes from the outside in, so that the page's own comes before those it holds."""
        queue: deque[object] = deque(documents)
        for _ in range(_MAX_NODES):
            if not queue:
                return
            value = queue.popleft()
            if isinstance(value, list):
                queue.extend(value[:_MAX_NODES])
            elif isinstance(value, dict):
                yield value
                queue.extend(value[key] for key in _CONTAINERS if isinstance(value.get(key), list | dict))

    def _choose(self, nodes: list[Node], types: frozenset[str], page_urls: frozenset[str]) -> Node | None:
        candidates = [node for node in nodes if not types.isdisjoint(types_of(node))]
        for node in candidates:
            if not page_urls.isdisjoint(self.urls_of(node)):
                return node
        return candidates[0] if candidates else None

    def urls_of(self, node: Node) -> Iterator[str]:
        """Yield what the node says its page's URL is, in the order in which to believe it."""
        for key in ("url", "mainEntityOfPage", "@id"):
            for value in values(node.get(key)):
                url = first_text(value.get("@id") or value.get("url")) if isinstance(value, dict) else value
                if isinstance(url, str):
                    yield url.partition("#")[0]

    def resolve(self, value: object) -> object:
        """Return the node that a reference means; anything else as it is."""
        if isinstance(value, dict) and isinstance(value.get("@id"), str) and "name" not in value:
            return self._by_id.get(value["@id"], value)
        return value


def read_graph(scripts: Iterable[str], page_urls: frozenset[str]) -> Graph:
    """Return the graph of the texts of <script type="application/ld+json">; what is no JSON is left out.

    At most 50 scripts of 600,000 characters together are read, and 2,000 nodes.
    """
    documents: list[object] = []
    left = _MAX_CHARS
    for number, script in enumerate(scripts):
        left -= len(script)
        if number >= _MAX_SCRIPTS or left < 0:
            break
        documents.append(_parse(script))
    return Graph(documents, page_urls)


def _parse(script: str) -> object:
    if "{" not in script:
        return None
    text = _COMMENT_MARKS.sub("", script) if "<!" in script else script
    text = text.strip(" \t\r\n;\ufeff")
    for mend in (str, _without_trailing_commas, unescape):
        try:
            # strict=False takes line breaks and tabs within strings.
            return json.loads(mend(text), strict=False)
        except (ValueError, RecursionError):
            continue
    return None


def _without_trailing_commas(text: str) -> str:
    return _TRAILING_COMMA.sub("", text)


def types_of(node: Node) -> set[str]:
    """Return the node's types in lower case, without "https://schema.org/" or "schema:"."""
    names = (value for value in values(node.get("@type")) if isinstance(value, str))
    return {name.replace(":", "/").replace("#", "/").rpartition("/")[2].lower() for name in names}


def values(value: object) -> list[Any]:
    """Return what is meant by a value or a list of values: the list, cut to 200."""
    if value is None:
        return []
    return value[:_MAX_ITEMS] if isinstance(value, list) else [value]


def first_text(value: object) -> str | None:
    """Return the first string of a value: itself, of a list, or of {"@value": …}."""
    for one in values(value):
        text = one.get("@value") if isinstance(one, dict) else one
        if isinstance(text, str) and text.strip():
            return text
    return None
