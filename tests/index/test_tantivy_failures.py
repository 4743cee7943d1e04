"""When Tantivy's writer fails: nothing is lost in silence, and the next delivery succeeds."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tantivy import Document

from services.index.archive import Archive
from services.index.engine.protocol import CommitFailed, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.engine.writing import RevisionedIndex
from tests.index.articles import NOW, article_id, enriched, retracted


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    opened = TantivyEngine(tmp_path)
    opened.upsert_many([enriched("kept", "kept")], NOW)
    opened.commit()
    yield opened
    opened.close()


def index_of(engine: TantivyEngine) -> RevisionedIndex:
    return engine._index


def titles(engine: TantivyEngine) -> list[str]:
    return sorted(hit.card["title"] for hit in engine.search(Query()).hits)


def break_writer(engine: TantivyEngine) -> None:
    """Do what a document of a wrong type does: it kills Tantivy's thread, which shows at the commit."""
    writer = index_of(engine)._writer
    assert writer is not None
    writer.add_document(Document.from_dict({"seq": -1}))


def test_failed_commit_keeps_nothing_and_redelivery_succeeds(engine: TantivyEngine) -> None:
    batch = [enriched("a", "one"), retracted("b"), enriched("kept", "replaced", revision=2)]
    engine.upsert_many(batch, NOW)
    break_writer(engine)
    with pytest.raises(CommitFailed):
        engine.commit()
    assert titles(engine) == ["kept"]
    assert engine.pending == 0
    assert engine.health().ok
    outcomes = [result.outcome for result in engine.upsert_many(batch, NOW)]
    assert outcomes == ["indexed", "retracted", "indexed"]
    engine.commit()
    assert titles(engine) == ["one", "replaced"]


def test_failed_write_keeps_nothing_and_redelivery_succeeds(engine: TantivyEngine) -> None:
    break_writer(engine)
    deadline = time.monotonic() + 5
    with pytest.raises(CommitFailed):
        # The thread dies a moment after it took the document.
        for revision in range(1, 1_000_000):
            engine.upsert_many([enriched("a", "lost", revision=revision)], NOW)
            assert time.monotonic() < deadline, "the dead writer went on taking documents"
    assert engine.health().ok
    engine.upsert_many([enriched("a", "one")], NOW)
    engine.commit()
    assert titles(engine) == ["kept", "one"]


def test_a_writer_that_cannot_be_replaced_is_reported_and_tried_again(
    engine: TantivyEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.upsert_many([enriched("a", "one")], NOW)
    break_writer(engine)
    with monkeypatch.context() as patch:
        # A heap that Tantivy refuses stands in for a full disk.
        patch.setattr("services.index.engine.writing.HEAP_BYTES", 1)
        with pytest.raises(CommitFailed):
            engine.commit()
        assert not engine.health().ok
        assert titles(engine) == ["kept"], "searches go on"
        with pytest.raises(CommitFailed):
            engine.upsert_many([enriched("a", "one")], NOW)
    engine.upsert_many([enriched("a", "one")], NOW)
    engine.commit()
    assert engine.health().ok
    assert titles(engine) == ["kept", "one"]


def test_commit_without_changes_does_nothing(engine: TantivyEngine) -> None:
    before = engine.stats()
    for _ in range(5):
        engine.commit()
    assert engine.stats() == before


_STORE_FOR_EVER = """
import sys
from itertools import count
from pathlib import Path
from services.index.archive import Archive
from services.index.engine.tantivy_engine import TantivyEngine
from tests.index.articles import NOW, enriched

engine, archive = TantivyEngine(Path(sys.argv[1])), Archive(Path(sys.argv[1]))
for number in count(int(sys.argv[2])):
    batch = [enriched(f"{number} {part}") for part in range(5)]
    engine.upsert_many(batch, NOW)
    archive.append(batch, NOW)
    engine.commit()
    print(number, flush=True)
"""


@pytest.mark.process
def test_what_was_committed_survives_a_kill_at_any_moment(tmp_path: Path) -> None:
    reported = -1
    for round_number in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", _STORE_FOR_EVER, str(tmp_path), str(reported + 1)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        ) as child:
            assert child.stdout is not None
            for _ in range(4 + round_number):
                reported = int(child.stdout.readline())
            time.sleep(0.013 * round_number)
            child.kill()
        engine, archive = TantivyEngine(tmp_path), Archive(tmp_path)
        expected = {article_id(f"{n} {part}") for n in range(reported + 1) for part in range(5)}
        assert all(engine.get(key) is not None for key in expected)
        reader = archive.read()
        assert expected <= {record.event.article_id for record in reader}
        assert reader.damaged_frames == 0
        engine.close()
        archive.close()
