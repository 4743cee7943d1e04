"""GLiNER as the recogniser: zero-shot, asked for the labels of the settings, from a local directory."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from services.enrich.backends.folding import NamedSpan, SpanFolder
from services.enrich.backends.labels import PROMPTS
from services.enrich.backends.protocol import ArticleText, BackendOptions, Info
from services.enrich.backends.spacy_backend import local_model
from services.enrich.text import split_sentences
from shared.errors import ConfigurationError
from shared.events import Entity
from shared.settings import forbid_downloads

# GLiNER reads some 384 words at once and drops the rest without a word, so a body goes in pieces.
MAX_PIECE_CHARS = 1_200
MAX_CHARS = 60_000
_BATCH_TEXTS = 8
_THRESHOLD = 0.5


class GlinerEntities:
    """`model` is a gliner.GLiNER."""

    def __init__(self, model: Any, version: str, folder: SpanFolder, labels: Mapping[str, str]) -> None:
        self._model = model
        self._folder = folder
        self._labels = {theirs: ours for theirs, ours in (labels or PROMPTS).items() if ours}
        self._values_by_rule = "DATE" not in self._labels.values()
        self._info = Info("gliner", version)

    def info(self) -> Info:
        return self._info

    def process_batch(self, articles: Sequence[ArticleText]) -> list[tuple[Entity, ...]]:
        pieces = [
            (number, in_title, start, text[start:end])
            for number, article in enumerate(articles)
            for in_title, text in ((True, article.title), (False, article.body[:MAX_CHARS]))
            for start, end in pieces_of(text)
        ]
        spans: list[list[NamedSpan]] = [[] for _ in articles]
        if pieces:
            found = self._model.inference(
                [piece for *_, piece in pieces],
                list(self._labels),
                threshold=_THRESHOLD,
                batch_size=_BATCH_TEXTS,
            )
            for (number, in_title, start, _), entities in zip(pieces, found, strict=True):
                spans[number] += [
                    NamedSpan(
                        start + entity["start"],
                        start + entity["end"],
                        self._labels[entity["label"]],
                        in_title,
                    )
                    for entity in entities
                ]
        return [
            self._folder.fold(article, found, values_by_rule=self._values_by_rule)
            for article, found in zip(articles, spans, strict=True)
        ]


def pieces_of(text: str) -> list[tuple[int, int]]:
    """Return spans of whole sentences, each of at most MAX_PIECE_CHARS; longer sentences are cut."""
    pieces: list[tuple[int, int]] = []
    for first, last in split_sentences(text):
        for start in range(first, last, MAX_PIECE_CHARS):
            end = min(start + MAX_PIECE_CHARS, last)
            if pieces and end - pieces[-1][0] <= MAX_PIECE_CHARS:
                pieces[-1] = (pieces[-1][0], end)
            else:
                pieces.append((start, end))
    return pieces


def load(options: BackendOptions) -> GlinerEntities:
    """Raises ConfigurationError that names what is missing: GLiNER, or the model."""
    path = local_model(options, "gliner_config.json", "a GLiNER model, as `save_pretrained(DIR)` writes it")
    forbid_downloads()
    try:
        gliner = importlib.import_module("gliner")
    except ImportError as error:
        raise ConfigurationError(
            f"WIREROOM_ENTITIES_BACKEND is gliner, and it cannot be imported ({error}): "
            "pip install 'wireroom[enrich,gliner]'"
        ) from error
    try:
        model = gliner.GLiNER.from_pretrained(str(path), local_files_only=True)
    except Exception as error:  # whatever torch and transformers raise
        raise ConfigurationError(f"GLiNER cannot load WIREROOM_ENTITIES_MODEL={path}: {error}") from error
    version = f"{getattr(gliner, '__version__', 'unknown')} {path.name}"
    return GlinerEntities(model, version, SpanFolder.load(options.directory), options.labels)
