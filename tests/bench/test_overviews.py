"""The measuring of timeline, stories and trends runs, on an index too small to tell anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import overviews
from bench.search import build
from services.index.engine.tantivy_engine import TantivyEngine


def test_each_kind_of_question_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(overviews, "QUESTIONS", 2)
    monkeypatch.setattr(overviews, "WHOLE_CORPUS", 2)
    engine = TantivyEngine(tmp_path)
    try:
        build(engine, 40)
        overviews.run(engine)
    finally:
        engine.close()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 * len(overviews.kinds(engine.aggregations)) + 2
    assert all("p99" in line for line in lines)
