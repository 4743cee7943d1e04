"""How saved searches stand in their table, and their filters in JSON."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from pydantic_core import from_json, to_json

from services.index.engine.protocol import VALUE_FILTERS, Filters
from services.index.saved_searches.records import Health, SavedSearch, optional_instant
from shared.instants import microseconds_of

_COLUMNS: Final = (
    "key, id, name, q, filters, webhook_url, secret, old_secret, old_secret_until, status, reason, "
    "created_at, updated_at"
)


def read_all(connection: sqlite3.Connection) -> list[SavedSearch]:
    """Return all, in the order in which they were made."""
    rows = connection.execute(f"SELECT {_COLUMNS} FROM searches ORDER BY key").fetchall()
    return [_from_row(row) for row in rows]


def insert(connection: sqlite3.Connection, search: SavedSearch) -> int:
    """Write a new search, and return its key."""
    values = _to_row(search)
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    cursor = connection.execute(f"INSERT INTO searches({names}) VALUES({marks})", tuple(values.values()))
    assert cursor.lastrowid is not None  # noqa: S101  # of an INSERT that did not raise
    return cursor.lastrowid


def update(connection: sqlite3.Connection, search: SavedSearch) -> None:
    values = _to_row(search)
    pairs = ", ".join(f"{name} = ?" for name in values)
    connection.execute(
        f"UPDATE searches SET {pairs} WHERE key = ?",
        (*values.values(), search.key),
    )


def delete(connection: sqlite3.Connection, search: SavedSearch) -> None:
    for table in ("matches", "messages", "deliveries"):
        connection.execute(f"DELETE FROM {table} WHERE search = ?", (search.key,))
    connection.execute("DELETE FROM searches WHERE key = ?", (search.key,))


def forget_failures(connection: sqlite3.Connection, search: SavedSearch) -> None:
    connection.execute(
        "UPDATE searches SET failures = 0, failing_since = NULL, not_before = NULL WHERE key = ?",
        (search.key,),
    )
    connection.execute(
        "UPDATE messages SET rejections = 0, rejected_at = NULL, due = min(due, ?) "
        "WHERE search = ? AND state = 0",
        (microseconds_of(search.updated_at), search.key),
    )


def failing(connection: sqlite3.Connection) -> dict[int, Health]:
    """Return how the receivers do that have failed lately, by the search's key."""
    rows = connection.execute(
        "SELECT key, failures, failing_since, not_before FROM searches WHERE failures > 0"
    ).fetchall()
    return {
        key: Health(failures, optional_instant(since), optional_instant(not_before))
        for key, failures, since, not_before in rows
    }


def filters_document(filters: Filters) -> dict[str, list[str]]:
    """Return the filters as they stand in JSON: a list each."""
    return {name: list(getattr(filters, name)) for name in VALUE_FILTERS}


def filters_from(document: Mapping[str, Any]) -> Filters:
    values: dict[str, Any] = {name: tuple(document.get(name) or ()) for name in VALUE_FILTERS}
    return Filters(**values)


def _to_row(search: SavedSearch) -> dict[str, Any]:
    values = asdict(search)
    del values["key"]
    values["filters"] = to_json(filters_document(search.filters)).decode()
    for name in ("created_at", "updated_at", "old_secret_until"):
        values[name] = None if values[name] is None else microseconds_of(values[name])
    return values


def _from_row(row: tuple[Any, ...]) -> SavedSearch:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["filters"] = filters_from(from_json(values["filters"]))
    for name in ("created_at", "updated_at", "old_secret_until"):
        values[name] = optional_instant(values[name])
    return SavedSearch(**values)
