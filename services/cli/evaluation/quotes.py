"""Quotes with their speakers: what the rules find in texts against what the file marks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.records import Row, optional_text, span_of, text_field
from services.cli.evaluation.report import Report, Speed, prf
from services.enrich.entities.recogniser import MAX_CHARS, EntityRecogniser
from services.enrich.quotes import VERSION, find_quotes
from services.enrich.scoring import NOTHING, Score
from shared.events import Quote

FORMAT: Final = '{"text": "“Go,” said Xi.", "quotes": [{"start": 1, "end": 4, "speaker": "Xi"}]}'
# A comma or a final stop more or less is the same quote.
SAME_SPAN: Final = 0.8
_WORD = re.compile(r"\w+")
_UNTELLING: Final = frozenset(
    [
        "the",
        "a",
        "an",
        "some",
        "of",
        "his",
        "her",
        "its",
        "their",
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "professor",
    ]
)


@dataclass(frozen=True, slots=True)
class MarkedQuote:
    """Any of `speakers` is right; none at all: the file does not say who, and it does not count."""

    start: int
    end: int
    speakers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QuotedText:
    title: str
    text: str
    quotes: tuple[MarkedQuote, ...]


def parse(row: Row) -> QuotedText:
    text = text_field(row, "text")
    quotes = row.get("quotes")
    if not isinstance(quotes, list):
        raise ValueError('"quotes" is not a list')
    return QuotedText(optional_text(row, "title"), text, tuple(_quote(quote, text) for quote in quotes))


def _quote(quote: object, text: str) -> MarkedQuote:
    if not isinstance(quote, dict):
        raise ValueError('a quote is not {"start", "end", "speaker"}')
    start, end = span_of([quote.get("start"), quote.get("end")], text)
    speaker = quote.get("speaker")
    speakers = speaker if isinstance(speaker, list) else [] if speaker is None else [speaker]
    if not all(isinstance(name, str) and name.strip() for name in speakers):
        raise ValueError('"speaker" is neither a name nor a list of names')
    return MarkedQuote(start, end, tuple(speakers))


def overlap(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Return the characters that two spans share, as a part of those that either covers."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return max(0, shared) / (max(one[1], other[1]) - min(one[0], other[0]))


def is_named(names: Sequence[str], speakers: Sequence[str]) -> bool:
    """Tell whether a name means one of the speakers: its telling words are all the speaker's, or reversed."""
    for wanted in map(_telling, speakers):
        for given in map(_telling, names):
            if given and wanted and (given <= wanted or wanted <= given):
                return True
    return False


def _telling(name: str) -> set[str]:
    return set(_WORD.findall(name.casefold())) - _UNTELLING


def score(text: str, found: Sequence[Quote], marked: Sequence[MarkedQuote]) -> tuple[Score, Score]:
    """Return the scores of one text: of quotes with the right speaker, and of quotes whoever speaks.

    The speaker found may be right by its canonical name or by the words that name it there.
    """
    left = list(marked)
    attributed = located = 0
    for quote in found:
        if not left:
            break
        span = (quote.start, quote.end)
        best = max(left, key=lambda one: overlap(span, (one.start, one.end)))
        if overlap(span, (best.start, best.end)) < SAME_SPAN:
            continue
        left.remove(best)
        located += 1
        attributed += not best.speakers or is_named(_names(quote, text), best.speakers)
    return Score(attributed, len(found), len(marked)), Score(located, len(found), len(marked))


def _names(quote: Quote, text: str) -> list[str]:
    if quote.speaker is None:
        return []
    return [quote.speaker, text[quote.speaker_start : quote.speaker_end]]


def evaluate(records: Iterable[QuotedText], models_dir: Path | None) -> Report:
    """Score each text as the body of an article, with the entities that the recogniser finds in it."""
    recogniser = EntityRecogniser.load(models_dir)
    total, spans, speed = NOTHING, NOTHING, Speed()
    texts = 0
    kinds = {"direct": 0, "indirect": 0}
    for record in records:
        texts += 1
        text = record.text[:MAX_CHARS]
        entities = recogniser.recognise(record.title, text)
        with speed.timing(text):
            found = find_quotes(text, entities)
        for quote in found:
            kinds[quote.kind] += 1
        attributed, located = score(text, found, record.quotes)
        total, spans = total + attributed, spans + located
    return Report(
        measures={
            **prf(total),
            "span_f1": spans.f1,
            "span_precision": spans.precision,
            "span_recall": spans.recall,
        },
        counts={
            "texts": texts,
            "expected": total.expected,
            "predicted": total.predicted,
            "correct": total.true_positives,
            **kinds,
        },
        speed=speed,
        models={"quotes": VERSION, "entities": recogniser.version},
    )
