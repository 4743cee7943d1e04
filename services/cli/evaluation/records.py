"""Reading of JSONL files to score: one record at a time, bad lines told and skipped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Generic, TypeVar

MAX_LINE_BYTES: Final = 32 * 1024 * 1024
_CHUNK_BYTES: Final = 1024 * 1024

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(slots=True)
class Records(Generic[T]):
    """The records of a file, read as they are asked for. Counts are right once all were read.

    `parse` raises ValueError at a row that is not one of its kind; `complain` is told the line and why.
    """

    file: BinaryIO
    parse: Callable[[Row], T]
    complain: Callable[[int, str], None]
    used: int = 0
    malformed: int = 0

    def __iter__(self) -> Iterator[T]:
        for number, line in _lines(self.file):
            try:
                record = self.parse(_row(line))
            except ValueError as error:
                self.reject(number, str(error))
                continue
            self.used += 1
            yield record

    def reject(self, number: int, reason: str) -> None:
        self.malformed += 1
        self.complain(number, reason)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Yield (number, line) of the lines that hold anything; None for one that is too long to keep."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = file.readline(_CHUNK_BYTES)
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if line.strip():
            yield number, line


def _row(line: bytes | None) -> Row:
    if line is None:
        raise ValueError(f"longer than {MAX_LINE_BYTES // 1024**2} MB")
    try:
        row = json.loads(line)
    except UnicodeDecodeError as error:
        raise ValueError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error.msg} at column {error.colno}") from error
    except RecursionError as error:
        raise ValueError("not JSON that can be read: nested too deeply") from error
    if not isinstance(row, dict):
        raise ValueError("not a JSON object")
    return row


def text_field(row: Row, name: str) -> str:
    """Return a field that must be a string with something in it."""
    text = optional_text(row, name)
    if not text.strip():
        raise ValueError(f'"{name}" is missing or empty')
    return text


def optional_text(row: Row, name: str) -> str:
    """Return a field that is a string, null or absent; "" for the latter two."""
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f'"{name}" is not a string')
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f'"{name}" holds half of a surrogate pair') from error
    return value


def key_field(row: Row, name: str) -> str:
    """Return a name for something, given as a string or as a whole number."""
    value = row.get(name)
    return str(value) if is_whole(value) else text_field(row, name)


def is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def span_of(value: object, text: str) -> tuple[int, int]:
    """Return [start, end] as offsets in characters of `text`, or raise ValueError if it is none."""
    if not isinstance(value, list) or len(value) != 2 or not all(map(is_whole, value)):
        raise ValueError(f"{json.dumps(value)[:60]} is not [start, end]")
    start, end = value
    if not 0 <= start < end <= len(text):
        raise ValueError(f"the span {start}…{end} is not within the text of {len(text)} characters")
    return start, end


def title_and_body(row: Row) -> tuple[str, str]:
    """Return the title and body of {"title", "body"}, or "" and the text of {"text"}."""
    if row.get("text") is not None:
        return "", text_field(row, "text")
    title, body = optional_text(row, "title"), optional_text(row, "body")
    if not title.strip() and not body.strip():
        raise ValueError('neither "text" nor "title" and "body"')
    return title, body
