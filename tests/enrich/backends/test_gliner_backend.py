"""The GLiNER adapter over a stand-in with the signature of gliner 0.2.29: real models cannot be shipped."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.enrich.backends import BackendOptions
from services.enrich.backends.gliner_backend import MAX_PIECE_CHARS, pieces_of
from services.enrich.backends.loading import load_backend
from shared.errors import ConfigurationError
from tests.enrich.backends.support import article

NAMES = {"Ana Reyes": "person", "Quito": "city", "Solvang AG": "company"}


class FakeGLiNER:
    """Finds NAMES, each if it was asked for its label; `asked` are the calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[list[str], list[str]]] = []

    @classmethod
    def from_pretrained(cls, model_id: str, *, local_files_only: bool = False, **_: Any) -> FakeGLiNER:
        assert local_files_only and Path(model_id).is_absolute()
        return cls()

    def inference(
        self,
        texts: str | list[str],
        labels: Any,
        flat_ner: bool = True,
        threshold: float = 0.5,
        multi_label: bool = False,
        batch_size: int = 8,
    ) -> list[list[dict[str, Any]]]:
        assert isinstance(texts, list)
        self.asked.append((texts, labels))
        return [
            [
                {
                    "start": text.index(name),
                    "end": text.index(name) + len(name),
                    "text": name,
                    "label": label,
                    "score": 0.9,
                }
                for name, label in NAMES.items()
                if name in text and label in labels
            ]
            for text in texts
        ]


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackendOptions:
    monkeypatch.setitem(sys.modules, "gliner", SimpleNamespace(GLiNER=FakeGLiNER, __version__="0.2.29"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE"):
        monkeypatch.setenv(name, "0")
    model = tmp_path / "gliner_tiny"
    model.mkdir()
    (model / "gliner_config.json").write_text("{}")
    return BackendOptions(model=model, labels={"person": "PERSON", "city": "GPE", "company": "ORG"})


def test_entities_of_title_and_body_are_mapped_and_placed(options: BackendOptions) -> None:
    backend = load_backend("entities", "gliner", options)
    body = f"{'Nothing of note was said here today. ' * 60}Ana Reyes left Quito."
    found, none = backend.process_batch([article(body, title="Ana Reyes speaks"), article("")])
    assert [(e.canonical, e.label, e.count) for e in found] == [
        ("Ana Reyes", "PERSON", 2),
        ("Quito", "GPE", 1),
    ]
    assert [body[m.start : m.end] for e in found for m in e.mentions] == ["Ana Reyes", "Quito"]
    assert none == ()
    assert (backend.info().name, backend.info().version) == ("gliner", "0.2.29 gliner_tiny")
    assert backend.info().reads("pt")


def test_a_batch_is_one_call_for_the_labels_of_the_settings(options: BackendOptions) -> None:
    backend = load_backend("entities", "gliner", options)
    backend.process_batch([article("Quito."), article("Quito again.")])
    assert backend._model.asked == [(["Quito.", "Quito again."], ["person", "city", "company"])]


def test_libraries_are_told_to_stay_offline(options: BackendOptions) -> None:
    import os

    load_backend("entities", "gliner", options)
    assert os.environ["HF_HUB_OFFLINE"] == os.environ["TRANSFORMERS_OFFLINE"] == "1"


@pytest.mark.parametrize(
    "text", ["", "x" * 5_000, "A b. " * 2_000, "\n" * 4_000, "First one. " + "y" * 3_000]
)
def test_pieces_hold_all_the_text_and_are_short_enough(text: str) -> None:
    pieces = pieces_of(text)
    assert all(0 < end - start <= MAX_PIECE_CHARS for start, end in pieces)
    assert sum(map(str.isalpha, text)) == sum(sum(map(str.isalpha, text[a:b])) for a, b in pieces)


def test_what_is_missing_is_named(
    options: BackendOptions, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=r"gliner_config\.json"):
        load_backend("entities", "gliner", BackendOptions(model=tmp_path))
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'wireroom\[enrich,gliner\]'"):
        load_backend("entities", "gliner", options)
