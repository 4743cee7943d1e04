"""Feeds, out of Redis into a file and back: what they are, when they are due, and what their entries said."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zstandard
from redis.asyncio import Redis

from services.cli.output import Failure

FILE = "feeds.ndjson.zst"
PATTERNS = ("feed:{feeds}:*", "feeds:{feeds}:*")
# Of a poll that is under way while the backup is made.
_PASSING = frozenset({b"lease", b"again", b"due"})
_MAX_LINE_BYTES = 64 << 20


async def dump_feeds(redis: Redis, path: Path) -> int:
    """Write the feeds to `path`, and return how many keys they have.

    To be called before the streams are read: what a feed remembers as submitted is on them by then.
    """
    count = 0
    with path.open("wb") as file, zstandard.ZstdCompressor(write_checksum=True).stream_writer(file) as out:
        for pattern in PATTERNS:
            async for key in redis.scan_iter(match=pattern, count=1000):
                pairs = await _pairs(redis, key)
                if pairs:
                    document = {
                        "key": key.decode(),
                        "pairs": [[_text(name), _text(value)] for name, value in pairs],
                    }
                    out.write(json.dumps(document, separators=(",", ":")).encode() + b"\n")
                    count += 1
    return count


async def _pairs(redis: Redis, key: bytes) -> list[tuple[bytes, bytes]]:
    kind = await redis.type(key)
    if kind == b"hash":
        fields: Any = await redis.hgetall(key)
        return [(name, value) for name, value in fields.items() if name not in _PASSING]
    if kind == b"zset":
        scored: Any = await redis.zrange(key, 0, -1, withscores=True)
        return [(member, repr(score).encode()) for member, score in scored]
    return []


async def load_feeds(redis: Redis, path: Path) -> int:
    """Put the feeds of `path` into Redis, and return how many keys they have.

    A backup that was made before there were feeds has no such file.
    """
    count = 0
    for key, pairs in _lines(path):
        if not key.startswith(("feed:{feeds}:", "feeds:{feeds}:")):
            raise Failure(f"{path} names the key {key!r}, which is none of a feed.")
        if key.endswith(":due"):
            await redis.zadd(key, {name: float(value) for name, value in pairs})
        else:
            await redis.hset(key, mapping=dict(pairs))
        count += 1
    return count


def _lines(path: Path) -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    if not path.exists():
        return
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        held = b""
        while chunk := reader.read(1 << 20):
            *lines, held = (held + chunk).split(b"\n")
            if len(held) > _MAX_LINE_BYTES:
                raise Failure(f"{path} holds a line of more than {_MAX_LINE_BYTES} bytes.")
            for document in map(json.loads, lines):
                yield document["key"], [(_bytes(name), _bytes(value)) for name, value in document["pairs"]]


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.b64decode(text)
