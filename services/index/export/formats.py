"""Articles as lines of NDJSON and as rows of CSV. Pure."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping
from io import StringIO
from typing import Any, NamedTuple

from pydantic_core import from_json

from services.index.json_lines import on_one_line

Article = Mapping[str, Any]
BOM = "\ufeff".encode()
# What spreadsheets take for the beginning of a formula, the wide forms of East Asian keyboards included.
_FORMULA = re.compile("\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def ndjson(articles: Iterable[bytes]) -> bytes:
    """Return a line for each article. JSON as it is stored has no line feeds."""
    return b"".join(on_one_line(article) + b"\n" for article in articles)


class Column(NamedTuple):
    """`value` returns text of somebody else's, which `cell` disarms, unless `ours`."""

    name: str
    value: Callable[[Article], object]
    ours: bool = False


def _field(name: str, *, ours: bool = False) -> Column:
    return Column(name, lambda article: article.get(name), ours)


def _within(name: str, holder: str, key: str, *, ours: bool = False) -> Column:
    return Column(name, lambda article: (article.get(holder) or {}).get(key), ours)


def _names(name: str, holder: str, key: str) -> Column:
    return Column(name, lambda article: joined(each.get(key) for each in article.get(holder) or ()))


def _entities(name: str, *labels: str) -> Column:
    def value(article: Article) -> str:
        entities = article.get("entities") or ()
        return joined(each["canonical"] for each in entities if each["label"] in labels)

    return Column(name, value)


def _tone(name: str, key: str) -> Column:
    def value(article: Article) -> object:
        unread = "sentiment" in (article.get("unsupported") or ())
        return None if unread else article["sentiment"].get(key)

    return Column(name, value, ours=True)


def joined(values: Iterable[object]) -> str:
    """Return the distinct values in one cell."""
    return "; ".join(dict.fromkeys(str(value) for value in values if value))


COLUMNS: tuple[Column, ...] = (
    _field("id", ours=True),
    _field("revision", ours=True),
    _field("title"),
    _field("url"),
    _field("source"),
    Column("authors", lambda article: joined(article.get("authors") or ())),
    _field("published_at", ours=True),
    _field("updated_at", ours=True),
    _field("received_at", ours=True),
    _field("indexed_at", ours=True),
    _within("language", "language", "code"),
    _tone("sentiment", "label"),
    _tone("sentiment_score", "score"),
    _names("topics", "topics", "name"),
    _entities("persons", "PERSON"),
    _entities("organisations", "ORG"),
    _entities("places", "GPE", "LOC", "FAC"),
    _names("keyphrases", "keyphrases", "text"),
    _field("story_id"),
    _within("image_url", "image", "url"),
    _field("body"),
)


def csv_head() -> bytes:
    return _written([[column.name for column in COLUMNS]])


def csv_rows(articles: Iterable[bytes]) -> bytes:
    """Return a row for each article, in the columns of `csv_head` (RFC 4180)."""
    return _written(_row(from_json(article)) for article in articles)


def _row(article: Article) -> list[str]:
    return [
        _plain(column.value(article)) if column.ours else cell(column.value(article)) for column in COLUMNS
    ]


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def cell(value: object) -> str:
    """Return the text as a cell that no spreadsheet runs: an apostrophe stands before what may be a formula.

    So says OWASP on CSV injection. Control characters, which no cell can show, are left out.
    """
    text = _CONTROL.sub("", _plain(value))
    return f"'{text}" if _FORMULA.match(text) else text


def _written(rows: Iterable[list[str]]) -> bytes:
    sheet = StringIO(newline="")
    csv.writer(sheet, lineterminator="\r\n").writerows(rows)
    return sheet.getvalue().encode("utf-8", "replace")
