"""Files of text in other encodings than UTF-8: which `--encoding` takes, and how they are read as UTF-8."""

from __future__ import annotations

import codecs
import io
from typing import BinaryIO


def known_encoding(name: str) -> str:
    """Return the codec for the name of an encoding of text. Raises ValueError for any other."""
    try:
        codec = codecs.lookup(name)
        codec.decode(b"")
    except (LookupError, UnicodeError, ValueError):
        raise ValueError(f"{name!r} is no encoding known here; try utf-8, windows-1252, utf-16 …") from None
    if not codec._is_text_encoding:
        raise ValueError(f"{name!r} is no encoding of text.")
    return codec.name


class Utf8(io.RawIOBase):
    """A stream of text in another encoding, read as UTF-8; what cannot be decoded becomes U+FFFD."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._output = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # what RawIOBase passes
        while not self._output and not self._ended:
            chunk = self._stream.read(64 << 10)
            self._ended = not chunk
            text = self._decoder.decode(chunk, final=self._ended)
            self._output = memoryview(text.encode("utf-8", "replace"))
        size = min(len(buffer), len(self._output))
        buffer[:size] = self._output[:size]
        self._output = self._output[size:]
        return size


def as_utf8(stream: io.BufferedReader, encoding: str | None) -> io.BufferedReader:
    """Return the stream in UTF-8 without a byte order mark: from `encoding`, or what the mark says."""
    from w3lib.encoding import read_bom

    marked, bom = read_bom(stream.peek(4)[:4])
    if bom is not None:
        stream.read(len(bom))
    wanted = encoding or marked or "utf-8"
    if codecs.lookup(wanted).name == "utf-8":
        return stream
    return io.BufferedReader(Utf8(stream, wanted), 64 << 10)
