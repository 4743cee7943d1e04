from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from services.supervisor.instance import (
    RUN_FILE,
    Instance,
    forget_instance,
    owned_data_dir,
    read_instance,
    write_instance,
)
from shared.errors import ConfigurationError


def _instance(data_dir: Path, pid: int) -> Instance:
    return Instance(
        pid=pid, started_at="2026-01-01T00:00:00+00:00", data_dir=str(data_dir), ingest_url="http://i",
        enrich_url="http://e", index_url="http://x", redis_url="redis://r", pids={"ingest": 1},
    )  # fmt: skip


def test_what_runs_is_read_back_and_private(tmp_path: Path) -> None:
    written = _instance(tmp_path, os.getpid())
    write_instance(written)
    assert read_instance(tmp_path) == written
    assert stat.S_IMODE((tmp_path / RUN_FILE).stat().st_mode) == 0o600
    forget_instance(tmp_path)
    assert read_instance(tmp_path) is None


def test_a_supervisor_that_is_gone_does_not_run(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    write_instance(_instance(tmp_path, gone.pid))
    assert read_instance(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"pid": 1, "surprise": 2}'])
def test_a_damaged_run_file_is_no_instance(tmp_path: Path, content: str) -> None:
    (tmp_path / RUN_FILE).write_text(content)
    assert read_instance(tmp_path) is None


def test_a_data_directory_has_one_owner_at_a_time(tmp_path: Path) -> None:
    data_dir = tmp_path / "new" / "data"
    with (
        owned_data_dir(data_dir),
        pytest.raises(ConfigurationError, match=f"already runs.*{os.getpid()}"),
        owned_data_dir(data_dir),
    ):
        pass
    with owned_data_dir(data_dir):
        pass


def test_a_killed_owner_lets_go(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from services.supervisor.instance import owned_data_dir\n"
        "with owned_data_dir(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "held\n"
        owner.kill()
    with owned_data_dir(tmp_path):
        pass


def test_a_place_that_cannot_be_a_directory_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="--data-dir"), owned_data_dir(tmp_path / "file" / "data"):
        pass
