"""The command as people use it, against an ingest whose answers a test chooses."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from services.cli.imports import running
from services.cli.imports.mail import read_eml
from services.cli.imports.state import FILE
from tests.cli.imports.archives import TakesAll, gzipped, page_record
from tests.support import eventually

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def taker(api: Any) -> TakesAll:
    api.answer = TakesAll()
    return api.answer


def _wire(path: Path, count: int, first: int = 0) -> Path:
    lines = (json.dumps({"id": str(number), "title": f"title {number}"}) for number in range(first, count))
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_an_archive_is_imported_through_the_door_file(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzipped(page_record(number) for number in range(3)))
    done = wireroom("import", str(path), "--ingest-url", api.url)
    assert done.code == 0 and "3 accepted" in done.out
    assert [article["source"] for article in taker.articles] == ["news.example"] * 3
    assert api.requests[0].query == {"door": ["file"]}


def test_what_is_done_is_not_sent_again_unless_asked(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    path = _wire(tmp_path / "wire.ndjson", 10)
    assert wireroom("import", str(path), "--ingest-url", api.url).code == 0
    again = wireroom("import", str(path), "--ingest-url", api.url)
    assert again.code == 0 and "imported before" in again.out and len(api.requests) == 1
    wireroom("import", str(path), "--ingest-url", api.url, "--restart")
    assert len(api.requests) == 2
    wireroom("import", str(path), "--ingest-url", api.url, "--source", "Another")
    assert len(api.requests) == 3
    _wire(path, 11)
    wireroom("import", str(path), "--ingest-url", api.url)
    assert len(api.requests) == 4 and len(taker.articles) == 21


def test_an_import_that_failed_goes_on_where_it_was(
    api: Any, wireroom: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_DOCUMENTS", 10)
    path = tmp_path / "wire.ndjson"
    path.write_bytes(_wire(path, 95).read_bytes() + b"7\n")
    taker = TakesAll()

    def answer(request: Any) -> Any:
        return (500, {"detail": "broken"}) if len(taker.batches) == 4 else taker(request)

    api.answer = answer
    failed = wireroom("import", str(path), "--ingest-url", api.url, "--source", "A", "--json")
    assert failed.code == 1 and failed.json["accepted"] == 40 and not failed.json["finished"]
    assert "broken" in failed.err
    api.answer = taker
    done = wireroom("import", str(path), "--ingest-url", api.url, "--source", "A", "--json")
    assert done.code == 3
    assert (done.json["accepted"], done.json["duplicates"]) == (95, 0)
    assert done.json["skipped"] == {"not an article": 1} and done.json["entries_done_before"] == 40
    assert [article["id"] for article in taker.articles] == [str(number) for number in range(95)]


def test_a_full_pipeline_is_waited_for(api: Any, wireroom: Any, tmp_path: Path) -> None:
    taker = TakesAll()
    answers = iter([(503, {"detail": "full"}, {"retry-after": "0"}), (429, {"detail": "slower"}), None])
    api.answer = lambda request: next(answers, None) or taker(request)
    done = wireroom("import", str(_wire(tmp_path / "wire.ndjson", 5)), "--ingest-url", api.url)
    assert done.code == 0 and len(api.requests) == 3 and "the pipeline is full" in done.err


def test_duplicates_that_may_be_our_own_are_told(api: Any, wireroom: Any, tmp_path: Path) -> None:
    taker = TakesAll()

    def half_then_all(request: Any) -> Any:
        done = taker(request)
        return (503, {"detail": "taken, and not answered"}) if len(taker.batches) == 1 else done

    api.answer = half_then_all
    done = wireroom("import", str(_wire(tmp_path / "wire.ndjson", 5)), "--ingest-url", api.url, "--json")
    assert done.code == 0 and done.json["duplicates"] == 5
    assert done.json["duplicates_of_batches_sent_again"] == 5


def test_what_ingest_rejects_is_counted_by_reason(api: Any, wireroom: Any, tmp_path: Path) -> None:
    def answer(request: Any) -> Any:
        results = [
            {"line": line, "status": "rejected", "error": f"title has {line:,} characters"}
            for line in range(1, len(request.lines) + 1)
        ]
        return 200, {"results": results}

    api.answer = answer
    report = tmp_path / "report.json"
    path = _wire(tmp_path / "wire.ndjson", 1_200)
    done = wireroom("import", str(path), "--ingest-url", api.url, "--report", str(report))
    assert done.code == 3 and "rejected 1,200  title has … characters" in done.out
    told = json.loads(report.read_text())
    assert told["rejected"] == {"title has … characters": 1_200}
    assert len(told["examples"]["title has … characters"]) == 5


def test_a_folder_is_read_in_order_and_links_do_not_lead_out_of_it(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "folder"
    (folder / "b").mkdir(parents=True)
    (folder / "b" / "2.html").write_text("<html>two")
    (folder / "a.txt").write_text("one")
    (folder / "c.eml").write_text("Subject: three\nFrom: a@b.example\n\nthree\n")
    (folder / "notes.xyz").write_text("what?")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "within.txt").symlink_to(folder / "a.txt")
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.txt")
    done = wireroom("import", str(folder), "--ingest-url", api.url, "--source", "Me", "--json")
    assert done.code == 0 and done.json["accepted"] == 3 and done.json["duplicates"] == 1
    texts = [article.get("body") or article.get("html") for article in taker.articles]
    assert texts == ["one", "<html>two", "three\n"] and "secret" not in json.dumps(taker.articles)
    assert done.json["passed_over"]["link out of the folder"] == 1
    (folder / "0.txt").write_text("new")
    again = wireroom("import", str(folder), "--ingest-url", api.url, "--source", "Me", "--json")
    assert (again.json["accepted"], again.json["files_done_before"]) == (1, 4)


def test_a_folder_of_one_format_needs_no_suffixes_and_names_are_bytes(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "maildir"
    folder.mkdir()
    (folder / "1.host:2,S").write_text("Subject: one\nFrom: a@b.example\n\none\n")
    Path(os.fsdecode(os.fsencode(folder) + b"/2-\xff.eml")).write_text("no text at all\0")
    done = wireroom("import", str(folder), "--format", "eml", "--ingest-url", api.url)
    assert done.code == 0 and len(taker.articles) == 2
    Path(os.fsdecode(os.fsencode(folder) + b"/3-\xff.txt")).write_text("")
    again = wireroom("import", str(folder), "--ingest-url", api.url, "--json")
    assert again.code == 3 and "3-\ufffd.txt" in again.json["examples"]["empty"][0]["origin"]


def test_a_reader_that_stumbles_costs_its_file_only_and_that_is_tried_again(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumbles(*_: Any) -> Any:
        raise ZeroDivisionError("of a bug")

    monkeypatch.setattr("services.cli.imports.formats.read_eml", stumbles)
    (tmp_path / "a.eml").write_text("Subject: one\nFrom: a@b.example\n\none\n")
    paths = (str(tmp_path / "a.eml"), str(_wire(tmp_path / "good.ndjson", 1)))
    done = wireroom("import", *paths, "--ingest-url", api.url)
    assert done.code == 3 and "of a bug" in done.out and len(taker.articles) == 1
    monkeypatch.setattr("services.cli.imports.formats.read_eml", read_eml)
    again = wireroom("import", *paths, "--ingest-url", api.url)
    assert again.code == 0 and "1 accepted" in again.out and "1 file was imported before" in again.out


def test_a_report_that_cannot_be_written_is_told_before_anything_is_sent(
    api: Any, wireroom: Any, tmp_path: Path
) -> None:
    path = _wire(tmp_path / "wire.ndjson", 1)
    done = wireroom("import", str(path), "--ingest-url", api.url, "--report", str(tmp_path / "no" / "r.json"))
    assert done.code == 1 and "cannot write the report" in done.err and api.requests == []


def test_damage_is_told_and_the_exit_code_says_so(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzipped(page_record(number) for number in range(3))[:-30])
    done = wireroom("import", str(path), "--ingest-url", api.url)
    assert done.code == 3 and len(taker.articles) == 2
    assert "cut off" in done.out and "crawl.warc.gz" in done.out


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.ndjson", b"", "empty"),
        ("empty.warc.gz", gzip.compress(b""), "empty"),
        ("noise", bytes(range(256)) * 99, "binary"),
        ("table.csv", b"a,b\n1,2\n", "no known column"),
    ],
)
def test_a_file_that_gives_nothing_is_told(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / name).write_bytes(content)
    good = _wire(tmp_path / "good.ndjson", 1)
    done = wireroom("import", str(tmp_path / name), str(good), "--ingest-url", api.url, "--json")
    assert done.code == 3 and done.json["skipped"] == {reason: 1} and done.json["accepted"] == 1


def test_a_pipe_is_read_once_with_its_format_or_by_its_start(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, write = os.pipe()
    os.write(write, b"title,body\nA,B\n")
    os.close(write)
    kept = os.dup(0)
    os.dup2(read, 0)
    try:
        done = wireroom("import", "-", "--format", "csv", "--ingest-url", api.url)
    finally:
        os.dup2(kept, 0)
        os.close(kept)
        os.close(read)
    assert done.code == 0 and taker.articles == [{"title": "A", "body": "B"}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--format", "docx"),
        ("--map", "heading=title"),
        ("--map", "title"),
        ("--encoding", "base64"),
        ("--encoding", "x"),
    ],
)
def test_usage_that_makes_no_sense_is_refused(
    wireroom: Any, tmp_path: Path, arguments: tuple[str, str]
) -> None:
    assert wireroom("import", str(_wire(tmp_path / "w.ndjson", 1)), *arguments).code == 2


def test_a_path_that_is_missing_stops_before_anything_is_sent(
    api: Any, wireroom: Any, tmp_path: Path
) -> None:
    path = _wire(tmp_path / "wire.ndjson", 1)
    done = wireroom("import", str(path), str(tmp_path / "nope.warc"), "--ingest-url", api.url)
    assert done.code == 1 and "does not exist" in done.err and api.requests == []


def test_a_memory_that_is_broken_is_told_and_the_import_works(
    api: Any, taker: TakesAll, wireroom: Any, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / FILE).write_bytes(b"not a database at all" * 100)
    path = _wire(tmp_path / "wire.ndjson", 3)
    done = wireroom("import", str(path), "--ingest-url", api.url, "--data-dir", str(tmp_path / "data"))
    assert done.code == 0 and len(taker.articles) == 3 and "cannot be used" in done.err


def _start(path: Path, url: str, data_dir: Path, *arguments: str) -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", "services.cli", "import", str(path), "--ingest-url", url)
    return subprocess.Popen(
        (*argv, "--data-dir", str(data_dir), *arguments),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.process
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=str)
async def test_an_import_stopped_at_any_moment_goes_on_and_sends_little_twice(
    api: Any, tmp_path: Path, number: signal.Signals
) -> None:
    taker = TakesAll()
    sent = 0

    def slowly(request: Any) -> Any:
        nonlocal sent
        sent += len(request.lines)
        time.sleep(0.05)
        return taker(request)

    api.answer = slowly
    path = _wire(tmp_path / "wire.ndjson", 8_000)
    process = _start(path, api.url, tmp_path / "data")
    await eventually(lambda: len(taker.batches) >= 4, within_s=30)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == (130 if number is signal.SIGINT else -number)
    if number is signal.SIGINT:
        assert b"goes on from here" in out and b"Traceback" not in err
    assert len(taker.articles) < 8_000
    with sqlite3.connect(tmp_path / "data" / FILE) as database:
        ((settled, complete),) = database.execute("SELECT settled, complete FROM imports").fetchall()
    assert 0 < settled <= len(taker.articles) and not complete
    process = _start(path, api.url, tmp_path / "data", "--json")
    out, _ = process.communicate(timeout=120)
    told = json.loads(out)
    assert process.returncode == 0 and told["accepted"] + told["duplicates"] == 8_000
    assert [article["id"] for article in taker.articles] == [str(number) for number in range(8_000)]
    assert sent <= 8_000 + running.BATCH_DOCUMENTS


def test_lines_tell_how_far_it_is_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    from services.cli.imports.telling import Pace, duration

    shown = io.StringIO()
    pace = Pace(200_000_000, 0.0, lambda found: print(found.words(), file=shown), time.monotonic() - 10)
    pace.reading(1_000_000)
    pace.sent(500)
    pace.reading(50_000_000)
    assert "25% of 200 MB, 500 articles" in shown.getvalue() and "left" in shown.getvalue()
    assert [duration(seconds) for seconds in (7, 307, 3907)] == ["0:07", "5:07", "1:05:07"]
