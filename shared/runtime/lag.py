"""How far behind each consumer group is. Backpressure, metrics and trimming all read it here."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, NamedTuple

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from shared.streams import STREAMS, StreamSpec

_PENDING_PAGE = 1000


@dataclass(frozen=True, slots=True)
class GroupLag:
    """One group on one partition.

    `lag` is entries not yet delivered, `pending` those delivered and not acknowledged; `floor` is the
    lowest id that must be kept for this group; `oldest_pending_s` is 0 when nothing is pending.
    """

    spec: StreamSpec
    partition: int
    group: str
    lag: int
    pending: int
    floor: tuple[int, int]
    oldest_pending_s: float

    @property
    def backlog(self) -> int:
        return self.lag + self.pending


def parse_id(entry_id: bytes | str) -> tuple[int, int]:
    """Return a stream id as (milliseconds, sequence)."""
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    millis, _, sequence = text.partition("-")
    return int(millis), int(sequence or 0)


class Unacknowledged(NamedTuple):
    """Which entries of a stream are still to be dealt with: those after `delivered`, and the `pending` ones.

    The others are only waiting to be trimmed.
    """

    delivered: tuple[int, int]
    pending: frozenset[bytes]

    def __contains__(self, entry_id: object) -> bool:
        if not isinstance(entry_id, bytes):
            return False
        return parse_id(entry_id) > self.delivered or entry_id in self.pending


EVERYTHING = Unacknowledged((-1, 0), frozenset())


async def read_unacknowledged(redis: Redis, spec: StreamSpec, partition: int) -> Unacknowledged:
    """Return what is left of a stream for its groups: everything where it has none, or one is missing."""
    key = spec.key(partition)
    try:
        infos = {info["name"].decode(): info for info in await redis.xinfo_groups(key)}
    except ResponseError:  # no such key
        return EVERYTHING
    if not spec.groups or not set(spec.groups) <= set(infos):
        return EVERYTHING
    delivered = min(parse_id(infos[group]["last-delivered-id"]) for group in spec.groups)
    pending: set[bytes] = set()
    for group in spec.groups:
        start = "-"
        while rows := await redis.xpending_range(key, group, start, "+", _PENDING_PAGE):
            ids: list[Any] = [row["message_id"] for row in rows]
            pending.update(ids)
            start = f"({ids[-1].decode()}"
    return Unacknowledged(delivered, frozenset(pending))


async def read_lags(redis: Redis, partitions: int, *, now_s: float | None = None) -> list[GroupLag]:
    """Return the lag of every group in the registry that exists. A missing stream or group is left out."""
    now = time.time() if now_s is None else now_s
    targets = [(spec, partition) for spec in STREAMS if spec.groups for partition in range(partitions)]
    pipeline = redis.pipeline(transaction=False)
    for spec, partition in targets:
        key = spec.key(partition)
        pipeline.xinfo_groups(key)
        pipeline.xlen(key)
        for group in spec.groups:
            pipeline.xpending(key, group)
    replies = iter(await pipeline.execute(raise_on_error=False))
    lags: list[GroupLag] = []
    for spec, partition in targets:
        groups, length = next(replies), next(replies)
        for group in spec.groups:
            summary = next(replies)
            info = _group_info(groups, group)
            if info is not None and not isinstance(summary, Exception):
                if isinstance(length, Exception):
                    raise length
                lags.append(_group_lag(spec, partition, group, info, length, summary, now))
    return lags


def _group_info(groups: Any, name: str) -> dict[str, Any] | None:
    if isinstance(groups, ResponseError):
        return None
    if isinstance(groups, Exception):
        raise groups
    return next((info for info in groups if info["name"] == name.encode()), None)


def _group_lag(
    spec: StreamSpec,
    partition: int,
    group: str,
    info: dict[str, Any],
    length: int,
    summary: dict[str, Any],
    now: float,
) -> GroupLag:
    pending = int(info["pending"])
    # No more can wait than is there. Redis 6.2 has no lag, and 7 answers null after a deletion; and 7.0, when
    # killed and started again, counts entries as waiting that were delivered long ago: 1,514 of an empty
    # stream once kept ingest at 503 for good.
    waiting = max(int(length) - pending, 0)
    lag = info.get("lag")
    lag = waiting if lag is None else min(int(lag), waiting)
    millis, sequence = parse_id(info["last-delivered-id"])
    floor, oldest = (millis, sequence + 1), 0.0
    if pending and summary.get("min"):
        floor = parse_id(summary["min"])
        oldest = max(now - floor[0] / 1000, 0.0)
    return GroupLag(spec, partition, group, lag, pending, floor, oldest)
