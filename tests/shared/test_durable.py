from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shared.durable import FileLock, HeldElsewhere, write_durably


def test_a_file_is_replaced_as_a_whole_and_leaves_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "CURRENT"
    write_durably(path, "index-1\n")
    with path.open(encoding="utf-8") as reader:
        write_durably(path, "index-2\n")
        assert reader.read() == "index-1\n"
    assert path.read_text(encoding="utf-8") == "index-2\n"
    assert [each.name for each in tmp_path.iterdir()] == ["CURRENT"]


@pytest.mark.parametrize(("private", "mode"), [(True, 0o600), (False, 0o644)])
def test_what_is_private_only_its_owner_may_read(tmp_path: Path, private: bool, mode: int) -> None:
    before = os.umask(0o022)
    try:
        write_durably(tmp_path / "key", "secret\n", private=private)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == mode


def test_a_draft_that_a_crash_has_left_is_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("theirs", encoding="utf-8")
    (tmp_path / "key.new").symlink_to(elsewhere)
    write_durably(tmp_path / "key", "secret\n", private=True)
    assert elsewhere.read_text(encoding="utf-8") == "theirs"
    assert (tmp_path / "key").read_text(encoding="utf-8") == "secret\n"


def test_a_lock_is_held_by_one_and_names_its_holder(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "LOCK")
    with pytest.raises(HeldElsewhere) as refused:
        FileLock(tmp_path / "LOCK")
    assert refused.value.holder == str(os.getpid())
    lock.release()
    FileLock(tmp_path / "LOCK").release()
