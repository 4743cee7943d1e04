"""Named entities: strict spans of the recogniser against those of the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.records import Row, span_of, text_field
from services.cli.evaluation.report import Report, Speed, prf
from services.enrich.entities.recogniser import MAX_CHARS, EntityRecogniser
from services.enrich.scoring import LabelTally, Span, coarse_spans, micro

FORMAT: Final = '{"text": "Xi met Blinken.", "entities": [[0, 2, "PERSON"], [7, 14, "PERSON"]]}'

# Found by rule, and marked by few files: they count only where the file marks them.
RULE_LABELS: Final = frozenset({"DATE", "MONEY", "PERCENT"})
# OntoNotes' other numbers: the recogniser leaves them alone, and so does the score.
UNSOUGHT_LABELS: Final = frozenset({"CARDINAL", "ORDINAL", "QUANTITY", "TIME"})
_ALIASES: Final = {"PER": "PERSON"}


@dataclass(frozen=True, slots=True)
class MarkedText:
    """Offsets are in characters of the text as it stands in the file."""

    text: str
    entities: tuple[Span, ...]


def parse(row: Row) -> MarkedText:
    text = text_field(row, "text")
    entities = row.get("entities")
    if not isinstance(entities, list):
        raise ValueError('"entities" is not a list')
    return MarkedText(text, tuple(_entity(entity, text) for entity in entities))


def _entity(entity: object, text: str) -> Span:
    if not isinstance(entity, list) or len(entity) != 3 or not isinstance(entity[2], str):
        raise ValueError("an entity is not [start, end, label]")
    start, end = span_of(entity[:2], text)
    label = entity[2].strip().upper()
    if not label:
        raise ValueError("an entity has no label")
    return start, end, _ALIASES.get(label, label)


def ignored_labels(tally: LabelTally) -> set[str]:
    """Return the labels that do not count in this file."""
    return {*UNSOUGHT_LABELS, *(RULE_LABELS - tally.expected.keys())}


def evaluate(records: Iterable[MarkedText], models_dir: Path | None, *, coarse: bool) -> Report:
    """Score the recogniser on each text as it stands, headline and all, as the body of an article."""
    recogniser = EntityRecogniser.load(models_dir)
    tally, speed = LabelTally(), Speed()
    texts = 0
    for record in records:
        texts += 1
        text = record.text[:MAX_CHARS]
        with speed.timing(text):
            mentions = recogniser.named_mentions("", text)
        found: list[Span] = [(mention.start, mention.end, mention.label) for mention in mentions]
        if coarse:
            tally.add_spans(coarse_spans(record.entities), coarse_spans(found))
        else:
            tally.add_spans(record.entities, found)
    ignored = ignored_labels(tally)
    scores = tally.scores(ignored)
    total = micro(scores)
    return Report(
        measures=prf(total),
        counts={
            "texts": texts,
            "expected": total.expected,
            "predicted": total.predicted,
            "correct": total.true_positives,
            "ignored": sum(tally.expected[label] for label in ignored),
        },
        speed=speed,
        labels=scores,
        models={"entities": recogniser.version},
    )
