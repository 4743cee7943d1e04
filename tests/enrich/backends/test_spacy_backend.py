"""The spaCy adapter over a pipeline that this test builds; and what it says when something is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from services.enrich.backends import BackendOptions
from services.enrich.backends.loading import load_backend
from shared.errors import ConfigurationError
from tests.enrich.backends.support import article

BODY = "Ana Reyes flew to Quito. On arrival Reyes met two officials of the World Bank."
PATTERNS = [
    {"label": "PERSON", "pattern": "Ana Reyes"},
    {"label": "PERSON", "pattern": "Reyes"},
    {"label": "GPE", "pattern": "Quito"},
    {"label": "ORG", "pattern": "the World Bank"},
    {"label": "CARDINAL", "pattern": "two"},
]


def write_pipeline(directory: Path, *, language: str = "en", entities: bool = True) -> Path:
    spacy = pytest.importorskip("spacy", reason="spaCy is an extra: pip install 'wireroom[spacy]'")
    nlp = spacy.blank(language)
    nlp.meta["name"], nlp.meta["version"] = "tiny", "0.1"
    nlp.add_pipe("sentencizer")
    if entities:
        nlp.add_pipe("entity_ruler").add_patterns(PATTERNS)
    nlp.to_disk(directory)
    return directory


def test_entities_of_a_pipeline_are_mapped_and_folded(tmp_path: Path) -> None:
    backend = load_backend("entities", "spacy", BackendOptions(model=write_pipeline(tmp_path / "m")))
    first, second = backend.process_batch(
        [article(BODY, title="Quito hosts Reyes"), article("Nothing here.")]
    )
    assert [(e.canonical, e.label, e.count) for e in first] == [
        ("Ana Reyes", "PERSON", 3), ("Quito", "GPE", 2), ("World Bank", "ORG", 1),
    ]  # fmt: skip
    assert [BODY[m.start : m.end] for m in first[0].mentions] == ["Ana Reyes", "Reyes"]
    assert second == ()
    info = backend.info()
    assert info.name == "spacy" and info.version.endswith(" en_tiny 0.1") and info.languages == {"en"}


def test_labels_of_the_settings_are_obeyed(tmp_path: Path) -> None:
    options = BackendOptions(model=write_pipeline(tmp_path / "m"), labels={"GPE": "LOC", "PERSON": ""})
    (found,) = load_backend("entities", "spacy", options).process_batch([article(BODY)])
    assert {(e.canonical, e.label) for e in found} == {("Quito", "LOC"), ("World Bank", "ORG")}


def test_a_pipeline_of_many_languages_is_given_all(tmp_path: Path) -> None:
    backend = load_backend(
        "entities", "spacy", BackendOptions(model=write_pipeline(tmp_path / "m", language="xx"))
    )
    assert backend.info().reads("de") and backend.info().reads("en")


def test_a_pipeline_without_entities_stops_the_start(tmp_path: Path) -> None:
    path = write_pipeline(tmp_path / "m", entities=False)
    with pytest.raises(ConfigurationError, match=r"names no entities.*sentencizer"):
        load_backend("entities", "spacy", BackendOptions(model=path))


def test_a_damaged_pipeline_stops_the_start(tmp_path: Path) -> None:
    path = write_pipeline(tmp_path / "m")
    (path / "config.cfg").write_text("[nlp")
    with pytest.raises(ConfigurationError, match="WIREROOM_ENTITIES_MODEL"):
        load_backend("entities", "spacy", BackendOptions(model=path))


@pytest.fixture
def spacy_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy", sys.modules.get("spacy") or sys)


@pytest.mark.usefixtures("spacy_installed")
def test_a_missing_model_is_named_and_nothing_is_downloaded(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"WIREROOM_ENTITIES_MODEL is unset"):
        load_backend("entities", "spacy", BackendOptions())
    with pytest.raises(ConfigurationError, match=r"no config\.cfg in it.*nothing is downloaded"):
        load_backend("entities", "spacy", BackendOptions(model=tmp_path))


def test_without_spacy_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "spacy", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wireroom\[enrich,spacy\]'"):
        load_backend("entities", "spacy", BackendOptions(model=tmp_path))
