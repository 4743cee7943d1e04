"""Plug-ins are found by their entry points, checked at the start, and used on whole batches."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from services.enrich import pipeline
from services.enrich.backends import ArticleText, BackendOptions, Info, Tone
from services.enrich.backends.loading import load_backend
from services.enrich.pipeline import Models
from shared.errors import ConfigurationError, UnprocessableArticle
from shared.events import Entity, EntitySentiment, Sentiment
from shared.metrics import Metrics
from tests.conftest import ROOT
from tests.support import submitted

MODELS = Models.load()
Install = Callable[[str, str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution of one module, as an installer would lay it out."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install_module(module: str, source: str, entry_points: str) -> None:
        (tmp_path / f"{module}.py").write_text(source, encoding="utf-8")
        information = tmp_path / f"{module}-1.dist-info"
        information.mkdir()
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
        (information / "entry_points.txt").write_text(entry_points)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install_module


def example_of_the_docs() -> str:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(# teams_plugin\.py\n.*?)```", text, re.DOTALL)
    assert found
    return found[1]


def test_the_example_of_the_docs_works(tmp_path: Path, install: Install) -> None:
    install("teams_plugin", example_of_the_docs(), "[wireroom.entities]\nteams = teams_plugin:load\n")
    (tmp_path / "teams.txt").write_text("Harbour FC\nDock United\n")
    backend = load_backend("entities", "teams", BackendOptions(model=tmp_path / "teams.txt"))
    models = Models(backend, MODELS.sentiment, MODELS.topics, MODELS.idf)
    body = "Harbour FC won against Dock United in the rain. Harbour FC has never lost on that ground."
    draft = pipeline.enrich(submitted(title="Harbour FC win again", body=body), models, Metrics())
    assert [(entity.canonical, entity.label, entity.count) for entity in draft.entities] == [
        ("Harbour FC", "ORG", 3),
        ("Dock United", "ORG", 1),
    ]
    assert [body[m.start : m.end] for m in draft.entities[0].mentions] == ["Harbour FC", "Harbour FC"]
    assert draft.entities[0].sentiment is not None, "the built-in tone is read towards a plug-in's entities"
    assert draft.versions["entities"] == "teams 1"
    assert draft.versions["sentiment"].startswith("builtin ")


def test_an_unknown_backend_stops_the_start_and_names_those_there_are(install: Install) -> None:
    install("other", "", "[wireroom.entities]\nother = other:load\n")
    with pytest.raises(
        ConfigurationError, match=r"WIREROOM_ENTITIES_BACKEND.*'flair'.*builtin.*gliner, other"
    ):
        load_backend("entities", "flair", BackendOptions())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def load(options): raise OSError('no weights here')", "broken:load.*OSError: no weights here"),
        ("def other(options): ...", "AttributeError"),
        ("import no_such_module", "ModuleNotFoundError.*no_such_module"),
        ("load = lambda options: object()", "info"),
        (
            "from services.enrich.backends import Info\n"
            "class B:\n def info(self): return Info('b', '1')\nload = lambda options: B()",
            "lacks info.. or process_batch",
        ),
    ],
    ids=["fails", "no callable", "does not import", "no info", "no process_batch"],
)
def test_a_broken_plug_in_stops_the_start(install: Install, source: str, says: str) -> None:
    install("broken", source, "[wireroom.sentiment]\nbroken = broken:load\n")
    with pytest.raises(ConfigurationError, match=f"WIREROOM_SENTIMENT_BACKEND.*{says}"):
        load_backend("sentiment", "broken", BackendOptions())


class Recorder:
    """Names nothing; remembers the batches, and fails over articles about `poison`."""

    def __init__(self, surplus: int = 0) -> None:
        self.batches: list[int] = []
        self._surplus = surplus

    def info(self) -> Info:
        return Info("recorder", "1")

    def process_batch(self, articles: Sequence[ArticleText]) -> list[tuple[Entity, ...]]:
        self.batches.append(len(articles))
        if any("poison" in article.body for article in articles):
            raise ValueError("poison")
        return [()] * (len(articles) + self._surplus)


def models_with(backend: Recorder) -> Models:
    return Models(backend, MODELS.sentiment, MODELS.topics, MODELS.idf)


def test_a_batch_reaches_the_backend_at_once() -> None:
    backend = Recorder()
    events = [submitted(name) for name in "abc"]
    assert len(pipeline.enrich_all(events, models_with(backend), Metrics())) == 3
    assert backend.batches == [3]


def test_only_the_article_to_blame_fails() -> None:
    backend = Recorder()
    events = [
        submitted("a"),
        submitted("b", body="a poison"),
        submitted("c"),
        submitted("d", title="", body=" "),
    ]
    outcomes = pipeline.enrich_all(events, models_with(backend), Metrics())
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Draft", "ValueError", "Draft", "UnprocessableArticle",
    ]  # fmt: skip
    assert backend.batches == [3, 1, 1, 1]
    with pytest.raises(UnprocessableArticle):
        pipeline.enrich(events[3], models_with(backend), Metrics())


def test_results_for_other_articles_are_refused() -> None:
    (outcome,) = pipeline.enrich_all([submitted()], models_with(Recorder(surplus=1)), Metrics())
    assert "recorder 1 gave 2 results for 1" in str(outcome)


class Cheerful:
    def info(self) -> Info:
        return Info("cheerful", "2")

    def process_batch(self, articles: Sequence[ArticleText]) -> list[Tone]:
        glad = Sentiment(label="positive", score=0.9, confidence=1)
        towards = EntitySentiment(score=0.5, confidence=1, mentions=1)
        return [Tone(glad, (towards, *[None] * (len(article.entities) - 1))) for article in articles]


def test_a_sentiment_plug_in_sets_tone_of_article_and_entities() -> None:
    models = Models(MODELS.entities, Cheerful(), MODELS.topics, MODELS.idf)
    body = "Angela Merkel met Emmanuel Macron in Paris on Monday."
    draft = pipeline.enrich(submitted(body=body), models, Metrics())
    assert draft.sentiment.score == 0.9
    assert [entity.sentiment is not None for entity in draft.entities[:2]] == [True, False]
    assert draft.versions["sentiment"] == "cheerful 2"
