"""What `wireroom import` takes: time and memory for a web archive made here, into a Wireroom started here.

    PYTHONPATH=. .venv/bin/python -m bench.importing [--megabytes 1000] [--gzip] [--workers 2] [--read-only]

The archive is read, sent, enriched and indexed; the import waits whenever the pipeline is full. Prints one
JSON object: pages, seconds until all were accepted and until all were searchable, and the most memory that
each process ever held (VmHWM), in megabytes. With --read-only nothing is sent: it tells what a CPU-second
reads and converts, and what it passes over of what is settled.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2

from bench.archives import write_warc
from bench.failures import BenchFailed
from bench.processes import ROOT, environment, running, wait_ready
from services.cli.documents import Document
from services.cli.imports.byte_source import ByteSource
from services.cli.imports.entries import Options
from services.cli.imports.formats import entries_of
from services.supervisor.ports import free_port

MB = 1_000_000
SEARCHABLE_TIMEOUT_S = 3_600.0


def peak_memory_mb(pid: int) -> float | None:
    """Return the most memory that a process held so far, None when it is gone."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return round(found[0] * 1024 / MB, 1) if found else None


def reading(path: Path, *, convert: bool) -> dict[str, float]:
    """Return pages (or records passed over) and megabytes of the file for each second of CPU."""
    started, entries = time.process_time(), 0
    with path.open("rb") as file:
        for entry in entries_of(ByteSource(file), path.name, None, Options()):
            entries += not convert or isinstance(entry.read(), Document)
    cpu_s = time.process_time() - started
    return {
        "entries_per_cpu_s": round(entries / cpu_s),
        "mb_per_cpu_s": round(path.stat().st_size / MB / cpu_s, 1),
    }


def run_import(path: Path, ingest_url: str, data_dir: Path, env: dict[str, str]) -> dict[str, Any]:
    """Import `path` and return the report, with the seconds and the peak of memory that it took."""
    argv = [sys.executable, "-m", "services.cli", "import", str(path), "--ingest-url", ingest_url]
    argv += ["--data-dir", str(data_dir), "--json"]
    started = time.monotonic()
    peak: float | None = None
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=out, stderr=sys.stderr)
        while process.poll() is None:
            peak = peak_memory_mb(process.pid) or peak
            time.sleep(0.05)
        out.seek(0)
        text = out.read()
    if process.returncode != 0:
        raise BenchFailed(f"the import left with {process.returncode}: {text[-2_000:].decode()}")
    report: dict[str, Any] = json.loads(text)
    return report | {"wall_s": round(time.monotonic() - started, 1), "peak_mb": peak}


def wait_until_searchable(index_url: str, count: int) -> None:
    """Raises BenchFailed when the index stops growing before it holds `count` articles."""
    deadline = time.monotonic() + SEARCHABLE_TIMEOUT_S
    while time.monotonic() < deadline:
        page = httpx2.get(f"{index_url}/v1/search", params={"q": "", "size": 1, "count": "exact"}, timeout=30)
        if page.status_code == httpx2.codes.OK and page.json()["total"] >= count:
            return
        time.sleep(0.5)
    raise BenchFailed(f"not all of the {count} pages became searchable")


def reading_of(path: Path) -> dict[str, Any]:
    return {"converted": reading(path, convert=True), "passed_over": reading(path, convert=False)}


def importing_of(path: Path, home: Path, pages: int, workers: int) -> dict[str, Any]:
    """Start a Wireroom in `home`, import `path` into it, and wait until all of it is searchable."""
    ports = {service: free_port() for service in ("ingest", "enrich", "index")}
    urls = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
    env = environment(WIREROOM_DATA_DIR=str(home / "data"))
    argv = [sys.executable, "-m", "services.cli", "up", "--no-samples", "--data-dir", str(home / "data")]
    argv += ["--enrich-workers", str(workers)]
    for service, port in ports.items():
        argv += [f"--{service}-port", str(port)]
    with running("up", argv, env, home) as stack:
        for url in urls.values():
            wait_ready(f"{url}/readyz", stack, "up", home)
        started = time.monotonic()
        report = run_import(path, urls["ingest"], home / "data", env)
        wait_until_searchable(urls["index"], pages)
        searchable_s = time.monotonic() - started
        pids = json.loads((home / "data" / "run.json").read_text(encoding="utf-8"))["pids"]
        peaks = {service: peak_memory_mb(pid) for service, pid in pids.items()}
    return {
        "accepted": report["accepted"],
        "duplicates_of_batches_sent_again": report["duplicates_of_batches_sent_again"],
        "accepted_s": report["wall_s"],
        "searchable_s": round(searchable_s, 1),
        "pages_per_s": round(pages / searchable_s, 1),
        "import_peak_mb": report["peak_mb"],
        "peaks_mb": peaks,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1_000)
    parser.add_argument("--gzip", action="store_true", help="each record in a gzip member of its own")
    parser.add_argument("--workers", type=int, default=2, help="enrich processes")
    parser.add_argument("--read-only", action="store_true", help="read and convert only, in this process")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wireroom-importing-") as name:
        home = Path(name)
        path = home / ("archive.warc.gz" if wanted.gzip else "archive.warc")
        pages = write_warc(path, wanted.megabytes * MB, compressed=wanted.gzip)
        figures = reading_of(path) if wanted.read_only else importing_of(path, home, pages, wanted.workers)
        size = {"archive_mb": round(path.stat().st_size / MB, 1), "pages": pages}
    print(json.dumps(size | figures, indent=1))


if __name__ == "__main__":
    main()
