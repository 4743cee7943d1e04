"""One Tantivy index with its single writer, keeping the highest-ranking event of each article.

The engine writes through it, and so does a reindex into a directory that is not in use yet.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from tantivy import Index, IndexWriter, Query, Searcher

from services.index.engine.analysis import register_analyzers
from services.index.engine.checksums import note_closed, note_opened
from services.index.engine.clusters import Placed, cluster_of, originals_of, outlet_of, stored_clusters
from services.index.engine.documents import document_from_event
from services.index.engine.failing import is_panic
from services.index.engine.home import require_schema
from services.index.engine.meta import META, Meta
from services.index.engine.protocol import CommitFailed, IndexableEvent, IndexUnusable, UpsertOutcome
from services.index.engine.revisions import Rank, rank_of, stored_ranks
from services.index.engine.schema import KINDS, build_schema

HEAP_BYTES = 128_000_000
# More threads split each commit into more segments and made nothing faster on two cores.
INDEXING_THREADS = 1


class Snapshot(NamedTuple):
    """The index as of a commit; `seq` is the number of the latest write in it."""

    searcher: Searcher
    seq: int


def _snapshot(searcher: Searcher) -> Snapshot:
    newest = searcher.search(Query.all_query(), limit=1, count=False, order_by_field="seq").hits
    return Snapshot(searcher, int(newest[0][0]) if newest else 0)


class RevisionedIndex:
    """Writes are atomic per commit: after any failure of the writer, all since the last commit is dropped.

    Methods that write take one lock; any number of threads may read a snapshot.
    """

    def __init__(self, directory: Path) -> None:
        """Open the index in `directory`, or make it there. Raises IndexUnusable."""
        require_schema(directory)
        note_opened(directory)
        self.directory = directory
        self.schema = build_schema()
        self._lock = threading.RLock()
        self._pending: dict[str, Rank] = {}
        self._pending_clusters: dict[str, Placed] = {}
        self._open()
        self._seq = self._snapshot.seq

    def _open(self) -> None:
        try:
            self._index = Index(self.schema, path=str(self.directory))
            register_analyzers(self._index)
            self._index.config_reader("manual")
            self._index.reload()
            self._writer: IndexWriter | None = self._index.writer(HEAP_BYTES, INDEXING_THREADS)
            self._snapshot = _snapshot(self._index.searcher())
        except BaseException as error:
            if not isinstance(error, ValueError) and not is_panic(error):
                raise
            raise IndexUnusable(
                f"the index in {self.directory} cannot be opened ({error}): run `wireroom reindex`"
            ) from error

    def require_counts(self, meta: Meta) -> None:
        """Raise IndexUnusable unless the documents that were opened are as many as `meta` says.

        It has no checksum after a crash. Each document has one kind, which counts them with the deleted ones.
        """
        found = sum(self.searcher.doc_freq("kind", kind) for kind in KINDS), self.searcher.num_docs
        if found != (meta.documents, meta.live_documents):
            self._writer = None
            raise IndexUnusable(
                f"{self.directory / META} is damaged: it tells of other documents than there are: "
                "run `wireroom reindex`"
            )

    @property
    def snapshot(self) -> Snapshot:
        return self._snapshot

    @property
    def searcher(self) -> Searcher:
        return self._snapshot.searcher

    @property
    def last_seq(self) -> int:
        """The running number of the latest write, committed or not."""
        return self._seq

    @property
    def pending(self) -> int:
        """How many articles have changes that are not committed."""
        return len(self._pending)

    @property
    def writable(self) -> bool:
        return self._writer is not None

    def upsert_many(self, events: Sequence[IndexableEvent], indexed_at: datetime) -> list[UpsertOutcome]:
        """See `protocol.SearchEngine.upsert_many`."""
        with self._lock:
            unknown = {event.article_id for event in events} - self._pending.keys()
            try:
                held = stored_ranks(self.searcher, self.schema, sorted(unknown))
                originals = {original for event in events for original in originals_of(event)}
                clusters = stored_clusters(self.searcher, self.schema, originals) | self._pending_clusters
            except BaseException as error:
                raise self._failure("read", error) from error
            return [self._upsert(event, held, clusters, indexed_at) for event in events]

    def _upsert(
        self,
        event: IndexableEvent,
        held: dict[str, Rank],
        clusters: dict[str, Placed],
        indexed_at: datetime,
    ) -> UpsertOutcome:
        article_id = event.article_id
        try:
            rank = rank_of(event)
            before = self._pending.get(article_id) or held.get(article_id)
            if before is not None and rank <= before:
                return _superseded(article_id, rank, before)
            placed = Placed(cluster_of(event, clusters), outlet_of(event))
            document = document_from_event(
                event, seq=self._seq + 1, indexed_at=indexed_at, **placed._asdict()
            )
        except (ValueError, OverflowError, TypeError) as error:
            return UpsertOutcome(article_id, "failed", f"{type(error).__name__}: {error}"[:500])
        try:
            # No variable holds the writer: in the traceback it would keep the lock that its successor needs.
            self._require_writer().delete_documents_by_term("id", article_id)
            self._require_writer().add_document(document)
        except BaseException as error:
            raise self._failure("write", error) from error
        self._seq += 1
        self._pending[article_id] = rank
        self._pending_clusters[article_id] = clusters[article_id] = placed
        return UpsertOutcome(article_id, "retracted" if event.type == "ArticleRetracted" else "indexed")

    def ranks(self, article_ids: Sequence[str]) -> dict[str, Rank]:
        """Return the rank that the latest commit holds of each of the articles that it has."""
        return stored_ranks(self.searcher, self.schema, article_ids)

    def commit(self) -> None:
        """See `protocol.SearchEngine.commit`."""
        with self._lock:
            if not self._pending:
                return
            try:
                self._require_writer().commit()
                self._index.reload()
                self._snapshot = Snapshot(self._index.searcher(), self._seq)
            except BaseException as error:
                raise self._failure("commit", error) from error
            self._forget_pending()

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._pending_clusters.clear()

    def rollback(self) -> None:
        """See `protocol.SearchEngine.rollback`."""
        with self._lock:
            if self._writer is None or not self._pending:
                return
            try:
                self._writer.rollback()
            except (ValueError, OSError):
                self._drop_uncommitted()
            self._forget_pending()
            self._seq = self._snapshot.seq

    def _require_writer(self) -> IndexWriter:
        if self._writer is None:
            # An earlier failure could not be mended at the time, for instance because the disk was full.
            self._open()
        if self._writer is None:
            raise ValueError("the index has no writer")
        return self._writer

    def _failure(self, action: str, error: BaseException) -> BaseException:
        """Drop what is not committed and return what to raise. A panic of Tantivy's is no Exception."""
        self._drop_uncommitted()
        if isinstance(error, KeyboardInterrupt | SystemExit):
            return error
        return CommitFailed(f"the index {action} failed: {error}")

    def _drop_uncommitted(self) -> None:
        """After an error Tantivy's writer loses documents in silence, so it is replaced, never used again."""
        self._forget_pending()
        self._writer = None
        try:
            self._open()
        except IndexUnusable:
            # The caller learns of the first error, and the next write tries again to open.
            self._writer = None
        else:
            self._seq = self._snapshot.seq

    def refresh(self) -> None:
        with self._lock:
            self._index.reload()
            self._snapshot = _snapshot(self._index.searcher())

    def close(self) -> None:
        """Drop what is not committed and wait for merges, so that the directory is at rest."""
        with self._lock:
            writer, self._writer = self._writer, None
            self._forget_pending()
            if writer is not None:
                writer.rollback()
                writer.wait_merging_threads()
                with suppress(OSError):  # on a full disk there is no such note, as after a crash
                    note_closed(self.directory)


def _superseded(article_id: str, rank: Rank, before: Rank) -> UpsertOutcome:
    if rank == before:
        return UpsertOutcome(article_id, "unchanged")
    reason = "taken down" if before.final else "a later revision is held"
    return UpsertOutcome(article_id, "stale", reason)
