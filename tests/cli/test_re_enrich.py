"""`wireroom re-enrich`: history through other models, killed, resumed, refused and switched to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.cli.re_enriching import work
from services.index.archive import Archive
from services.index.archive_reading import ArchiveReader
from services.index.engine.protocol import IndexableEvent, Query, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_edits import EntityEditInput
from services.index.entity_edits_file import EntityEdits
from services.index.staging import read_run
from shared.events import ArticleEnriched, ArticleRetracted
from tests.cli.conftest import Done
from tests.conftest import ROOT, free_port
from tests.support import NOW, article_id, enriched, install_plug_in

BACKEND = """
import os, time
from services.enrich.backends import Info
from shared.events import Entity

class Backend:
    def info(self):
        return Info("stub", "2")

    def process_batch(self, articles):
        {work}
        return [(Entity(text="Rotterdam", label="GPE", canonical="Rotterdam", count=1),) for _ in articles]

def load(options):
    {load}
    return Backend()
"""


class Here:
    """An executor that works in this very process: starting others takes seconds."""

    def __init__(self, *_: object, **__: object) -> None:
        work._models.cache_clear()
        work._edits.cache_clear()

    def submit(self, task: Callable[..., Any], *given: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(task(*given))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_: object) -> None:
        return


@pytest.fixture
def processes() -> None:
    """For tests of the processes themselves."""


@pytest.fixture(autouse=True)
def in_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "processes" not in request.fixturenames:
        monkeypatch.setattr("services.cli.re_enriching.pool.ProcessPoolExecutor", Here)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Install an entities backend that does `work` first, and choose it."""

    def install(work: str = "pass", load: str = "pass") -> None:
        directory = tmp_path / f"plug-in {len(list(tmp_path.iterdir()))}"
        install_plug_in(
            directory,
            "stubbed",
            BACKEND.format(work=work, load=load),
            "[wireroom.entities]\nstub = stubbed:load\n",
        )
        monkeypatch.syspath_prepend(str(directory))
        monkeypatch.delitem(sys.modules, "stubbed", raising=False)
        monkeypatch.setenv("PYTHONPATH", f"{directory}:{ROOT}")

    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "stub")
    return install


@pytest.fixture
def data_dir(tmp_path: Path, wireroom: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A history of eight articles that older models made; no service runs."""
    monkeypatch.setenv("WIREROOM_INDEX_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("WIREROOM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("WIREROOM_ENRICH_BATCH_ENTRIES", "1")
    store(tmp_path / "data", *(written(f"a{n}", f"Pier {n} in Rotterdam") for n in range(8)))
    return tmp_path / "data"


def written(name: str, title: str, revision: int = 1) -> ArticleEnriched:
    event = enriched(name, title=title, revision=revision)
    return event.model_copy(update={"submitted": event.submitted.model_copy(update={"title": title})})


def store(data_dir: Path, *events: IndexableEvent) -> None:
    archive, engine = Archive(data_dir), TantivyEngine(data_dir)
    engine.upsert_many(events, NOW)
    archive.append(events, NOW)
    engine.commit()
    engine.close()
    archive.close()


def served(data_dir: Path) -> dict[str, list[str]]:
    """Return the entities of each article that the index serves."""
    engine = TantivyEngine(data_dir)
    hits = engine.search(Query(size=100)).hits
    engine.close()
    return {hit.id: [entity["canonical"] for entity in hit.card["entities"]] for hit in hits}


def takedown(name: str) -> ArticleRetracted:
    return ArticleRetracted(article_id=article_id(name), revision=1, received_at=NOW + timedelta(hours=1))


def test_the_report_comes_first_and_then_the_switch(stub, data_dir: Path, wireroom, tmp_path: Path) -> None:
    stub()
    report = tmp_path / "report.json"
    asked = wireroom("re-enrich", "--json", str(report))
    assert asked.code == 0, asked.err
    assert "8 of 8 articles: 0 up to date, 8 re-enriched, 0 failed" in asked.out
    assert "GPE:Rotterdam 8" in asked.out and "entities: nothing → stub 2 (8)" in asked.out
    assert "Nothing was switched" in asked.out
    document = json.loads(report.read_text())
    assert document["entities"] == {"added": [{"name": "GPE:Rotterdam", "articles": 8}], "removed": []}
    assert (document["changed"]["entities"], document["models"]["entities"]) == (8, "stub 2")
    assert document["examples"][0]["after"]["entities"] == "GPE:Rotterdam"
    assert set(map(tuple, served(data_dir).values())) == {()}, "nothing is served before it is agreed to"
    agreed = wireroom("re-enrich", "--yes", "--json", str(report))
    assert agreed.code == 0, agreed.err
    assert "Going on: 8 articles" in agreed.err and "switched to 8 re-enriched articles" in agreed.out
    assert json.loads(report.read_text())["switched"]["re_enriched"] == 8
    assert served(data_dir) == {article_id(f"a{n}"): ["Rotterdam"] for n in range(8)}
    again = wireroom("re-enrich", "--yes")
    assert "8 up to date, 0 re-enriched" in again.out and "nothing to switch to" in again.out
    assert sorted(path.name for path in data_dir.iterdir()) == ["archive", "index"]


def test_a_query_limits_it_and_several_processes_share_it(stub, processes, data_dir: Path, wireroom) -> None:
    stub()
    done = wireroom("re-enrich", "--query", 'title:"Pier 3" OR title:"Pier 5"', "--workers", "2", "--yes")
    assert done.code == 0, done.err
    assert "2 of 8 articles match" in done.out
    changed = {key for key, entities in served(data_dir).items() if entities}
    assert changed == {article_id("a3"), article_id("a5")}


def test_a_takedown_during_the_run_stays_a_takedown(stub, data_dir: Path, wireroom) -> None:
    stub()
    assert wireroom("re-enrich").code == 0
    store(data_dir, takedown("a1"), written("a2", "Corrected", 2), written("new", "New pier"))
    done = wireroom("re-enrich", "--yes")
    # The correction and the new article came by the old models, and are taken along.
    assert "switched to 8 re-enriched articles; 2 were overtaken by the wire" in " ".join(done.out.split())
    engine = TantivyEngine(data_dir)
    assert isinstance(engine.get(article_id("a1")), Tombstone)
    corrected = engine.get(article_id("a2"))
    assert corrected is not None and not isinstance(corrected, Tombstone)
    assert (corrected.article["title"], corrected.article["revision"]) == ("Corrected", 2)
    engine.close()
    assert served(data_dir)[article_id("new")] == ["Rotterdam"]
    texts = [r.event for r in ArchiveReader(data_dir / "archive") if r.event.article_id == article_id("a1")]
    assert len(texts) == 2, "its re-enriched text never reached the archive"


def test_killed_in_the_middle_the_old_state_is_served_and_another_run_goes_on(
    stub, processes, data_dir: Path, wireroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub("time.sleep(0.2)")
    monkeypatch.setenv("WIREROOM_ENRICH_BATCH_ENTRIES", "1")
    code = (
        "import services.cli.re_enriching.run as run; run._SAVE_EVERY_S = 0.0; "
        "from services.cli.app import run as command; command(['re-enrich', '--yes'])"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 150
    while not ((run := read_run(data_dir)) and run.report.get("articles", 0) >= 3):
        assert process.poll() is None and time.monotonic() < deadline, "it never got that far"
        time.sleep(0.02)
    workers = children_of(process.pid)
    process.kill()
    process.wait()
    assert set(map(tuple, served(data_dir).values())) == {()}
    while any(is_alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "its processes outlive it"
        time.sleep(0.05)
    done = wireroom("re-enrich", "--yes", "--json", "-")
    assert done.code == 0, done.err
    assert "Going on: " in done.err
    assert (done.json["re_enriched"], done.json["changed"]["entities"]) == (8, 8)
    assert all(entities == ["Rotterdam"] for entities in served(data_dir).values())


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_what_was_made_of_another_archive_is_forgotten(stub, data_dir: Path, wireroom) -> None:
    stub()
    assert wireroom("re-enrich").code == 0
    shutil.rmtree(data_dir / "archive")
    shutil.rmtree(data_dir / "index")
    store(data_dir, *(written(f"a{n}", "From a backup") for n in range(3)))
    done = wireroom("re-enrich", "--yes", "--json", "-")
    assert "Beginning anew: 8 articles" in " ".join(done.err.split())
    assert done.json["re_enriched"] == 3
    assert set(served(data_dir)) == {article_id(f"a{n}") for n in range(3)}


def test_other_models_begin_anew(stub, data_dir: Path, wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    stub()
    assert wireroom("re-enrich").code == 0
    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "builtin")
    done = wireroom("re-enrich")
    assert "Beginning anew: 8 articles" in " ".join(done.err.split())
    assert "entities: nothing → builtin" in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("work", "load", "told"),
    [
        ("raise ValueError('no weights')", "pass", "entities (stub 2): ValueError: no weights"),
        ("return []", "pass", "stub 2 gave 0 results for 1 items"),
        ("pass", "raise OSError('no file here')", "stub (stubbed:load) cannot be loaded: OSError: no file"),
    ],
    ids=["raises", "unsound", "cannot load"],
)
def test_a_failing_model_is_told_by_name_and_nothing_changes(
    stub, data_dir: Path, wireroom, monkeypatch: pytest.MonkeyPatch, work: str, load: str, told: str
) -> None:
    stub(work, load)
    monkeypatch.setenv("WIREROOM_HALT_WINDOW", "10")
    check_refused(data_dir, wireroom("re-enrich", "--yes"), told)


@pytest.mark.parametrize(
    ("work", "load"), [("os._exit(3)", "pass"), ("pass", "os._exit(3)")], ids=["at work", "loading"]
)
def test_a_model_that_takes_its_process_along_is_told_by_name(
    stub, processes, data_dir: Path, wireroom, work: str, load: str
) -> None:
    stub(work, load)
    told = "a process died at its work: WIREROOM_ENTITIES_BACKEND=stub"
    check_refused(data_dir, wireroom("re-enrich", "--yes"), told)


def check_refused(data_dir: Path, done: Done, told: str) -> None:
    assert done.code == 1
    assert told in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert set(map(tuple, served(data_dir).values())) == {()}


def test_a_model_that_hangs_is_told_and_ended(
    stub, processes, data_dir: Path, wireroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub("time.sleep(600)")
    monkeypatch.setattr("services.cli.re_enriching.pool._LOAD_TIMEOUT_S", 8.0)
    done = wireroom("re-enrich", "--yes")
    assert done.code == 1
    assert "nothing came back within 8 s from WIREROOM_ENTITIES_BACKEND=stub" in " ".join(done.err.split())


def test_one_article_that_fails_stays_as_it_was_and_is_told(stub, data_dir: Path, wireroom) -> None:
    stub("if 'Pier 6' in articles[0].title: raise ValueError('pier six')")
    done = wireroom("re-enrich", "--yes")
    assert done.code == 1, "a script learns of it"
    assert "1 failed" in done.out and "pier six" in done.out and article_id("a6") in done.out
    assert {key for key, entities in served(data_dir).items() if not entities} == {article_id("a6")}


def test_entity_edits_are_in_the_report_and_in_what_is_served(stub, data_dir: Path, wireroom) -> None:
    stub()
    edit = EntityEditInput(action="rename", name="Rotterdam", to_name="Rotterdam Port")
    EntityEdits(data_dir / "archive").add(edit, NOW)
    done = wireroom("re-enrich", "--yes")
    assert "GPE:Rotterdam Port 8" in done.out
    assert served(data_dir)[article_id("a1")] == ["Rotterdam Port"]


def test_articles_of_the_present_models_are_taken_on_request(stub, data_dir: Path, wireroom) -> None:
    stub()
    assert wireroom("re-enrich", "--yes").code == 0
    done = wireroom("re-enrich", "--all", "--json", "-")
    assert (done.json["re_enriched"], done.json["changed"]["anything"]) == (8, 0)
    discarded = wireroom("re-enrich", "--discard")
    assert "Removed what waited" in discarded.out and not (data_dir / "re-enrich").exists()
    assert "Nothing was waiting" in wireroom("re-enrich", "--discard").out


def test_the_running_index_is_asked_to_switch(stub, data_dir: Path, wireroom, api) -> None:
    stub()
    (data_dir / "index" / "admin.token").write_text("secret")
    api.answer = lambda _: (200, {"re_enriched": 8, "overtaken": 0})
    done = wireroom("re-enrich", "--yes", "--index-url", api.url)
    assert done.code == 0, done.err
    (request,) = api.requests
    assert (request.method, request.path) == ("POST", "/v1/admin/re-enrich")
    assert request.headers["authorization"] == "Bearer secret"
    run = read_run(data_dir)
    assert run is not None and json.loads(request.body) == {"run": run.id}


def test_a_named_index_that_does_not_answer_is_not_gone_around(stub, data_dir: Path, wireroom) -> None:
    stub()
    done = wireroom("re-enrich", "--yes", "--index-url", f"http://127.0.0.1:{free_port()}")
    assert done.code == 1 and "index does not answer" in done.err
    assert set(map(tuple, served(data_dir).values())) == {()}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--query", "pier AND"), "The query cannot be read"),
        (("--data-dir", "/nowhere"), "There is no archive in /nowhere"),
    ],
    ids=["query", "data dir"],
)
def test_what_cannot_be_done_is_told_in_words(stub, data_dir: Path, wireroom, words, told: str) -> None:
    stub()
    done = wireroom("re-enrich", *words)
    assert done.code == 1 and told in done.err
    assert not (data_dir / "re-enrich").exists()


def test_ctrl_c_ends_it_with_its_processes_and_keeps_what_was_made(stub, processes, data_dir: Path) -> None:
    stub("time.sleep(0.2)")
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "re-enrich", "--yes"],
        cwd=ROOT, start_new_session=True, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 150
    while not (data_dir / "re-enrich" / "archive" / "segment-00000001.ndjson.zst").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert set(map(tuple, served(data_dir).values())) == {()}
