"""Ids that match a query, read from the index's files beside its service."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.index import selection
from services.index.engine.protocol import IndexUnusable
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import QuerySyntaxError
from services.index.selection import matching_ids
from tests.index.articles import NOW, article_id, enriched, minutes, retracted


def test_all_that_match_are_found_beside_the_running_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_PAGE", 3)
    engine = TantivyEngine(tmp_path)
    events = [enriched(f"m{n}", "Storm over Quito", received_at=NOW - minutes(n)) for n in range(10)]
    engine.upsert_many([*events, enriched("other", "Calm")], NOW)
    engine.commit()
    engine.upsert_many([retracted("m4"), enriched("m5", "Calm again", revision=2)], NOW)
    engine.commit()
    assert list(matching_ids(tmp_path, "storm quito")) == [
        article_id(f"m{n}") for n in range(10) if n not in (4, 5)
    ]
    assert len(list(matching_ids(tmp_path, ""))) == 10
    assert list(matching_ids(tmp_path, "nowhere")) == []
    engine.close()


def test_a_faulty_query_is_refused_rather_than_read_around(tmp_path: Path) -> None:
    TantivyEngine(tmp_path).close()
    with pytest.raises(QuerySyntaxError):
        list(matching_ids(tmp_path, "storm AND"))


def test_without_an_index_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexUnusable, match="no index"):
        list(matching_ids(tmp_path, "storm"))
