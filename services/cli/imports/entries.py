"""What readers yield: one entry for each thing in a file, which becomes an article or a reason why not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from services.cli.documents import Document
from services.cli.imports.mapping import FieldMap

# Larger ones are not even offered to ingest, whose own limit is lower unless it was raised.
MAX_ENTRY_BYTES = 8 << 20

# Not wanted, and no fault: such records are in every archive.
PassedOver = Literal["no page", "HTTP status", "not HTML", "unknown kind of file", "link out of the folder"]
# Wanted, and not to be had.
Fault = Literal[
    "too large", "cut off", "empty", "not JSON", "not an article", "bad record", "bad row",
    "cannot be decoded", "no text", "cannot be read", "binary", "nested too deeply", "no known column",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Skipped:
    """Why an entry is no article: `reason` is what is counted, `detail` what is shown of the first ones."""

    reason: PassedOver | Fault
    detail: str = ""
    by_design: bool = False


class Unusable(Exception):
    """Nothing could come of a whole file."""

    def __init__(self, reason: Fault, detail: str) -> None:
        self.skipped = Skipped(reason, detail)
        super().__init__(detail)


def passed_over(reason: PassedOver, detail: str = "") -> Skipped:
    return Skipped(reason, detail, by_design=True)


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing found. `read` makes the article of it, which costs; it is called at once or never."""

    origin: str
    read: Callable[[], Document | Skipped]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of the articles: `source` and `language` where they say none themselves."""

    source: str | None = None
    language: str | None = None
    encoding: str | None = None
    fields: FieldMap = field(default_factory=FieldMap)

    @property
    def change_nothing(self) -> bool:
        return not (self.source or self.language or self.fields)

    def complete(self, article: dict[str, Any]) -> dict[str, Any]:
        """Return the article with its fields renamed, and with what the command line adds."""
        article = self.fields.apply(article)
        for name, given in (("source", self.source), ("language", self.language)):
            if given and not article.get(name):
                article[name] = given
        return article


def document(origin: str, article: dict[str, Any]) -> Document | Skipped:
    """Return the article as one line of JSON."""
    try:
        try:
            payload = json.dumps(article, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:  # lone surrogates, which ingest refuses in better words than we could
            payload = json.dumps(article, separators=(",", ":")).encode("ascii")
    except RecursionError:
        return Skipped("nested too deeply")
    if len(payload) > MAX_ENTRY_BYTES:
        return Skipped("too large", f"{len(payload):,} bytes")
    return Document(origin, payload)
