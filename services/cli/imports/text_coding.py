"""From bytes to text: by byte order mark, by what the bytes can be, then by what is declared.

Declared encodings are often wrong, and valid UTF-8 with letters beyond ASCII is hardly ever anything else.
"""

from __future__ import annotations

import codecs
import io
from contextlib import suppress
from typing import BinaryIO

# Pages are cut off in the middle of a letter, and take in single bytes of other pages.
MAX_BAD_SHARE = 0.005
MIN_BAD_ALLOWED = 3
LAST_RESORT = "cp1252"
_HEAD_BYTES = 4_096


def decode_text(content: bytes, content_type: str | None = None) -> str:
    """Return the text of a page, note or part of a mail; never raises.

    `content_type` is the header that came with it, whose charset counts before the page's own <meta>.
    """
    from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

    bom_encoding, bom = read_bom(content)
    if bom_encoding is not None and bom is not None:
        return content[len(bom) :].decode(bom_encoding, "replace")
    declared = [http_content_type_encoding(content_type), html_body_declared_encoding(content[:_HEAD_BYTES])]
    encodings = [encoding for encoding in declared if encoding is not None]
    if not content.isascii() or not encodings:
        text = content.decode("utf-8", "replace")
        bad = text.count("\ufffd")
        # Letters beyond ASCII that are valid by chance are rare among those that are not.
        if not bad or (_is_fair(text) and bad * 3 < sum(not letter.isascii() for letter in text)):
            return text
    for encoding in encodings:
        with suppress(LookupError, UnicodeError):  # codecs such as idna raise whatever they are told
            text = content.decode(encoding, "replace")
            if _is_fair(text):
                return text
    return content.decode(LAST_RESORT, "replace")


def _is_fair(text: str) -> bool:
    """Whether next to all of it could be decoded."""
    return text.count("\ufffd") <= max(MIN_BAD_ALLOWED, int(len(text) * MAX_BAD_SHARE))


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
