"""Reads the feeds of feedparser's test suite: what each expects of titles, links and dates, and if we agree.

The suite is data that whoever runs the tests brings along (WIREROOM_CONFORMANCE_DIR). Each feed says in its
first comment what is to be found in it, as a Python expression over feedparser's result; of that the
comparisons of titles, links and dates are read here, without running any of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

from services.ingest.feeds.formats.dates import parse_date
from services.ingest.feeds.formats.markup import text_from_title
from services.ingest.feeds.formats.model import Feed

SITE = "http://127.0.0.1:8097/tests"
_TOPS = ("wellformed", "illformed", "encoding")
_EXPECT = re.compile(r"Expect:\s*(.*?)\s*-->", re.DOTALL)
_HEADER = re.compile(r"Header:\s*([A-Za-z-]+)\s*:\s*(.*)")
_DATES = frozenset({"published", "updated", "created", "issued", "modified", "date"})


class Case(NamedTuple):
    path: Path
    body: bytes
    content_type: str | None
    url: str
    expression: str | None


class Comparison(NamedTuple):
    """`entry` is None for what is expected of the feed itself; `kind` is title, link or date."""

    entry: int | None
    kind: str
    name: str
    expected: Any


def cases(directory: Path) -> Iterator[Case]:
    for path in sorted(directory.rglob("*.xml")):
        body = path.read_bytes()
        comment = _readable(body)
        headers = {name.lower(): value.strip() for name, value in _HEADER.findall(comment)}
        expect = _EXPECT.search(comment)
        url = urljoin(_url(path), headers.get("content-location", ""))
        yield Case(path, body, headers.get("content-type"), url, expect and expect.group(1))


def _url(path: Path) -> str:
    """Return where the suite's own server has a feed: what its relative links are expected to lead to."""
    top = next((index for index, part in enumerate(path.parts) if part in _TOPS), len(path.parts) - 1)
    return "/".join([SITE, *path.parts[top:]])


def _readable(body: bytes) -> str:
    if b"\0" in body[:8]:
        return body.replace(b"\0", b"").decode("latin-1")[:8000]
    return body[:8000].decode("latin-1")


def comparisons(expression: str) -> list[Comparison]:
    """Return what an expression expects of titles, links and dates; nothing for what else it is about."""
    try:
        tree = ast.parse(expression.replace("\r", " ").replace("\n", " ").strip(), mode="eval")
    except SyntaxError:
        return []
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and all(isinstance(op, ast.Eq) for op in node.ops):
            *sides, last = [node.left, *node.comparators]
            try:
                expected = ast.literal_eval(last)
            except ValueError:
                continue
            for side in sides:
                comparison = _comparison(_steps(side), expected)
                if comparison is not None:
                    found.append(comparison)
    return found


def _steps(node: ast.expr) -> list[Any]:
    """Return entries[0]['title'] and entries[0].title as ["entries", 0, "title"]."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return [*_steps(node.value), node.slice.value]
    if isinstance(node, ast.Attribute):
        return [*_steps(node.value), node.attr]
    return [node.id] if isinstance(node, ast.Name) else []


def _comparison(steps: list[Any], expected: Any) -> Comparison | None:
    entry: int | None = None
    if steps[:1] == ["entries"] and len(steps) > 2:
        entry, steps = steps[1], steps[2:]
    elif steps[:1] == ["feed"] and len(steps) > 1:
        steps = steps[1:]
    else:
        return None
    if steps in (["title"], ["title_detail", "value"]) and isinstance(expected, str):
        return Comparison(entry, "title", "title", expected)
    if steps == ["link"] and isinstance(expected, str):
        return Comparison(entry, "link", "link", expected)
    name = str(steps[0]).removesuffix("_parsed")
    if len(steps) == 1 and name in _DATES and isinstance(expected, str | tuple):
        return Comparison(entry, "date", name, expected)
    return None


def agrees(feed: Feed, comparison: Comparison) -> bool:
    """Whether the feed says what is expected: titles as their plain text, dates as instants."""
    if comparison.entry is not None and comparison.entry >= len(feed.entries):
        return False
    holder: Any = feed if comparison.entry is None else feed.entries[comparison.entry]
    expected = comparison.expected
    if comparison.kind == "title":
        plain = {text_from_title(expected), text_from_title(expected, is_html=False)}
        return holder.title in plain
    if comparison.kind == "link":
        return bool(holder.link == (expected or None))
    instant = datetime(*expected[:6], tzinfo=UTC) if isinstance(expected, tuple) else parse_date(expected)
    known = [holder.updated_at] if comparison.entry is None else [holder.published_at, holder.updated_at]
    return (instant in known) if instant is not None else True
