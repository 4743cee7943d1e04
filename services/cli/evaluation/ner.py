"""Named entities: strict spans of the recogniser against those of the file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.backends import BATCH_TEXTS, SHIPPED, Chosen, answers, as_articles, in_batches
from services.cli.evaluation.records import Row, span_of, text_field
from services.cli.evaluation.report import Report, Speed, prf
from services.enrich.backends import EntitiesBackend
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


def evaluate(
    records: Iterable[MarkedText], models_dir: Path | None, *, coarse: bool, chosen: Chosen = SHIPPED
) -> Report:
    """Score the backend on each text as it stands, headline and all, as the body of an article."""
    tally, speed = LabelTally(), Speed()
    texts = 0
    reader = _Recogniser.load(models_dir) if chosen.builtin else _Backend.load(chosen, models_dir)
    for batch in in_batches(records, 1 if chosen.builtin else BATCH_TEXTS):
        texts += len(batch)
        given = [record.text[:MAX_CHARS] for record in batch]
        with speed.timing(*given):
            found = reader.spans(given)
        for record, spans in zip(batch, found, strict=True):
            if coarse:
                tally.add_spans(coarse_spans(record.entities), coarse_spans(spans))
            else:
                tally.add_spans(record.entities, spans)
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
        models={"entities": reader.version},
    )


@dataclass(frozen=True, slots=True)
class _Recogniser:
    """What ships, by its mentions before they are folded into entities."""

    recogniser: EntityRecogniser

    @classmethod
    def load(cls, models_dir: Path | None) -> _Recogniser:
        return cls(EntityRecogniser.load(models_dir))

    @property
    def version(self) -> str:
        return self.recogniser.version

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        return [
            [
                (mention.start, mention.end, mention.label)
                for mention in self.recogniser.named_mentions("", text)
            ]
            for text in texts
        ]


@dataclass(frozen=True, slots=True)
class _Backend:
    """Another backend, by the mentions of the entities it gives."""

    backend: EntitiesBackend

    @classmethod
    def load(cls, chosen: Chosen, models_dir: Path | None) -> _Backend:
        return cls(chosen.load("entities", models_dir))

    @property
    def version(self) -> str:
        return str(self.backend.info())

    def spans(self, texts: Sequence[str]) -> list[list[Span]]:
        articles = as_articles(self.backend, (("", text, ()) for text in texts))
        return [
            [(one.start, one.end, entity.label) for entity in entities for one in entity.mentions]
            for entities in answers(self.backend, articles)
        ]
