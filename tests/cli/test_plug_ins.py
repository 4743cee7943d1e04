"""What operators see of a plug-in: `wireroom doctor` loads it, `wireroom eval` scores it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.backend_checks import check_backends, judge
from services.cli.checks import Check
from tests.cli.conftest import Done
from tests.conftest import ROOT

Wireroom = Callable[..., Done]
PLUG_IN = """
import os, time
from services.enrich.backends import Info, NamedSpan, SpanFolder, Tone
from shared.events import EntitySentiment, Sentiment

class Teams:
    def __init__(self, names, folder, label):
        self.names, self.folder, self.label = names, folder, label

    def info(self):
        return Info("teams", "7", languages=frozenset({"de"}))

    def process_batch(self, articles):
        print("a plug-in may print")
        assert all(article.language == "de" for article in articles), "enrich gives it no other language"
        return [self.folder.fold(one, self.spans(one.body)) for one in articles]

    def spans(self, body):
        for name in self.names:
            if name in body:
                start = body.index(name)
                yield NamedSpan(start, start + len(name), self.label)

class Moods:
    def info(self):
        return Info("moods", "1")

    def process_batch(self, articles):
        tones = []
        for one in articles:
            score = 0.9 if "praised" in one.body else -0.9
            towards = tuple(EntitySentiment(score=score, confidence=1, mentions=1) for _ in one.entities)
            tones.append(Tone(Sentiment(label="negative", score=-0.9, confidence=1), towards))
        return tones

def teams(options):
    names = options.model.read_text().splitlines()
    return Teams(names, SpanFolder.load(options.directory), options.labels.get("TEAM", "ORG"))

def moods(options):
    return Moods()

def missing(options):
    raise OSError("no weights in /models")

def short(options):
    backend = Moods()
    backend.process_batch = lambda articles: []
    return backend

def crash(options):
    os.kill(os.getpid(), 11)

def hang(options):
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the plug-ins above, as an installer would lay them out; return the list of teams."""
    directory = tmp_path / "site"
    (directory / "town-1.dist-info").mkdir(parents=True)
    (directory / "town_plug_in.py").write_text(PLUG_IN)
    (directory / "town-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: town\n")
    (directory / "town-1.dist-info" / "entry_points.txt").write_text(
        "[wireroom.entities]\nteams = town_plug_in:teams\nmissing = town_plug_in:missing\n"
        "crash = town_plug_in:crash\nhang = town_plug_in:hang\n"
        "[wireroom.sentiment]\nmoods = town_plug_in:moods\nshort = town_plug_in:short\n"
    )
    monkeypatch.syspath_prepend(str(directory))
    monkeypatch.delitem(sys.modules, "town_plug_in", raising=False)
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{directory}")
    teams = tmp_path / "teams.txt"
    teams.write_text("Harbour FC\n")
    return teams


def written(path: Path, *rows: object) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_eval_scores_a_plug_in_that_is_named(wireroom: Wireroom, tmp_path: Path, plug_in: Path) -> None:
    rows = [
        {"text": "Harbour FC won.", "entities": [[0, 10, "ORG"]]},
        {"text": "x", "entities": [[0, 1, "GPE"]]},
    ]
    file = written(tmp_path / "ner.jsonl", *rows * 30)
    done = wireroom("eval", "ner", file, "--json", "--backend", "teams", "--model", str(plug_in))
    assert (done.json["precision"], done.json["recall"]) == (1, 0.5)
    assert done.json["models"] == {"entities": "teams 7"} and done.json["peak_memory_mb"] > 20
    labelled = ("--labels", "TEAM=FAC")
    done = wireroom("eval", "ner", file, "--json", "--backend", "teams", "--model", str(plug_in), *labelled)
    assert done.json["f1"] == 0


def test_eval_scores_the_backend_of_the_settings(
    wireroom: Wireroom, tmp_path: Path, plug_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "teams")
    monkeypatch.setenv("WIREROOM_ENTITIES_MODEL", str(plug_in))
    file = written(tmp_path / "ner.jsonl", {"text": "Harbour FC won.", "entities": [[0, 10, "ORG"]]})
    assert wireroom("eval", "ner", file, "--json").json["models"] == {"entities": "teams 7"}


def test_eval_gives_a_sentiment_plug_in_the_target_as_an_entity(wireroom: Wireroom, tmp_path: Path) -> None:
    file = written(
        tmp_path / "tone.jsonl",
        {"text": "They praised Ruiz.", "target": [13, 17], "label": "positive"},
        {"text": "They blamed Ruiz.", "target": [12, 16], "label": "negative"},
        {"text": "They praised Ruiz.", "label": "negative"},
    )
    done = wireroom("eval", "sentiment", file, "--json", "--backend", "moods")
    assert done.json["accuracy"] == 1 and done.json["models"] == {"sentiment": "moods 1"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--backend", "none"], "WIREROOM_ENTITIES_BACKEND: there is no backend 'none' here"),
        (["--backend", "missing"], "OSError: no weights in /models"),
        (["--backend", "teams", "--labels", "TEAM=CLUB"], "'TEAM=CLUB' is not a label of the model"),
    ],
)
def test_eval_names_what_is_missing(
    wireroom: Wireroom, tmp_path: Path, options: list[str], says: str
) -> None:
    file = written(tmp_path / "ner.jsonl", {"text": "Harbour FC won.", "entities": []})
    done = wireroom("eval", "ner", file, *options)
    assert done.code == 1 and says in " ".join(done.err.split())


def checks_of(timeout_s: float = 170.0) -> dict[str, Check]:
    return {check.name: check for check in check_backends(timeout_s)}


def test_doctor_loads_what_is_configured_and_says_what_a_worker_takes(
    plug_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "teams")
    monkeypatch.setenv("WIREROOM_ENTITIES_MODEL", str(plug_in))
    monkeypatch.setenv("WIREROOM_SENTIMENT_BACKEND", "short")
    found = checks_of()
    assert found["Backend for entities"].state == "ok"
    assert found["Backend for entities"].found.startswith("teams 7, takes ")
    assert found["Backend for sentiment"].state == "fail", "loading is not enough: it must answer"
    assert "gave 0 results for 1 items" in found["Backend for sentiment"].found
    assert found["Backend for related"].state == "ok"
    assert "MB" in found["Enrich worker"].found


def test_doctor_says_so_among_its_other_checks(
    wireroom: Wireroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_SENTIMENT_BACKEND", "none")
    done = wireroom("doctor", "--data-dir", str(tmp_path), "--json")
    (check,) = [check for check in done.json["checks"] if check["name"] == "Backend for sentiment"]
    assert done.code == 1 and check["state"] == "fail"
    assert check["found"].startswith("WIREROOM_SENTIMENT_BACKEND: there is no backend 'none' here")


def test_doctor_outlives_a_plug_in_that_crashes_and_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "crash")
    check = checks_of()["Backend for entities"]
    assert check.state == "fail" and check.found.startswith("crash crashed with signal 11")
    assert "WIREROOM_ENTITIES_BACKEND" in check.mend


def test_doctor_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_ENTITIES_BACKEND", "hang")
    monkeypatch.setattr("services.cli.backend_checks.subprocess.run", _expired)
    check = checks_of(9.0)["Backend for entities"]
    assert check.state == "fail" and check.found == "hang is not ready after 9 s"


def _expired(command: tuple[str, ...], timeout: float, **_: object) -> None:
    import subprocess

    begun = b'{"part": "entities", "backend": "hang"}\n'
    raise subprocess.TimeoutExpired(command, timeout, output=begun)


def test_a_worker_that_cannot_even_begin_says_why() -> None:
    said = b"Traceback\nConfigurationError: WIREROOM_PARTITIONS: 0"
    (check,) = judge(b"", said, "ended with exit code 1")
    assert check.state == "fail" and "exit code 1 (ConfigurationError: WIREROOM_PARTITIONS: 0)" in check.found
