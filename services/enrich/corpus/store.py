"""The corpus in Redis: all articles of the last days that a new one is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from redis.exceptions import OutOfMemoryError

from services.enrich.corpus.fingerprint import Fingerprint
from services.enrich.corpus.neighbours import Neighbour, Neighbours, why_duplicate, why_similar
from services.enrich.corpus.room import Room
from shared.clock import utc_now
from shared.runtime.scripts import Call, Script, run_all, run_many

if TYPE_CHECKING:
    from redis.asyncio import Redis

# One hash tag for all keys: a script may touch keys of one Redis Cluster slot only.
PREFIX: Final = b"{corpus}"
_HERE: Final = Path(__file__).parent
_LinkReply = tuple[bytes, bytes, bytes, bytes, bytes]


def _script(name: str) -> Script:
    return Script.of("\n".join((_HERE / file).read_text(encoding="utf-8") for file in ("records.lua", name)))


PLACE: Final = _script("place.lua")
FORGET: Final = _script("forget.lua")
EVICT: Final = _script("evict.lua")


class Corpus:
    """Places articles among their neighbours. Any number of workers may share one.

    Memory is bounded: an article leaves when it was placed longer than `window` ago or when there are
    more than `max_articles`, oldest first; of each term only the newest `max_postings` articles are kept.
    Similarity halves with each `half_life` between the publication of two articles.

    Articles that were published before the window when they are placed (a back-fill) take none of the room
    of the others, which is seven eighths of `max_articles`, nor of their places in the lists of terms; they
    leave first. They meet what was published within three half-lives of them.

    Whichever of two near-duplicates is placed second links to the first. Who is second, and so which of two
    stories a report joins that is like both, depends on the pace of the workers; what is held does not.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        window: timedelta = timedelta(days=14),
        max_articles: int = 60_000,
        max_postings: int = 256,
        half_life: timedelta = timedelta(days=60),
        min_jaccard: float = 0.5,
        min_similar: float = 0.02,
        min_story: float = 0.07,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._redis = redis
        self._room = Room(redis, EVICT, PREFIX)
        self._window = window
        self._clock = clock
        self._limits = (
            int(window.total_seconds()),
            max_articles,
            max_postings,
            int(half_life.total_seconds()),
            min_jaccard,
            min_similar,
            min_story,
        )

    async def place_many(self, fingerprints: Sequence[Fingerprint]) -> list[Neighbours]:
        """Find the neighbours of each article among all placed before it, then record it.

        One round trip. Doing it again changes nothing: an article that is known in this version gets its
        neighbours and its story, and one that is known in a later version, or forgotten, is not recorded.
        One that Redis has no memory for has no neighbours, and goes on.
        """
        if not fingerprints:
            return []
        now = int(self._clock().timestamp())
        # A pipeline of scripts and not one script over all: other clients of Redis come in between.
        calls = [Call((PREFIX,), (*_arguments(article), now, *self._limits)) for article in fingerprints]
        replies = await run_many(self._redis, PLACE, calls)
        refused = sum(isinstance(reply, OutOfMemoryError) for reply in replies)
        if refused:
            self._room.refused(refused)
        return [
            _neighbours_from_reply(article, reply)
            for article, reply in zip(fingerprints, replies, strict=True)
        ]

    async def forget(self, article_id: str, version: str = "") -> bool:
        """Take an article out and tell whether it was there.

        With a `version` (see `version_of`) a later one stays, and earlier ones, redelivered late, stay out.
        """
        remember_s = int(2 * self._window.total_seconds())
        call = Call((PREFIX,), (article_id, version, remember_s))
        (found,) = await run_all(self._redis, FORGET, [call])
        return bool(found)


def _arguments(article: Fingerprint) -> tuple[bytes | str | int, ...]:
    return (
        article.id,
        article.version,
        article.digest,
        int(article.at.timestamp()),
        (article.url or "").encode("utf-8", "replace"),
        article.title.encode("utf-8", "replace"),
        article.story_id,
        article.vector,
        article.bands,
        article.sketch,
    )


def _neighbours_from_reply(
    article: Fingerprint, reply: tuple[bytes, Sequence[_LinkReply], Sequence[_LinkReply]] | Exception
) -> Neighbours:
    """Raises the reply if it is an exception, unless that is for want of memory."""
    if isinstance(reply, OutOfMemoryError):
        return Neighbours(story_id=article.story_id, duplicates=(), similar=())
    if isinstance(reply, Exception):
        raise reply
    story_id, duplicates, similar = reply
    return Neighbours(
        story_id=story_id.decode(),
        duplicates=tuple(_neighbour(link, why_duplicate(float(link[3]))) for link in duplicates),
        similar=tuple(_neighbour(link, why_similar(article, link[4])) for link in similar),
    )


def _neighbour(link: _LinkReply, why: str) -> Neighbour:
    found_id, url, title, score, _ = link
    return Neighbour(
        id=found_id.decode(),
        url=url.decode() or None,
        title=title.decode() or None,
        score=min(float(score), 1.0),
        why=why,
    )
