"""Compression of an answer that is made as it is sent. Pure."""

from __future__ import annotations

import re
import zlib

_GZIP_WBITS = 31
# Of articles, level 3 takes two fifths of the time of the default, 6, for a fourteenth more bytes.
_LEVEL = 3
_CODING = re.compile(r"\s*([a-z*-]+)\s*(?:;\s*q=([0-9.]{1,5}))?\s*", re.IGNORECASE)


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Whether the header of a request (RFC 9110, 12.5.3) allows gzip."""
    allowed: dict[str, bool] = {}
    for part in (accept_encoding or "")[:1_000].split(","):
        match = _CODING.fullmatch(part)
        if match is not None:
            quality = match[2] or "1"
            allowed[match[1].lower()] = quality.strip("0.") != ""
    return allowed.get("gzip", allowed.get("*", False))


class Gzip:
    """Compresses piece by piece. Without `end` a reader knows that something is missing."""

    def __init__(self) -> None:
        self._stream = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WBITS)

    def piece(self, data: bytes) -> bytes:
        return self._stream.compress(data)

    def end(self) -> bytes:
        return self._stream.flush()


class Uncompressed:
    """The same for a client that wants the bytes as they are."""

    def piece(self, data: bytes) -> bytes:
        return data

    def end(self) -> bytes:
        return b""
