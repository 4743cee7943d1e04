"""What `wireroom re-enrich` has made waits in a directory that any crash leaves in the state of a save."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.index.archive import ArchiveLocked, archive_line
from services.index.staging import Run, Staging, discard, read_run
from tests.index.articles import NOW, article_id, enriched

RUN = Run(id="0" * 32, purpose={"query": None})


def lines(*keys: str) -> list[bytes]:
    return [archive_line(enriched(key), NOW) for key in keys]


def staged(staging: Staging) -> list[str]:
    return [record.event.article_id for record in staging.read()]


def test_what_was_staged_after_the_latest_save_is_cut_off(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.begin(RUN)
    staging.append(lines("a"))
    staging.append(lines("b"))
    staging.save({"articles": 2})
    staging.append(lines("c"))
    staging.close()  # as a kill leaves it: appended and not saved
    again = Staging(tmp_path)
    assert again.run is not None and again.run.report == {"articles": 2} and not again.run.complete
    again.resume(again.run)
    assert staged(again) == [article_id("a"), article_id("b")]
    again.append(lines("d"))
    again.save({"articles": 3}, complete=True)
    assert staged(again)[-1] == article_id("d")
    again.close()
    found = read_run(tmp_path)
    assert found is not None and found.complete and found.id == RUN.id


def test_a_run_that_was_never_saved_is_resumed_empty(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.begin(RUN)
    staging.append(lines("a"))
    staging.resume(RUN)
    assert staged(staging) == []
    staging.close()


def test_beginning_anew_forgets_what_was_staged(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.begin(RUN)
    staging.append(lines("a"))
    staging.save({})
    staging.begin(RUN.model_copy(update={"id": "1" * 32}))
    assert staged(staging) == []
    staging.close()
    found = read_run(tmp_path)
    assert found is not None and found.id == "1" * 32


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    with pytest.raises(ArchiveLocked):
        Staging(tmp_path)
    with pytest.raises(ArchiveLocked):
        discard(tmp_path)
    staging.close()


def test_discarding_leaves_nothing(tmp_path: Path) -> None:
    staging = Staging(tmp_path)
    staging.begin(RUN)
    staging.close()
    assert discard(tmp_path)
    assert not discard(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{", '{"id": "no hex", "purpose": {}}'])
def test_a_run_file_that_cannot_be_read_is_no_run(tmp_path: Path, content: str) -> None:
    (tmp_path / "re-enrich").mkdir()
    (tmp_path / "re-enrich" / "run.json").write_text(content)
    assert read_run(tmp_path) is None
