"""The body of an archived HTTP response: chunks joined, gzip, deflate, brotli and zstd taken off, bounded.

Archives differ: some keep the body as it was sent, some decoded, under headers that say it is not. So what
does not begin as its headers say is taken as it is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

MAX_CHUNKS = 100_000
MAX_CODINGS = 3
_MAX_CHUNK_HEAD_BYTES = 256


class TooLarge(Exception):
    """More comes out than an article may have."""


class Undecodable(Exception):
    """The body ends too early, or is no longer what its coding says. `cut_off` tells which."""

    def __init__(self, why: str, *, cut_off: bool = False) -> None:
        self.cut_off = cut_off
        super().__init__(why)


def decode_body(raw: bytes, transfer_encoding: str, content_encoding: str, max_bytes: int) -> bytes:
    """Raises TooLarge or Undecodable."""
    body = _joined(raw) if "chunked" in transfer_encoding.lower() else raw
    codings = [coding.strip() for coding in content_encoding.lower().split(",") if coding.strip()]
    if len(codings) > MAX_CODINGS:
        raise Undecodable(f"{len(codings)} codings on top of each other")
    for coding in reversed(codings):
        decode = _DECODERS.get(coding.removeprefix("x-"))
        if decode is not None and not _is_markup(body):
            body = decode(body, max_bytes)
    if len(body) > max_bytes:
        raise TooLarge
    return body


def _is_markup(body: bytes) -> bool:
    return body[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _joined(raw: bytes) -> bytes:
    """Return the chunks' data; a body that has no chunks, as it is."""
    pieces: list[bytes] = []
    at = 0
    for _ in range(MAX_CHUNKS):
        end = raw.find(b"\r\n", at, at + _MAX_CHUNK_HEAD_BYTES)
        size = _chunk_size(raw[at:end]) if end >= 0 else None
        if size is None:
            if not pieces:
                return raw
            raise Undecodable("the chunks of the body cannot be read", cut_off=at >= len(raw))
        if size == 0:
            return b"".join(pieces)
        at = end + 2 + size
        if at > len(raw):
            raise Undecodable("the body ends within a chunk", cut_off=True)
        pieces.append(raw[end + 2 : at])
        at += 2
    raise Undecodable(f"more than {MAX_CHUNKS:,} chunks")


def _chunk_size(head: bytes) -> int | None:
    digits = head.partition(b";")[0].strip()
    if not 0 < len(digits) <= 8:
        return None
    try:
        return int(digits, 16)
    except ValueError:
        return None


def _inflated(body: bytes, max_bytes: int, wbits: int) -> bytes:
    decoder = zlib.decompressobj(wbits=wbits)
    try:
        out = decoder.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise Undecodable(f"the body is not compressed as it says: {error}") from error
    if len(out) > max_bytes:
        raise TooLarge
    if not decoder.eof:
        return _whole(out, "the compressed body is cut off")
    return out


def _whole(out: bytes, why: str) -> bytes:
    """Return a page whose end has been reached, though the end of its compression has not."""
    if b"</html" in out[-256:].lower():
        return out
    raise Undecodable(why, cut_off=True)


def _gzip(body: bytes, max_bytes: int) -> bytes:
    return _inflated(body, max_bytes, 31)


def _deflate(body: bytes, max_bytes: int) -> bytes:
    """Some servers send deflate without the zlib header that RFC 9110 asks for."""
    is_zlib = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    return _inflated(body, max_bytes, 15 if is_zlib else -15)


def _brotli(body: bytes, max_bytes: int) -> bytes:
    import brotli

    decoder = brotli.Decompressor()
    pieces: list[bytes] = []
    size = 0
    try:
        piece = decoder.process(body, output_buffer_limit=max_bytes + 1)
        while piece:
            pieces.append(piece)
            size += len(piece)
            if size > max_bytes:
                raise TooLarge
            piece = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=max_bytes + 1)
    except brotli.error as error:
        raise Undecodable("the body is not compressed as it says: brotli") from error
    out = b"".join(pieces)
    return out if decoder.is_finished() else _whole(out, "the compressed body is cut off")


def _zstd(body: bytes, max_bytes: int) -> bytes:
    import io

    from zstandard import ZstdDecompressor, ZstdError

    try:
        with ZstdDecompressor(max_window_size=1 << 23).stream_reader(io.BytesIO(body)) as reader:
            out = reader.read(max_bytes + 1)
    except ZstdError as error:
        raise Undecodable(f"the body is not compressed as it says: {error}") from error
    if len(out) > max_bytes:
        raise TooLarge
    return out


_DECODERS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": _gzip, "deflate": _deflate, "br": _brotli, "zstd": _zstd,
}  # fmt: skip
