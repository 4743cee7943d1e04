"""Splitting a batch into articles as it arrives: NDJSON by line, a JSON array by element. Pure.

A NewsML-G2 message is read whole, under the limit of one article, and split into its news items.

Only the item that is being read is held, and no more of it than an article may have. An item that is too
long is skipped and reported; its neighbours are unaffected. Work is linear in the bytes, however they
are cut into chunks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, Protocol

from services.ingest.formats.newsml import split_message
from services.ingest.formats.xml import is_xml

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
# A whole string is passed over in one go; a lone quote is one whose end is not here yet.
_IN_ARRAY = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["\[\]{},]', re.DOTALL)
_IN_STRING = re.compile(rb'["\\]')


class Item(NamedTuple):
    """An article of a batch; `line` counts from 1 (elements of an array likewise). `error` is why not."""

    line: int
    raw: bytes
    error: str | None = None


class Splitter(Protocol):
    def feed(self, chunk: bytes) -> Iterator[Item]: ...
    def finish(self) -> Iterator[Item]: ...


class BatchSplitter:
    """Finds out from the first byte that is no space whether this is an array or lines."""

    def __init__(self, max_item_bytes: int) -> None:
        self._max_item_bytes = max_item_bytes
        self._splitter: Splitter | None = None
        self._held = b""
        self._at_start = True
        self._blank_lines = 0

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """Yield the items that `chunk` completes."""
        if self._splitter is None:
            chunk = self._begin(chunk)
        if self._splitter is not None:
            yield from self._splitter.feed(chunk)

    def _begin(self, chunk: bytes) -> bytes:
        """Choose the splitter once something says which; return the bytes that are still to be split."""
        chunk = self._held + chunk
        self._held = b""
        if self._at_start and len(chunk) < len(_BOM) and _BOM.startswith(chunk):
            self._held = chunk
            return b""
        if self._at_start:
            chunk = chunk.removeprefix(_BOM)
            self._at_start = False
        text = chunk.lstrip(_SPACE)
        self._blank_lines += chunk.count(b"\n", 0, len(chunk) - len(text))
        if text.startswith(b"["):
            self._splitter = _ArraySplitter(self._max_item_bytes)
        elif is_xml(text):
            self._splitter = _MessageSplitter(self._max_item_bytes)
        elif text:
            self._splitter = _LineSplitter(self._max_item_bytes, first_line=self._blank_lines + 1)
        return text

    def finish(self) -> Iterator[Item]:
        """Yield what is left when the body has ended."""
        if self._splitter is not None:
            yield from self._splitter.finish()


class _Part:
    """The bytes of the item that is being read, up to the limit; beyond it only that it is too long."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._max_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    def take(self, line: int) -> Item | None:
        """Return the finished item and start the next one; None for nothing but space."""
        raw, size = b"".join(self._pieces).strip(_SPACE), self._size
        self._pieces.clear()
        self._size = 0
        if size > self._max_bytes:
            return Item(line, b"", f"longer than the {self._max_bytes} bytes that one article may have")
        return Item(line, raw) if raw else None


class _LineSplitter:
    def __init__(self, max_item_bytes: int, first_line: int) -> None:
        self._part = _Part(max_item_bytes)
        self._line = first_line

    def feed(self, chunk: bytes) -> Iterator[Item]:
        *ended, rest = chunk.split(b"\n")
        for piece in ended:
            self._part.add(piece)
            item = self._part.take(self._line)
            if item is not None:
                yield item
            self._line += 1
        self._part.add(rest)

    def finish(self) -> Iterator[Item]:
        item = self._part.take(self._line)
        if item is not None:
            yield item


class _MessageSplitter:
    def __init__(self, max_item_bytes: int) -> None:
        self._part = _Part(max_item_bytes)

    def feed(self, chunk: bytes) -> Iterator[Item]:
        self._part.add(chunk)
        yield from ()

    def finish(self) -> Iterator[Item]:
        item = self._part.take(1)
        if item is not None:
            parts = [item.raw] if item.error else split_message(item.raw)
            yield from (Item(number, raw, item.error) for number, raw in enumerate(parts, 1))


class _ArraySplitter:
    """Follows strings and brackets just far enough to find the commas between elements."""

    def __init__(self, max_item_bytes: int) -> None:
        self._part = _Part(max_item_bytes)
        self._number = 0
        self._depth = 0  # 1 between elements, 0 before the array
        self._ended = False
        self._in_string = False
        self._escaped = False

    def feed(self, chunk: bytes) -> Iterator[Item]:
        start = 0
        for mark, begin, end in () if self._ended else self._marks(chunk):
            if mark in b"[{":
                self._depth += 1
                if self._depth == 1:
                    start = end
            elif self._depth == 1:  # a comma between elements, or the end of the array
                yield from self._element(chunk[start:begin])
                start = end
                if mark != b",":
                    self._ended = True
                    break
            elif mark != b",":
                self._depth -= 1
        self._part.add(chunk[start:])

    def _marks(self, chunk: bytes) -> Iterator[tuple[bytes, int, int]]:
        """Yield the brackets and commas outside strings, and where each begins and ends."""
        at = 0
        while True:
            if self._in_string:
                at = self._skip_string(chunk, at)
            found = None if self._in_string else _IN_ARRAY.search(chunk, at)
            if found is None:
                return
            at = found.end()
            mark = found.group()
            if mark == b'"':
                self._in_string = True
            elif len(mark) == 1:
                yield mark, found.start(), at

    def _skip_string(self, chunk: bytes, at: int) -> int:
        """Return where the string that is open at `at` ends in `chunk`; it stays open if it does not."""
        if self._escaped and at < len(chunk):
            self._escaped = False
            at += 1
        while (found := _IN_STRING.search(chunk, at)) is not None:
            at = found.end()
            if found.group() == b'"':
                self._in_string = False
                return at
            if at == len(chunk):
                self._escaped = True
            at += 1
        return len(chunk)

    def _element(self, last_piece: bytes) -> Iterator[Item]:
        self._part.add(last_piece)
        item = self._part.take(self._number + 1)
        if item is not None:
            self._number += 1
            yield item

    def finish(self) -> Iterator[Item]:
        item = self._part.take(self._number + 1)
        if item is not None:
            where = "text after the array" if self._ended else "the array ends in the middle of this element"
            yield item._replace(error=item.error or where)
        elif not self._ended:
            yield Item(self._number + 1, b"", "the array is not closed: the body may have been cut off")
