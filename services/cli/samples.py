"""The sample wire of `wireroom up`: submitted, waited for, and searched once, as a newcomer would."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.client import ServiceClient
from services.cli.documents import Overrides, documents_in
from services.cli.submission import send_all, wait_until_searchable

TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class SampleRun:
    """`seconds` run from the first byte submitted until every sample was searchable."""

    accepted: int
    searchable: int
    lost: int
    seconds: float
    query: str
    total: int
    search_ms: float
    hit: dict[str, Any] | None


def run_samples(ingest: ServiceClient, index: ServiceClient, path: Path) -> SampleRun:
    started = time.monotonic()
    with path.open("rb") as file:
        summary = send_all(ingest, documents_in(file, path.name, Overrides()))
    arrival = wait_until_searchable(ingest, summary.ids, TIMEOUT_S)
    seconds = time.monotonic() - started
    query = _telling_query(index.json("GET", "/v1/search", params={"q": "", "size": 1, "facets": "entities"}))
    searched = time.monotonic()
    page = index.json("GET", "/v1/search", params={"q": query, "size": 1})
    return SampleRun(
        accepted=summary.count("accepted"),
        searchable=arrival.searchable,
        lost=len(summary.ids) - arrival.searchable + len(summary.rejected),
        seconds=seconds,
        query=query,
        total=int(page.get("total") or 0),
        search_ms=(time.monotonic() - searched) * 1000,
        hit=next(iter(page.get("hits") or []), None),
    )


def _telling_query(page: dict[str, Any]) -> str:
    """Return a query that finds something: the person most articles name, else whatever they name most."""
    named = (page.get("facets") or {}).get("entities") or []
    people = [row for row in named if str(row.get("value", "")).startswith("PERSON:")]
    best = next(iter(people or named), None)
    return str(best.get("label") or best["value"]) if best is not None else ""
