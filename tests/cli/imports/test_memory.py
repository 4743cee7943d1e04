"""Memory does not grow with the archive: 60 MB here; `python -m bench.importing` takes a gigabyte."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import brotli
import pytest

from bench.archives import write_warc
from services.cli.imports.entries import MAX_ENTRY_BYTES
from tests.cli.imports.archives import TakesAll, response
from tests.conftest import ROOT

MAX_PEAK_MB = 120
# Tells of itself once it is done: what a parent can ask for afterwards counts the parent's memory in.
COMMAND = """
import json, sys
from services.cli.app import run
code = run(sys.argv[1:])
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(peak, file=sys.stderr)
sys.exit(code)
"""


def _import(api: Any, tmp_path: Path, path: Path) -> tuple[dict[str, Any], float]:
    """Import `path` in a process of its own; return its report and its peak of memory in MB."""
    taker = TakesAll()

    def answer(request: Any) -> Any:
        done = taker(request)
        taker.articles.clear()
        return done

    api.answer = answer
    argv = ["import", str(path), "--ingest-url", api.url, "--data-dir", str(tmp_path / "data"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *argv],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode in (0, 3), done.stderr
    peak_kb = int(done.stderr.rpartition("VmHWM:")[2].split()[0])
    return json.loads(done.stdout), peak_kb * 1_024 / 1e6


@pytest.mark.process
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_an_archive_of_60_mb_is_imported_in_little_memory(api: Any, tmp_path: Path, compressed: bool) -> None:
    path = tmp_path / "archive.warc"
    pages = write_warc(path, (15 if compressed else 60) * 1_000_000, compressed=compressed)
    report, peak_mb = _import(api, tmp_path, path)
    assert report["accepted"] == pages and peak_mb < MAX_PEAK_MB


@pytest.mark.process
def test_files_made_to_hurt_take_little_memory_too(api: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    largest = MAX_ENTRY_BYTES - 100_000
    page = "\N{ROCKET}".encode() * (largest // 4)
    html = [("Content-Type", "text/html")]
    bomb = brotli.compress(b" " * (64 << 20), quality=1)
    (folder / "a.warc").write_bytes(
        b"".join(
            [response(f"https://a.example/{number}", page, headers=html) for number in range(4)]
            + [response("https://a.example/b", bomb, headers=[*html, ("Content-Encoding", "br")])] * 3
        )
    )
    (folder / "b.csv.gz").write_bytes(gzip.compress(b"title,body\n" + b"x" * (64 << 20) + b",y\nA,B\n", 1))
    (folder / "c.ndjson.gz").write_bytes(
        gzip.compress(b'{"title":"' + b"x" * (64 << 20) + b'"}\n{"title":"C"}', 1)
    )
    mail = b"From a@b.example Mon May  6 07:08:09 2024\nSubject: s\nFrom: a@b.example\n"
    mail += b'Content-Type: multipart/mixed; boundary="x"\n\n--x\n\ntext\n--x\nContent-Type: image/png\n'
    mail += b"Content-Transfer-Encoding: base64\n\n" + (b"A" * 76 + b"\n") * (largest // 78) + b"--x--\n\n"
    (folder / "d.mbox").write_bytes(mail * 4)
    (folder / "e.txt").write_bytes(page)
    report, peak_mb = _import(api, tmp_path, folder)
    assert report["accepted"] + report["duplicates"] == 4 + 1 + 1 + 4 + 1, report
    assert report["skipped"] == {"too large": 5}
    assert peak_mb < 300, peak_mb
