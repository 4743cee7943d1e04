"""CSV and TSV: one article a row, the columns named by the first one.

A row is what the csv module makes of as many lines as its quotes need. Lines and rows are bounded: of what is
too long only the quotes are passed on, so that the row after it begins where it should.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from services.cli.documents import Document
from services.cli.imports.entries import MAX_ENTRY_BYTES, Entry, Options, Skipped, Unusable, document
from services.cli.imports.mapping import article_fields
from shared.text_coding import LAST_RESORT

DELIMITERS = ",;\t|"
MAX_COLUMNS = 1_000
_MAX_LINE_BYTES = 1 << 20
# Comes after the last line: within a cell it shows that the cell was still open, and then it is no row.
END = "\0end\0"
_LISTS = frozenset({"authors", "keywords", "links"})
_SEPARATOR = re.compile(r"[;|\n]")


class _Rows:
    """The lines of a table as the csv module wants them, counted and bounded."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.line = 0
        self.row_line = 1
        self.row_bytes = 0

    @property
    def too_large(self) -> bool:
        return self.row_bytes > MAX_ENTRY_BYTES

    def begin_row(self) -> None:
        self.row_line, self.row_bytes = self.line + 1, 0

    def __iter__(self) -> Iterator[str]:
        while line := self._line():
            self.line += 1
            yield _text(line)
        yield END

    def _line(self) -> bytes:
        """Return the next line, b"" at the end; of one that makes the row too large, its quotes alone."""
        line = self._stream.readline(_MAX_LINE_BYTES)
        self.row_bytes += len(line)
        if line.endswith(b"\n") and not self.too_large:
            return line
        kept, quotes, piece = [line], 0, line
        while True:
            if self.too_large:
                quotes += sum(part.count(b'"') for part in kept)
                kept = []
            if not piece or piece.endswith(b"\n"):
                break
            piece = self._stream.readline(_MAX_LINE_BYTES)
            self.row_bytes += len(piece)
            kept.append(piece)
        return b"".join(kept) if not self.too_large or not line else b'"' * (quotes % 2) + b"\n"


def _text(line: bytes) -> str:
    """Lines are judged one by one: what was put together from several sources has several encodings."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = line.decode(LAST_RESORT, "replace")
    return text.replace("\0", "")


def read_table(
    stream: io.BufferedReader, name: str, options: Options, delimiter: str | None = None
) -> Iterator[Entry]:
    """Yield each row. Raises Unusable if no column is one of an article's: nothing could come of it."""
    csv.field_size_limit(2 * MAX_ENTRY_BYTES)
    rows = _Rows(stream)
    if delimiter is None:
        head = stream.peek(4_096)[:4_096].split(b"\n", 1)[0]
        delimiter = max(DELIMITERS, key=lambda sign: head.count(sign.encode()))
    reader = csv.reader(iter(rows), delimiter=delimiter, strict=False)
    header: list[str] | None = None
    while True:
        rows.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Entry(f"{name}:{rows.row_line}", partial(Skipped, "bad row", str(error)))
            continue
        if cells == [END]:
            return
        if header is None:
            if any(map(str.strip, cells)):
                header = _header(cells, options)
            continue
        if not (rows.too_large or any(map(str.strip, cells))):
            continue
        origin = f"{name}:{rows.row_line}"
        lines = rows.line - rows.row_line + 1
        if cells and cells[-1].endswith(END):
            why = f"a quote is not closed until the end of the table, {lines:,} lines on"
            yield Entry(origin, partial(Skipped, "bad row", why))
        elif rows.too_large:
            why = f"a row of {rows.row_bytes:,} bytes in {lines:,} lines; a quote may not be closed"
            yield Entry(origin, partial(Skipped, "too large", why))
        else:
            yield Entry(origin, partial(_article, header, cells, origin, options))


def _header(cells: Sequence[str], options: Options) -> list[str]:
    """Return the names of the columns, those of articles in our spelling: `Published At` is published_at."""
    from services.ingest.schema import ALIASES

    aliases = {alias.casefold(): field for alias, field in ALIASES.items()}
    fields, mapped = article_fields(), {theirs for _, theirs in options.fields.pairs}
    names = []
    for cell in cells[:MAX_COLUMNS]:
        title = cell.strip()
        plain = re.sub(r"[\s-]+", "_", title).casefold()
        if title in mapped:
            names.append(title)
        else:
            names.append(plain if plain in fields else aliases.get(plain, title))
    wanted = mapped or (fields - {"source", "language", "status", "revision"})
    if not wanted & set(names):
        listed = ", ".join(repr(title) for title in names[:12])
        raise Unusable(
            "no known column",
            f"none of its columns is a field of an article: {listed}. Say which is which: "
            "--map title=Headline,body=Text. The first row must name the columns.",
        )
    return names


def _article(
    header: Sequence[str], cells: Sequence[str], origin: str, options: Options
) -> Document | Skipped:
    if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
        return Skipped("bad row", f"{len(cells)} cells under {len(header)} names")
    row: dict[str, Any] = {}
    for column, cell in zip(header, cells, strict=False):
        if column and cell.strip():
            row.setdefault(column, cell)
    article = options.complete(row)
    for field in _LISTS & article.keys():
        article[field] = [part.strip() for part in _SEPARATOR.split(str(article[field])) if part.strip()]
    revision = str(article.get("revision", "")).strip()
    if re.fullmatch(r"[0-9]{1,16}", revision):
        article["revision"] = int(revision)
    return document(origin, article)
