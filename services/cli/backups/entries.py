"""Entries of all streams, out of Redis into a file and back: JSON lines that any tool reads, compressed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import zstandard
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from services.cli.backups.keys import KEY_FAMILIES
from services.cli.output import Failure
from shared.runtime.groups import ensure_groups
from shared.runtime.lag import read_unacknowledged
from shared.streams import DEAD, STREAMS

FILE = "streams.ndjson.zst"
_CHUNK = 500
_MAX_LINE_BYTES = 64 << 20


async def dump_entries(redis: Redis, path: Path, partitions: int) -> dict[str, int]:
    """Write every entry that is still to be dealt with to `path`; return how many there are by stream.

    Not those that only wait to be trimmed: done again after a restore, one that had died would die twice.

    In the order of the way, so that an entry which moves on meanwhile is met again further on; dead letters
    first, since they may be put back to the beginning, and what has died since at the end. Raises Failure
    for streams of more partitions than there are said to be.
    """
    await _require_partitions(redis, partitions)
    counts = dict.fromkeys((spec.name for spec in STREAMS), 0)
    seen: dict[str, bytes] = {}
    with path.open("wb") as file, zstandard.ZstdCompressor(write_checksum=True).stream_writer(file) as out:
        for spec in (DEAD, *STREAMS):
            for partition in range(partitions):
                key = spec.key(partition)
                left = await read_unacknowledged(redis, spec, partition)
                async for rows in _rows(redis, key, seen.get(key)):
                    lines = [_line(key, entry_id, fields) for entry_id, fields in rows if entry_id in left]
                    counts[spec.name] += len(lines)
                    out.write(b"".join(lines))
                    seen[key] = rows[-1][0]
    return counts


async def _require_partitions(redis: Redis, partitions: int) -> None:
    known = {spec.key(partition) for spec in STREAMS for partition in range(partitions)}
    for spec in STREAMS:
        async for key in redis.scan_iter(match=f"{spec.name}.{{*", count=1000):
            if key.decode() not in known:
                raise Failure(
                    f"Redis has the stream {key.decode()}, and WIREROOM_PARTITIONS is {partitions}.",
                    "Set WIREROOM_PARTITIONS to what the services use.",
                )


async def _rows(redis: Redis, key: str, after: bytes | None) -> AsyncIterator[list[Any]]:
    newest: Any = await redis.xrevrange(key, count=1)
    if not newest:
        return
    end = newest[0][0]  # what comes after this moment is of the next backup
    start = "-" if after is None else f"({after.decode()}"
    while True:
        rows: Any = await redis.xrange(key, min=start, max=end, count=_CHUNK)
        if not rows:
            return
        yield rows
        start = f"({rows[-1][0].decode()}"


def _line(key: str, entry_id: bytes, fields: dict[bytes, bytes]) -> bytes:
    encoded = {
        name.decode("latin-1"): base64.b64encode(value).decode("ascii") for name, value in fields.items()
    }
    document = {"stream": key, "id": entry_id.decode(), "fields": encoded}
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


async def load_entries(redis: Redis, path: Path, partitions: int) -> int:
    """Append every entry under its own id, make the groups at the beginning, and return how many there were.

    An entry that was done meanwhile is done again, which changes nothing.
    """
    known = {spec.key(partition) for spec in STREAMS for partition in range(partitions)}
    count = 0
    for stream, entry_id, fields in _entries(path):
        if stream not in known:
            raise Failure(f"{path} names the stream {stream!r}, which is none of ours.")
        try:
            await redis.xadd(stream, fields, id=entry_id)
        except ResponseError as error:
            raise Failure(f"{stream} does not take entry {entry_id}: {error}.") from error
        count += 1
    await ensure_groups(redis, partitions)
    return count


def _entries(path: Path) -> Iterator[tuple[str, str, dict[Any, Any]]]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        held = b""
        while chunk := reader.read(1 << 20):
            *lines, held = (held + chunk).split(b"\n")
            if len(held) > _MAX_LINE_BYTES:
                raise Failure(f"{path} holds a line of more than {_MAX_LINE_BYTES} bytes.")
            yield from map(_entry, lines)


def _entry(line: bytes) -> tuple[str, str, dict[Any, Any]]:
    document = json.loads(line)
    fields = {name.encode("latin-1"): base64.b64decode(value) for name, value in document["fields"].items()}
    return document["stream"], document["id"], fields


async def count_entries(redis: Redis, partitions: int) -> int:
    total = 0
    for spec in STREAMS:
        for partition in range(partitions):
            total += int(await redis.xlen(spec.key(partition)))
    return total


async def delete_all(redis: Redis) -> int:
    """Delete every key of ours, and no other; return how many."""
    deleted = 0
    # The markers first: without them nobody takes what is left for whole.
    for family in sorted(KEY_FAMILIES, key=lambda family: not family.pattern.startswith("state:")):
        batch: list[bytes] = []
        async for key in redis.scan_iter(match=family.pattern, count=1000):
            batch.append(key)
            if len(batch) >= _CHUNK:
                deleted += int(await redis.unlink(*batch))
                batch.clear()
        if batch:
            deleted += int(await redis.unlink(*batch))
    return deleted
