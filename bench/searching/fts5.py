"""The peer: SQLite's FTS5 with a schema that somebody who knows SQLite would choose for these questions.

External content, so that no text is stored twice; Porter stemming and folded diacritics as we have them;
integers for outlets, entities and dates; indexes that answer by date, by entity and by entity and date.
Commits of the same batches as ours, as durable (WAL, synchronous=FULL); `optimize` and ANALYZE at the end,
256 MB of cache and the file mapped into memory.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from services.index.engine.documents import effective_published_at
from shared.events import ArticleEnriched

_SCHEMA = """
CREATE TABLE article (
    rowid INTEGER PRIMARY KEY, id TEXT UNIQUE, title TEXT, body TEXT, url TEXT, outlet INTEGER,
    language TEXT, published INTEGER, tone REAL, label TEXT, topic INTEGER, story TEXT
);
CREATE INDEX article_published ON article (published);
CREATE INDEX article_outlet ON article (outlet, published);
CREATE VIRTUAL TABLE words USING fts5 (
    title, body, content='article', content_rowid='rowid', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TABLE entity (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE outlet (number INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE mention (article INTEGER, entity INTEGER, PRIMARY KEY (article, entity)) WITHOUT ROWID;
CREATE TABLE named (entity INTEGER, published INTEGER, article INTEGER,
    PRIMARY KEY (entity, published, article)) WITHOUT ROWID;
"""
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-262144", "mmap_size=8589934592")
# Matches in a title weigh more, as with us.
_RANK = "bm25(words, 3.0, 1.0)"
_CARD = "a.id, a.title, a.url, o.name, a.published, a.tone, a.label, a.language, substr(a.body, 1, 300)"
_BARE_WORD = re.compile(r"\w+")
MONTH_S = 30 * 86_400

Rows = list[tuple[Any, ...]]


@dataclass(slots=True)
class Fts5:
    """One connection. Texts are words, or phrases in double quotes."""

    connection: sqlite3.Connection
    _entities: dict[str, int] = field(default_factory=dict)
    _outlets: dict[str, int] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Fts5:
        new = not path.exists()
        connection = sqlite3.connect(path)
        for pragma in _PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if new:
            connection.executescript(_SCHEMA)
        peer = cls(connection)
        peer._entities.update(connection.execute("SELECT name, number FROM entity"))
        peer._outlets.update(connection.execute("SELECT name, number FROM outlet"))
        return peer

    def count(self) -> int:
        return int(self.connection.execute("SELECT count(*) FROM article").fetchone()[0])

    def add(self, events: Sequence[ArticleEnriched]) -> None:
        """Write and commit one batch."""
        with self.connection:
            for event in events:
                self._add(event)

    def _add(self, event: ArticleEnriched) -> None:
        article = event.article
        published = int(effective_published_at(article).timestamp())
        row = self.connection.execute(
            "INSERT INTO article VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                article.id,
                article.title,
                article.body,
                article.url,
                self._number("outlet", self._outlets, article.source or ""),
                article.language.code,
                published,
                article.sentiment.score,
                article.sentiment.label,
                int(article.topics[0].code),
                article.story_id,
            ),
        ).lastrowid
        self.connection.execute(
            "INSERT INTO words (rowid, title, body) VALUES (?, ?, ?)", (row, article.title, article.body)
        )
        names = {f"{entity.label}:{entity.canonical}" for entity in article.entities}
        numbers = [self._number("entity", self._entities, name) for name in names]
        self.connection.executemany("INSERT INTO mention VALUES (?, ?)", [(row, n) for n in numbers])
        self.connection.executemany(
            "INSERT INTO named VALUES (?, ?, ?)", [(n, published, row) for n in numbers]
        )

    def _number(self, table: str, known: dict[str, int], name: str) -> int:
        number = known.get(name)
        if number is None:
            number = known[name] = len(known) + 1
            self.connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (number, name))
        return number

    def finish(self) -> None:
        with self.connection:
            self.connection.execute("INSERT INTO words (words) VALUES ('optimize')")
        self.connection.execute("ANALYZE")
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _rows(self, sql: str, *values: Any) -> Rows:
        return self.connection.execute(sql, values).fetchall()

    # --- questions ------------------------------------------------------------------------------

    def ten_hits(self, text: str) -> Rows:
        return self._rows(
            f"SELECT {_CARD} FROM (SELECT rowid, {_RANK} AS score FROM words WHERE words MATCH ?"
            "  ORDER BY score LIMIT 10) AS best"
            " JOIN article AS a ON a.rowid = best.rowid JOIN outlet AS o ON o.number = a.outlet"
            " ORDER BY score",
            fts_text(text),
        )

    def ten_hits_with_snippets(self, text: str) -> Rows:
        # In two steps: in one, snippets would be made of all that match.
        return self._rows(
            f"WITH best AS MATERIALIZED (SELECT rowid AS number, {_RANK} AS score FROM words"
            "  WHERE words MATCH ? ORDER BY score LIMIT 10)"
            f"SELECT {_CARD}, highlight(words, 0, '<mark>', '</mark>'),"
            "  snippet(words, 1, '<mark>', '</mark>', '…', 32)"
            " FROM best CROSS JOIN words ON words.rowid = best.number"
            " JOIN article AS a ON a.rowid = words.rowid JOIN outlet AS o ON o.number = a.outlet"
            " WHERE words MATCH ? ORDER BY score",
            fts_text(text),
            fts_text(text),
        )

    def newest_of_entity(self, text: str, entity: str, start: datetime, end: datetime) -> Rows:
        return self._rows(
            f"SELECT {_CARD} FROM named AS n CROSS JOIN words ON words.rowid = n.article"
            " CROSS JOIN article AS a ON a.rowid = n.article CROSS JOIN outlet AS o ON o.number = a.outlet"
            " WHERE n.entity = ? AND n.published BETWEEN ? AND ? AND words MATCH ?"
            " ORDER BY n.published DESC LIMIT 10",
            self._entities.get(entity, 0), int(start.timestamp()), int(end.timestamp()), fts_text(text),
        )  # fmt: skip

    def newest_before(self, text: str, published: datetime) -> Rows:
        return self._rows(
            f"SELECT {_CARD} FROM words JOIN article AS a ON a.rowid = words.rowid"
            " JOIN outlet AS o ON o.number = a.outlet WHERE words MATCH ? AND a.published < ?"
            " ORDER BY a.published DESC LIMIT 10",
            fts_text(text), int(published.timestamp()),
        )  # fmt: skip

    def top_entities(self, text: str) -> Rows:
        counted = "SELECT m.entity, count(*) AS n FROM mention AS m"
        if text:
            counted += " WHERE m.article IN (SELECT rowid FROM words WHERE words MATCH ?)"
        return self._rows(
            f"SELECT e.name, n FROM ({counted} GROUP BY m.entity ORDER BY n DESC LIMIT 20)"
            " JOIN entity AS e ON e.number = entity",
            *([fts_text(text)] if text else []),
        )

    def histogram(self, text: str) -> Rows:
        counted = f"SELECT published / {MONTH_S} AS month, count(*), avg(tone) FROM article"
        if text:
            counted += " WHERE rowid IN (SELECT rowid FROM words WHERE words MATCH ?)"
        return self._rows(f"{counted} GROUP BY month", *([fts_text(text)] if text else []))


def fts_text(text: str) -> str:
    """Return words and phrases as FTS5 reads them: each quoted, all of them wanted."""
    parts = re.findall(r'"[^"]*"|\S+', text)
    return " ".join(f'"{" ".join(_BARE_WORD.findall(part))}"' for part in parts)
