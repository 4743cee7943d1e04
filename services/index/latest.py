"""Which lines of the archive hold the latest event of each article, as a table on disk.

An archive holds every revision, takedown and re-enrichment there ever was. What counts is the greatest rank
each article; to find it takes a table of all articles: it is in SQLite, so that memory stays the same.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from services.index.archive_reading import ArchiveReader, Position
from services.index.engine.revisions import Rank
from services.index.stamps import Stamp

_BATCH_RECORDS = 2000
_RETRACTED, _OUTDATED, _UP_TO_DATE = 0, 1, 2
# As bytes that sort as the numbers do, negative ones too.
_RANK = struct.Struct(">QBQQQQ")
_SIGN = 1 << 63
_SAME_ARTICLE_BYTES = _RANK.size - 8  # all but the time of enrichment

_TABLES = """
CREATE TABLE latest(id BLOB PRIMARY KEY, rank BLOB, segment INT, frame INT, line INT, state INT)
WITHOUT ROWID;
CREATE TABLE wanted(id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE staged(id BLOB PRIMARY KEY, rank BLOB) WITHOUT ROWID;
"""
_KEEP_GREATER = """
INSERT INTO latest VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET rank = excluded.rank,
segment = excluded.segment, frame = excluded.frame, line = excluded.line, state = excluded.state
WHERE excluded.rank > rank
"""
_TO_DO = f"""
FROM latest WHERE state = ? AND (? OR id IN (SELECT id FROM wanted))
AND NOT EXISTS (SELECT 1 FROM staged WHERE staged.id = latest.id
AND substr(staged.rank, 1, {_SAME_ARTICLE_BYTES}) = substr(latest.rank, 1, {_SAME_ARTICLE_BYTES}))
"""  # noqa: S608  # a constant of ours


class Counts(NamedTuple):
    """Articles of the history that are not taken down; of those wanted, how many `up_to_date` and `to_do`."""

    articles: int
    wanted: int
    up_to_date: int
    to_do: int


class _Place(NamedTuple):
    """Line `line` of the frame that ends at `frame` in a segment."""

    segment: int
    frame: int
    line: int


class ArchiveRewritten(RuntimeError):
    """The archive is no longer what it was when it was read first."""


class LatestArticles:
    """`versions` are what makes articles now: one that was made by these is up to date."""

    def __init__(self, path: Path, archive_dir: Path, versions: Mapping[str, str]) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._archive_dir = archive_dir
        self._versions = dict(versions)
        self._everything = True
        self._state = _OUTDATED
        self._table = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # It is made anew by each run: nothing of it needs to survive.
        self._table.execute("PRAGMA journal_mode = OFF")
        self._table.execute("PRAGMA synchronous = OFF")
        self._table.executescript(_TABLES)

    def read(self, progress: Callable[[int], None]) -> ArchiveReader:
        """Read the archive to its present end; return the reader. `progress` gets the bytes that are left."""
        reader = ArchiveReader(self._archive_dir)
        rows = self._rows(reader)
        while batch := list(islice(rows, _BATCH_RECORDS)):
            self._write(_KEEP_GREATER, batch)
            progress(reader.remaining_bytes())
        return reader

    def _rows(self, reader: ArchiveReader) -> Iterator[tuple[bytes, bytes, int, int, int, int]]:
        for place, line in _placed(reader):
            try:
                stamp = Stamp.model_validate_json(line)
                rank = stamp.rank
            except ValidationError:
                reader.damaged_records += 1
            except OverflowError:
                continue  # which the index cannot hold either
            else:
                yield bytes.fromhex(stamp.article_id), _packed(rank), *place, self._state_of(stamp)

    def _state_of(self, stamp: Stamp) -> int:
        if stamp.retracted:
            return _RETRACTED
        made_by = stamp.versions
        same = all(made_by.get(part) == version for part, version in self._versions.items())
        return _UP_TO_DATE if same else _OUTDATED

    def want_only(self, article_ids: Iterable[str]) -> None:
        """Leave all other articles out."""
        self._everything = False
        ids = ((bytes.fromhex(article_id),) for article_id in article_ids)
        while batch := list(islice(ids, _BATCH_RECORDS)):
            self._write("INSERT OR IGNORE INTO wanted VALUES(?)", batch)

    def want_all_versions(self) -> None:
        """Want articles that are up to date, too."""
        self._table.execute("UPDATE latest SET state = ? WHERE state = ?", (_OUTDATED, _UP_TO_DATE))

    def leave_out_staged(self, reader: ArchiveReader) -> None:
        """Leave out articles that are in there in the revision they have now."""
        lines = reader.lines()
        while batch := list(islice(lines, _BATCH_RECORDS)):
            stamps = map(Stamp.model_validate_json, batch)
            rows = [(bytes.fromhex(stamp.article_id), _packed(stamp.rank)) for stamp in stamps]
            self._write("INSERT OR REPLACE INTO staged VALUES(?, ?)", rows)

    def staged_elsewhere(self) -> bool:
        """Whether something is staged that this archive never had: it is another, or was rewritten, since."""
        query = f"""
            SELECT 1 FROM staged LEFT JOIN latest USING (id) WHERE latest.id IS NULL
            OR substr(latest.rank, 1, {_SAME_ARTICLE_BYTES}) < substr(staged.rank, 1, {_SAME_ARTICLE_BYTES})
        """  # noqa: S608  # a constant of ours
        return self._table.execute(query).fetchone() is not None

    def forget_staged(self) -> None:
        self._table.execute("DELETE FROM staged")

    def _write(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        self._table.execute("BEGIN")
        self._table.executemany(statement, rows)
        self._table.execute("COMMIT")

    def counts(self) -> Counts:
        def count(states: str) -> int:
            wanted = "(? OR id IN (SELECT id FROM wanted))"
            query = f"SELECT count(*) FROM latest WHERE state IN ({states}) AND {wanted}"  # noqa: S608
            return int(self._table.execute(query, (self._everything,)).fetchone()[0])

        articles = self._table.execute("SELECT count(*) FROM latest WHERE state > 0").fetchone()[0]
        to_do = self._table.execute("SELECT count(*) " + _TO_DO, (_OUTDATED, self._everything)).fetchone()[0]
        return Counts(int(articles), count("1, 2"), count("2"), int(to_do))

    def lines(self) -> Iterator[bytes]:
        """Yield the archived lines of the articles to do, in the archive's order.

        Raises ArchiveRewritten when a line has gone from where it was.
        """
        rows = self._table.execute(
            "SELECT id, segment, frame, line " + _TO_DO + " ORDER BY segment, frame, line",
            (_OUTDATED, self._everything),
        )
        row = rows.fetchone()
        if row is None:
            return
        for place, line in _placed(ArchiveReader(self._archive_dir, Position(row[1], 0))):
            if place > row[1:]:
                break
            if place < row[1:]:
                continue
            if b'"%b"' % row[0].hex().encode() not in line[:1000]:
                break
            yield line
            row = rows.fetchone()
            if row is None:
                return
        raise ArchiveRewritten("the archive was rewritten while it was read")

    def close(self) -> None:
        self._table.close()
        with suppress(OSError):
            self._path.unlink()


def _placed(reader: ArchiveReader) -> Iterator[tuple[_Place, bytes]]:
    """Yield each line with its place; the reader's position is where the line's frame ends."""
    frame, number = None, 0
    for line in reader.lines():
        if reader.position != frame:
            frame, number = reader.position, 0
        yield _Place(*frame, number), line
        number += 1


def _packed(rank: Rank) -> bytes:
    epoch, final, revision, *times = rank
    return _RANK.pack(epoch, final, revision, *(at + _SIGN for at in times))
