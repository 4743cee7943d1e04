"""Opaque cursors of a list of stories, bound to the question they came from."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from hashlib import blake2b

from services.index.engine.aggregations import StoryQuery
from services.index.engine.protocol import InvalidCursor

_VERSION = 1
_LAYOUT = struct.Struct(">BQQ8s")
_CHECK_BYTES = 5  # thirty bytes in all, which base64 needs no padding for


@dataclass(frozen=True, slots=True)
class StoryPlace:
    """Where a page begins: below a sort key (newest) or at a rank (size), in the state `seq` of the index."""

    position: int
    seq: int


def encode_story_cursor(place: StoryPlace, query: StoryQuery) -> str:
    body = _LAYOUT.pack(_VERSION, place.position, place.seq, _fingerprint(query))
    return base64.urlsafe_b64encode(body + _check(body)).decode()


def decode_story_cursor(text: str, query: StoryQuery) -> StoryPlace:
    """Raises InvalidCursor."""
    try:
        data = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    body = data[: _LAYOUT.size]
    if len(data) != _LAYOUT.size + _CHECK_BYTES or data[_LAYOUT.size :] != _check(body):
        raise InvalidCursor("this is no cursor of a list of stories")
    version, position, seq, fingerprint = _LAYOUT.unpack(body)
    if version != _VERSION or fingerprint != _fingerprint(query):
        raise InvalidCursor("this cursor belongs to another list of stories")
    return StoryPlace(position, seq)


def _fingerprint(query: StoryQuery) -> bytes:
    return blake2b(repr((query.node, query.sort)).encode("utf-8", "replace"), digest_size=8).digest()


def _check(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK_BYTES, person=b"wrstories").digest()
