"""Sentiment: towards a target in a sentence, or of a whole text."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.records import Row, span_of, title_and_body
from services.cli.evaluation.report import Report, Speed
from services.enrich.scoring import LabelTally, macro_f1, mean, micro
from services.enrich.steps.article_tone import tone_label
from services.enrich.steps.cleanup import clean_text
from services.enrich.steps.sentiment import MAX_CHARS, SentimentModel
from services.enrich.text import split_sentences

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


def evaluate(records: Iterable[Judged], models_dir: Path | None) -> Report:
    """Score labels by accuracy and macro F1, and numbers also by how many lie within 0.5."""
    model = SentimentModel.load(models_dir)
    tally, speed = LabelTally(), Speed()
    errors: list[float] = []
    targets = 0
    for record in records:
        with speed.timing(record.title, record.body):
            label, score = _read(model, record)
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
        models={"sentiment": model.version},
    )


def _read(model: SentimentModel, record: Judged) -> tuple[str, float]:
    """Return the label and the score −1…1 that the service would give."""
    if record.target is not None:
        text, start, end = _around(record.body, *record.target)
        chances = model.target_sentiment(text, start, end)
        return LABELS[int(chances.argmax())], float(chances[2] - chances[0])
    title, body = record.title, record.body
    if title or "\n" in body:  # an article; what has one line is left as it is
        cleaned = clean_text(title, body)
        title, body = cleaned.title, cleaned.body
    sentiment, _ = model.annotate(title, body, ())
    return sentiment.label, sentiment.score


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
