"""The sources as ingest looks them up on each request, and the watch that keeps them those of the file."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from shared.errors import ConfigurationError
from shared.http.auth import hash_api_key
from shared.logging import get_logger
from shared.sources import OPERATOR, Source, Sources
from shared.sources_file import read_sources

log = get_logger(__name__)

INTERVAL_S = 1.0


class SourceBook:
    """The sources with the secrets that are valid at one moment. Immutable.

    Keys are found by their hash: whoever tries keys cannot choose what the hash begins with, so the time that
    a look-up takes tells nothing.
    """

    def __init__(self, sources: Sources, now: datetime) -> None:
        self._by_name = {source.name: source for source in sources.sources}
        self._names = {
            key.hash: source.name for source in sources.sources for key in source.keys if key.valid(now)
        }
        if sources.operator is not None:
            self._names[sources.operator] = OPERATOR
        self.webhook_secrets = tuple(
            (source.name, secret.secret)
            for source in sources.sources
            for secret in source.webhook_secrets
            if secret.valid(now)
        )
        secrets = [one for source in sources.sources for one in (*source.keys, *source.webhook_secrets)]
        ends = [secret.ends_at for secret in secrets if secret.ends_at is not None and secret.valid(now)]
        self.ends_at = min(ends, default=None)
        """When the next of the secrets ends, and this book with it."""

    def __len__(self) -> int:
        return len(self._by_name)

    def owner_of(self, key: str) -> str | None:
        """Return whose key this is, None for one that is not known here."""
        return self._names.get(hash_api_key(key)) if self._names else None

    def named(self, name: str | None) -> Source | None:
        return self._by_name.get(name) if name is not None else None


class _Sight(NamedTuple):
    """What tells one content of a file from another: it is replaced, never written into."""

    inode: int
    changed_ns: int
    size: int


class SourceWatch:
    """Reads the file again whenever it has changed, and hands on the book, without secrets that have ended.

    A file that is gone or cannot be read changes nothing: the sources stay as they were, so that no mishap
    opens a door, or closes all of them.
    """

    def __init__(self, path: Path, use: Callable[[SourceBook], None], now: Callable[[], datetime]) -> None:
        """Read the file at once. Raises ConfigurationError when it is there and cannot be read."""
        self._path = path
        self._use = use
        self._now = now
        self._seen: _Sight | None = None
        self._seen = self._look()
        self._sources = read_sources(path)
        self._ends_at: datetime | None = None
        self._open_book()

    def _open_book(self) -> None:
        book = SourceBook(self._sources, self._now())
        self._ends_at = book.ends_at
        self._use(book)

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Go over to what the file says now."""
        sight = self._look()
        if sight != self._seen:
            self._seen = sight
            await self._read(sight)
        if self._ends_at is not None and self._now() >= self._ends_at:
            self._open_book()

    async def _read(self, sight: _Sight | None) -> None:
        if sight is None:
            log.error("the file of the sources is gone; they stay as they were", path=str(self._path))
            return
        try:
            self._sources = await asyncio.to_thread(read_sources, self._path)
        except ConfigurationError as error:
            log.error("the sources stay as they were", why=str(error))
            return
        self._open_book()
        log.info("sources read", sources=len(self._sources.sources))

    def _look(self) -> _Sight | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        sight = _Sight(status.st_ino, status.st_mtime_ns, status.st_size)
        if sight != self._seen and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            log.warning("others may read the file of the sources; `chmod 600` it", path=str(self._path))
        return sight
