"""The registry of streams: which event travels where, who writes it, which group reads it.

One article's keys share a partition, written in braces so that they share a Redis Cluster slot.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.events import ArticleEnriched, ArticleRetracted, ArticleSubmitted, DeadLetter, Event

EVENT_FIELD = b"event"
TRACE_FIELD = b"traceparent"


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """A family of streams, one per partition. `groups` are the consumer groups that must all see an entry."""

    name: str
    events: tuple[type[Event], ...]
    writers: tuple[str, ...]
    groups: tuple[str, ...]
    about: str

    def key(self, partition: int) -> str:
        return f"{self.name}.{{{partition}}}"


RAW = StreamSpec(
    name="articles.raw",
    events=(ArticleSubmitted, ArticleRetracted),
    writers=("ingest",),
    groups=("enrich",),
    about="Articles as accepted, and takedowns.",
)
ENRICHED = StreamSpec(
    name="articles.enriched",
    events=(ArticleEnriched, ArticleRetracted),
    writers=("enrich",),
    groups=("index",),
    about="Articles with entities, sentiment, topics and links, and takedowns.",
)
DEAD = StreamSpec(
    name="articles.dead",
    events=(DeadLetter,),
    writers=("enrich", "index"),
    groups=(),
    about="Entries that no attempt could process; read by people, replayed on demand.",
)
STREAMS = (RAW, ENRICHED, DEAD)


def partition_of(article_id: str, partitions: int) -> int:
    """Return the partition of an article. The id is itself a hash, so its first 32 bits are evenly spread."""
    return int(article_id[:8], 16) % partitions


def article_key(article_id: str, partitions: int) -> str:
    """Return the Redis hash that holds an article's revision, tombstone and receipt."""
    return f"article:{{{partition_of(article_id, partitions)}}}:{article_id}"


def restoring_key(partition: int) -> str:
    """Return the key that is there while the partition's article hashes are restored."""
    return f"restoring:{{{partition}}}"


def state_key(partition: int) -> str:
    """Return the key whose presence says that the partition's article hashes are here (`runtime.state`)."""
    return f"state:{{{partition}}}"
