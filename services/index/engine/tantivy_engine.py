"""The search engine on Tantivy: reading. Writing is in `engine.writing`, the disk layout in `engine.home`."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from tantivy import DocAddress, Occur, Searcher
from tantivy import Query as TantivyQuery

from services.index.engine.analysis import fold
from services.index.engine.answers import AnswerCache
from services.index.engine.arrivals import arrived_after, latest_arrival, latest_retractions
from services.index.engine.checksums import find_damage, require_intact
from services.index.engine.compiling import Compiler
from services.index.engine.failing import despite_damage, failing_openly
from services.index.engine.hits import hit_at, parsed, stored
from services.index.engine.home import IndexHome, size_bytes
from services.index.engine.marking import marker_for
from services.index.engine.protocol import (
    ArrivalKey,
    EngineHealth,
    EngineStats,
    Hit,
    IndexableEvent,
    IndexUnusable,
    Page,
    Query,
    ScanPage,
    StoredArticle,
    Suggestion,
    Tombstone,
    UpsertOutcome,
    filtered,
)  # fmt: skip
from services.index.engine.rows import count_of
from services.index.engine.scanning import present, scan
from services.index.engine.schema import ARTICLE, SCHEMA_VERSION
from services.index.engine.searching import Search
from services.index.engine.snapshots import SnapshotCache
from services.index.engine.suggesting import suggest
from services.index.engine.tantivy_aggregations import TantivyAggregations
from services.index.engine.writing import RevisionedIndex
from shared.instants import instant_of

_SIMILAR_TERMS = 25
_SIMILAR_CHARS = 20_000


class TantivyEngine:
    """A `protocol.SearchEngine`. It holds DATA/index/LOCK until closed: one writer per data directory."""

    def __init__(self, data_dir: Path) -> None:
        """Open the index of `data_dir`, or make it. Raises IndexLocked or IndexUnusable."""
        self._home = IndexHome(data_dir)
        self._home.lock()
        try:
            directory = self._home.current()
            if directory is None:
                directory = self._home.create_next()
                self._index = RevisionedIndex(directory)
                self._home.make_current(directory)
            else:
                meta = require_intact(directory)
                self._index = RevisionedIndex(directory)
                self._index.require_counts(meta)
            self._home.remove_all_but(directory)
        except BaseException:
            self._home.unlock()
            raise
        self._compiler = Compiler(self._index.schema)
        self._swap = threading.Lock()
        self._kept = SnapshotCache()
        self._answers = AnswerCache()
        self._damage: str | None = None
        self.suspect = False
        self.aggregations = TantivyAggregations(
            self._compiler, lambda: self._index.snapshot, self._kept, self._suspect
        )

    def _suspect(self) -> None:
        self.suspect = True

    # Writing

    @failing_openly
    def upsert_many(self, events: Sequence[IndexableEvent], indexed_at: datetime) -> list[UpsertOutcome]:
        return self._index.upsert_many(events, indexed_at)

    @failing_openly
    def commit(self) -> None:
        self._index.commit()

    def rollback(self) -> None:
        self._index.rollback()

    def refresh(self) -> None:
        self._index.refresh()

    @property
    def home(self) -> IndexHome:
        return self._home

    @property
    def damage(self) -> str | None:
        """What `check_files` found last."""
        return self._damage

    @property
    def pending(self) -> int:
        """How many articles have changes that are not committed."""
        return self._index.pending

    def reopen_if_moved(self) -> bool:
        """Go over to the directory CURRENT names, if it is another than ours, and remove ours.

        The caller has committed and keeps others from writing meanwhile; searches may run. When the new
        one cannot be opened, ours becomes the current one again and IndexUnusable is raised.
        """
        with self._swap:
            current = self._home.current()
            if current is None or current == self._index.directory:
                return False
            if self._index.pending:
                raise RuntimeError("commit before going over to another index directory")
            try:
                replacement = RevisionedIndex(current)
            except BaseException:
                # Else a restart would find an index without what is written to ours from now on.
                self._home.make_current(self._index.directory)
                raise
            previous, self._index = self._index, replacement
            self._kept.clear()
            self._answers.clear()
            self.aggregations.clear()
            self._damage = None
            self.suspect = False
            despite_damage(previous.close)
            despite_damage(lambda: self._home.remove_all_but(current))
            return True

    # Reading

    @failing_openly
    def get(self, article_id: str) -> StoredArticle | Tombstone | None:
        searcher = self._index.searcher
        address = self._address(searcher, article_id)
        if address is None:
            return None
        document = searcher.doc(address)
        content = stored(document, "json")
        if document.get_first("card") is not None:
            seq = searcher.fast_field_values("seq", [address])[0]
            return StoredArticle(article_id, content, int(seq or 0))
        tombstone = parsed(content)
        return Tombstone(
            article_id,
            withheld=tombstone["withheld"],
            revision=tombstone["revision"],
            reason=tombstone["reason"],
            retracted_at=datetime.fromisoformat(tombstone["retracted_at"]),
        )

    def _address(self, searcher: Searcher, article_id: str) -> DocAddress | None:
        try:
            query = TantivyQuery.term_query(self._index.schema, "id", article_id, "basic")
        except ValueError:  # what is no text at all, such as a lone surrogate, is no id of ours
            return None
        hits = searcher.search(query, limit=1, count=False).hits
        return hits[0][1] if hits else None

    @failing_openly
    def search(self, query: Query) -> Page:
        return Search(query, self._compiler, self._index.snapshot, self._kept, self._answers).page()

    @failing_openly
    def suggest(self, query: Query) -> Suggestion | None:
        return suggest(self._index.searcher, self._compiler, query)

    @failing_openly
    def more_like_this(self, article_id: str, size: int = 10) -> tuple[Hit, ...]:
        held = self.get(article_id)
        if not isinstance(held, StoredArticle):
            return ()
        searcher = self._index.searcher
        article = parsed(held.json)
        alike = TantivyQuery.more_like_this_document_fields_query(
            self._index.schema,
            {"title": [fold(article["title"])], "body": [fold(article["body"][:_SIMILAR_CHARS])]},
            min_doc_frequency=2,
            # A word in a tenth of all articles tells them apart from nothing.
            max_doc_frequency=max(10, searcher.num_docs // 10),
            min_term_frequency=1,
            max_query_terms=_SIMILAR_TERMS,
            min_word_length=3,
        )
        itself = TantivyQuery.term_query(self._index.schema, "id", article_id, "basic")
        others = TantivyQuery.boolean_query([(Occur.Must, alike), (Occur.MustNot, itself)])
        hits = searcher.search(others, limit=size, count=False).hits
        return tuple(hit_at(searcher, address, score, None) for score, address in hits)

    @failing_openly
    def arrivals(self, query: Query, after: ArrivalKey | None, limit: int) -> tuple[Hit, ...]:
        searcher = self._index.searcher
        rows = arrived_after(searcher, self._compiler, self._compiler.compile(filtered(query)), after, limit)
        marker = marker_for(query.node) if query.highlight else None
        return tuple(hit_at(searcher, address, None, marker) for _, address in rows)

    @failing_openly
    def latest_arrival(self) -> ArrivalKey | None:
        return latest_arrival(self._index.searcher, self._compiler.articles)

    @failing_openly
    def latest_retractions(self, limit: int) -> Sequence[tuple[str, datetime]]:
        found = latest_retractions(self._index.searcher, self._index.schema, limit)
        return [(each, instant_of(at_us)) for each, at_us in found]

    @failing_openly
    def scan(self, query: Query, place: object | None = None) -> ScanPage:
        return scan(self._index, self._compiler, filtered(query), place)

    @failing_openly
    def present(self, article_ids: Collection[str]) -> set[str]:
        return present(self._index.searcher, self._compiler, article_ids)

    # Looking after

    @failing_openly
    def stats(self) -> EngineStats:
        snapshot = self._index.snapshot
        searcher = snapshot.searcher
        articles = TantivyQuery.term_query(self._index.schema, "kind", ARTICLE, "basic")
        found = count_of(searcher.search(articles, limit=1, count=True))
        return EngineStats(
            articles=found,
            tombstones=searcher.num_docs - found,
            segments=searcher.num_segments,
            size_bytes=size_bytes(self._index.directory),
            directory=self._index.directory.name,
            schema_version=SCHEMA_VERSION,
            last_seq=snapshot.seq,
        )

    def check_files(self) -> str | None:
        """Compare all files with their checksums; return what is damaged, which `health` then says too."""
        index = self._index
        self.suspect = False
        problem = find_damage(index.directory)
        if index is not self._index:  # replaced meanwhile
            return None
        self._damage = problem
        return problem

    def health(self) -> EngineHealth:
        """Not ok while files are damaged, the writer is down after a failure, or the directory is gone."""
        if self._damage is not None:
            return EngineHealth(False, self._damage)
        if not self._index.writable:
            return EngineHealth(False, "the index writer is down; the next write tries to open it again")
        try:
            if self._home.current() != self._index.directory:
                return EngineHealth(False, "another index directory is current")
        except IndexUnusable as error:
            return EngineHealth(False, str(error))
        return EngineHealth(True, f"open: {self._index.directory.name}")

    def close(self) -> None:
        """Drop what is not committed, finish merging and give the lock back."""
        self._index.close()
        self._home.unlock()
