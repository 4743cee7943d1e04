"""NDJSON, a JSON array, or one JSON object, read item by item: a large array takes no more memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from services.cli.documents import Document
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import MAX_ENTRY_BYTES, Entry, Options, Skipped, document

_SPACE = b" \t\r\n"


def read_lines(source: ByteSource, stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    """Yield each line of NDJSON, or each element if it is an array."""
    yield from _items(_chunks(stream), source, name, options)


def read_json(source: ByteSource, stream: io.BufferedReader, name: str, options: Options) -> Iterator[Entry]:
    """Yield each element of an array, or the one object; lines, where each is an object by itself."""
    first = b""
    while not first.strip(_SPACE):
        first = stream.readline(MAX_ENTRY_BYTES + 1)
        if not first:
            return
    start = first.lstrip(_SPACE)
    if start.startswith(b"[") or _is_object(start):
        yield from _items(_chunks(stream, first), source, name, options)
        return
    content = first + stream.read(MAX_ENTRY_BYTES + 1 - len(first))
    lines = [line for line in content.split(b"\n", 8)[:8] if line.strip(_SPACE)]
    if len(lines) > 1 and all(line.lstrip(_SPACE).startswith(b"{") for line in lines):
        yield from _items(_chunks(stream, content), source, name, options)
    elif len(content) > MAX_ENTRY_BYTES:
        yield Entry(name, lambda: Skipped("too large", f"one object of more than {MAX_ENTRY_BYTES:,} bytes"))
    else:
        yield Entry(name, partial(_article, content, name, options))


def _chunks(stream: io.BufferedReader, first: bytes = b"") -> Iterator[bytes]:
    if first:
        yield first
    while chunk := stream.read1(1 << 16):
        yield chunk


def _items(chunks: Iterable[bytes], source: ByteSource, name: str, options: Options) -> Iterator[Entry]:
    from services.ingest.batch import BatchSplitter

    splitter = BatchSplitter(MAX_ENTRY_BYTES)
    for chunk in chunks:
        for item in splitter.feed(chunk):
            origin = f"{name}:{item.line}"
            if item.error is not None:
                yield Entry(origin, partial(_broken, item.error))
            else:
                yield Entry(origin, partial(_article, item.raw, origin, options))
    for item in splitter.finish():
        origin = f"{name}:{item.line}"
        if source.damage or (item.error is not None and "longer than" not in item.error):
            why = item.error or source.damage[-1]
            yield Entry(origin, partial(Skipped, "cut off", why))
        elif item.error is not None:
            yield Entry(origin, partial(_broken, item.error))
        else:
            yield Entry(origin, partial(_article, item.raw, origin, options))


def _broken(why: str) -> Skipped:
    return Skipped("too large" if "longer than" in why else "not JSON", why)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _article(raw: bytes, origin: str, options: Options) -> Document | Skipped:
    if options.change_nothing and b"\n" not in raw and b"\r" not in raw:
        return Document(origin, raw)  # ingest judges it
    try:
        value: Any = json.loads(raw)
    except RecursionError:
        return Skipped("nested too deeply")
    except ValueError as error:
        return Skipped("not JSON", str(error)[:200])
    if not isinstance(value, dict):
        return Skipped("not an article", "not a JSON object")
    return document(origin, options.complete(value))
