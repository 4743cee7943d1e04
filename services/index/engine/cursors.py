"""Opaque page cursors: where the next page begins, bound to the search they came from."""

from __future__ import annotations

import base64
import binascii
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from services.index.engine.protocol import InvalidCursor, Query

MAX_OFFSET = 10_000
_VERSION = 2
_LAYOUT = struct.Struct(">BBQQI8s")
# So that the whole is a multiple of three bytes and its base64 needs no padding.
_CHECK_BYTES = 6


@dataclass(frozen=True, slots=True)
class AfterKey:
    """Newest first: the page begins below this sort key. Depth costs nothing and nothing repeats.

    `last_seq` is that of the first page's snapshot, in which collapsed pages go on; else 0.
    """

    key: int
    last_seq: int = 0


@dataclass(frozen=True, slots=True)
class AtOffset:
    """By relevance: the page begins at `offset` among the documents written up to `last_seq`.

    Tantivy cannot search after a score, so pages are counted, in the snapshot of the first page (see
    `engine.snapshots`). When that is kept no more, the bound on `last_seq` at least keeps articles that came
    meanwhile from pushing earlier hits onto the next page. `as_of_s`, in seconds since 1970, is when age was
    reckoned for the first page.
    """

    offset: int
    last_seq: int
    as_of_s: int = 0

    @property
    def as_of(self) -> datetime:
        return datetime.fromtimestamp(self.as_of_s, UTC)


Place = AfterKey | AtOffset


def encode_cursor(place: Place, query: Query) -> str:
    if isinstance(place, AfterKey):
        values = (0, place.key, place.last_seq, 0)
    else:
        values = (1, place.offset, place.last_seq, place.as_of_s)
    body = _LAYOUT.pack(_VERSION, *values, _fingerprint(query))
    return base64.urlsafe_b64encode(body + _check(body)).decode().rstrip("=")


def decode_cursor(text: str, query: Query) -> Place:
    """Raises InvalidCursor."""
    expected = _LAYOUT.size + _CHECK_BYTES
    try:
        data = base64.b64decode(text.encode("ascii") + b"==", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        data = b""
    body = data[: _LAYOUT.size]
    if len(data) != expected or data[_LAYOUT.size :] != _check(body):
        raise InvalidCursor("this is no cursor of ours")
    version, kind, first, last_seq, as_of_s, fingerprint = _LAYOUT.unpack(body)
    if version != _VERSION or kind != int(query.ranks):
        raise InvalidCursor("this cursor is of another kind of search")
    if fingerprint != _fingerprint(query):
        raise InvalidCursor("this cursor belongs to another search")
    if kind == 0:
        return AfterKey(first, last_seq)
    if first > MAX_OFFSET:
        raise InvalidCursor("this cursor points too deep")
    return AtOffset(first, last_seq, as_of_s)


def _fingerprint(query: Query) -> bytes:
    """Identify what decides the order of hits; page size, facets and highlights may change between pages.

    So may the instant that age is reckoned from: that of the first page stays.
    """
    deciding = (query.node, query.filters, query.sort, query.collapse, query.as_of is not None)
    return blake2b(repr(deciding).encode("utf-8", "replace"), digest_size=8).digest()


def _check(body: bytes) -> bytes:
    return blake2b(body, digest_size=_CHECK_BYTES, person=b"wrcursor").digest()
