"""Sentiment: towards a target in a sentence, or of a whole text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.backends import BATCH_TEXTS, SHIPPED, Chosen, answers, as_articles, in_batches
from services.cli.evaluation.records import Row, span_of, title_and_body
from services.cli.evaluation.report import Report, Speed
from services.enrich.backends import SentimentBackend
from services.enrich.scoring import LabelTally, macro_f1, mean, micro
from services.enrich.steps.article_tone import tone_label
from services.enrich.steps.cleanup import clean_text
from services.enrich.steps.sentiment import MAX_CHARS, SentimentModel
from services.enrich.text import split_sentences
from shared.events import Entity, Mention

FORMAT: Final = '{"text": "Critics praised Ruiz.", "target": [16, 20], "label": "positive"}'
LABELS: Final = ("negative", "neutral", "positive")
NEAR: Final = 0.5
SENTENCE_CHARS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Judged:
    """A text and its sentiment, towards `target` if it has one; `score` is −1…1 where a number was given."""

    title: str
    body: str
    target: tuple[int, int] | None
    label: str
    score: float | None


def parse(row: Row) -> Judged:
    title, body = title_and_body(row)
    target = row.get("target")
    if target is not None and title:
        raise ValueError('a "target" needs a "text" that its offsets index')
    label, score = _label(row.get("label"))
    return Judged(title, body, None if target is None else span_of(target, body), label, score)


def _label(value: object) -> tuple[str, float | None]:
    if isinstance(value, str) and value.strip().lower() in LABELS:
        return value.strip().lower(), None
    if isinstance(value, int | float) and not isinstance(value, bool):
        if not (math.isfinite(value) and -1 <= value <= 1):
            raise ValueError('"label" is not within -1 and 1')
        return tone_label(float(value)), float(value)
    raise ValueError(f'"label" is none of {", ".join(LABELS)}, and no number from -1 to 1')


def evaluate(records: Iterable[Judged], models_dir: Path | None, *, chosen: Chosen = SHIPPED) -> Report:
    """Score labels by accuracy and macro F1, and numbers also by how many lie within 0.5."""
    tally, speed = LabelTally(), Speed()
    errors: list[float] = []
    targets = 0
    reader = _Shipped.load(models_dir) if chosen.builtin else _Backend.load(chosen, models_dir)
    for batch in in_batches(records, 1 if chosen.builtin else BATCH_TEXTS):
        with speed.timing(*(text for record in batch for text in (record.title, record.body))):
            read = reader.read(batch)
        for record, (label, score) in zip(batch, read, strict=True):
            tally.add_class(record.label, label)
            targets += record.target is not None
            if record.score is not None:
                errors.append(abs(score - record.score))
    scores = tally.scores()
    measures = {"f1": macro_f1(scores), "accuracy": micro(scores).recall}
    if errors:
        measures["within_half"] = mean([error <= NEAR for error in errors])
        measures["mean_error"] = mean(errors)
    return Report(
        measures=measures,
        counts={"texts": micro(scores).expected, "with_target": targets},
        speed=speed,
        labels=scores,
        models={"sentiment": reader.version},
    )


@dataclass(frozen=True, slots=True)
class _Shipped:
    """What ships: towards a target the likeliest label, not that of its score."""

    model: SentimentModel

    @classmethod
    def load(cls, models_dir: Path | None) -> _Shipped:
        return cls(SentimentModel.load(models_dir))

    @property
    def version(self) -> str:
        return self.model.version

    def read(self, records: Sequence[Judged]) -> list[tuple[str, float]]:
        """Return the label and the score −1…1 that the service would give."""
        return [self._read(record) for record in records]

    def _read(self, record: Judged) -> tuple[str, float]:
        if record.target is not None:
            text, start, end = _around(record.body, *record.target)
            chances = self.model.target_sentiment(text, start, end)
            return LABELS[int(chances.argmax())], float(chances[2] - chances[0])
        title, body = _cleaned(record)
        sentiment, _ = self.model.annotate(title, body, ())
        return sentiment.label, sentiment.score


@dataclass(frozen=True, slots=True)
class _Backend:
    """Another backend; a target is given to it as the article's one entity."""

    backend: SentimentBackend

    @classmethod
    def load(cls, chosen: Chosen, models_dir: Path | None) -> _Backend:
        return cls(chosen.load("sentiment", models_dir))

    @property
    def version(self) -> str:
        return str(self.backend.info())

    def read(self, records: Sequence[Judged]) -> list[tuple[str, float]]:
        """Return label and score; a tone that the backend withholds from a target is neutral."""
        articles = as_articles(self.backend, map(_as_text, records))
        read = []
        for record, tone in zip(records, answers(self.backend, articles), strict=True):
            if record.target is None:
                read.append((tone.article.label, tone.article.score))
            else:
                towards = tone.entities[0] if tone.entities else None
                score = towards.score if towards is not None else 0.0
                read.append((tone_label(score), score))
        return read


def _as_text(record: Judged) -> tuple[str, str, tuple[Entity, ...]]:
    if record.target is None:
        return *_cleaned(record), ()
    text, start, end = _around(record.body, *record.target)
    name, mention = text[start:end], Mention(start=start, end=end)
    return "", text, (Entity(text=name, label="PERSON", canonical=name, count=1, mentions=(mention,)),)


def _cleaned(record: Judged) -> tuple[str, str]:
    if record.title or "\n" in record.body:  # an article; what has one line is left as it is
        cleaned = clean_text(record.title, record.body)
        return cleaned.title, cleaned.body
    return record.title, record.body


def _around(text: str, start: int, end: int) -> tuple[str, int, int]:
    """Return the sentences that the target lies in, and its place in them: what the service reads of it."""
    if len(text) <= SENTENCE_CHARS and "\n" not in text:  # a sentence, whatever stops it may have inside
        return text, start, end
    origin = max(0, start - MAX_CHARS)
    text, start, end = text[origin : end + MAX_CHARS], start - origin, end - origin
    touched = [(a, b) for a, b in split_sentences(text) if a < end and b > start]
    if not touched:
        return text[start:end], 0, end - start
    first, last = min(touched[0][0], start), max(touched[-1][1], end)
    return text[first : min(last, first + MAX_CHARS)], start - first, end - first
