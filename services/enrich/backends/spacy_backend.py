"""spaCy as the recogniser: any pipeline with named entities, from a local directory."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from services.enrich.backends.folding import NamedSpan, SpanFolder
from services.enrich.backends.labels import label_map
from services.enrich.backends.protocol import ArticleText, BackendOptions, Info
from shared.errors import ConfigurationError
from shared.events import Entity

MAX_CHARS = 200_000
_BATCH_TEXTS = 32
# Parts of a pipeline that no entity comes from; what is left is several times faster.
_UNNEEDED = ("parser", "tagger", "morphologizer", "lemmatizer", "attribute_ruler", "senter", "textcat")


class SpacyEntities:
    """`pipeline` is a spacy.Language."""

    def __init__(self, pipeline: Any, folder: SpanFolder, labels: Mapping[str, str]) -> None:
        self._pipeline = pipeline
        self._folder = folder
        self._labels = label_map(_labels_of(pipeline), labels)
        self._values_by_rule = "DATE" not in self._labels.values()
        meta = pipeline.meta
        spacy_version = importlib.import_module("spacy").__version__
        version = f"{spacy_version} {meta['lang']}_{meta['name']} {meta['version']}"
        # "xx" is spaCy's word for a pipeline of many languages.
        languages = None if pipeline.lang == "xx" else frozenset({str(pipeline.lang)})
        self._info = Info("spacy", version, languages)

    def info(self) -> Info:
        return self._info

    def process_batch(self, articles: Sequence[ArticleText]) -> list[tuple[Entity, ...]]:
        texts = [text[:MAX_CHARS] for article in articles for text in (article.title, article.body)]
        documents = iter(self._pipeline.pipe(texts, batch_size=_BATCH_TEXTS))
        results = []
        for article in articles:
            spans = [*self._spans(next(documents), True), *self._spans(next(documents), False)]
            results.append(self._folder.fold(article, spans, values_by_rule=self._values_by_rule))
        return results

    def _spans(self, document: Any, in_title: bool) -> list[NamedSpan]:
        return [
            NamedSpan(span.start_char, span.end_char, self._labels[span.label_], in_title)
            for span in document.ents
            if span.label_ in self._labels
        ]


def _labels_of(pipeline: Any) -> list[str]:
    return [
        str(label)
        for name in pipeline.pipe_names
        if name in {"ner", "entity_ruler", "span_ruler"}
        for label in pipeline.get_pipe(name).labels
    ]


def load(options: BackendOptions) -> SpacyEntities:
    """Raises ConfigurationError that names what is missing: spaCy, the directory, or entities in it."""
    try:
        spacy = importlib.import_module("spacy")
    except ImportError as error:
        raise ConfigurationError(
            f"WIREROOM_ENTITIES_BACKEND is spacy, and it cannot be imported ({error}): "
            "pip install 'wireroom[enrich,spacy]'"
        ) from error
    path = local_model(options, "config.cfg", "a spaCy pipeline, as `nlp.to_disk(DIR)` writes it")
    try:
        pipeline = spacy.load(path, exclude=_UNNEEDED)
    except Exception as error:  # spaCy raises whatever its parts raise
        raise ConfigurationError(f"spaCy cannot load WIREROOM_ENTITIES_MODEL={path}: {error}") from error
    if not _labels_of(pipeline):
        raise ConfigurationError(
            f"the spaCy pipeline in {path} names no entities: it needs `ner` or `entity_ruler`, and has "
            f"{', '.join(pipeline.pipe_names) or 'nothing'}"
        )
    return SpacyEntities(pipeline, SpanFolder.load(options.directory), options.labels)


def local_model(options: BackendOptions, file: str, what: str) -> Path:
    """Return the directory that the settings name, if `file` is in it. Raises ConfigurationError."""
    path = options.model
    if path is None:
        raise ConfigurationError(
            f"WIREROOM_ENTITIES_MODEL is unset: name the directory of {what}. Nothing is downloaded."
        )
    if not (path / file).is_file():
        raise ConfigurationError(
            f"WIREROOM_ENTITIES_MODEL={path} is not {what}: there is no {file} in it. Put the model there; "
            "nothing is downloaded."
        )
    return path.resolve()
