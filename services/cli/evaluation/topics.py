"""Topics: the likeliest of the 17 top-level IPTC Media Topics against those of the file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.records import Row, title_and_body
from services.cli.evaluation.report import Report, Speed
from services.cli.evaluation.submitted import cleaned, draft_of
from services.enrich.pipeline import Models, classify_topics
from services.enrich.scoring import LabelTally, macro_f1, micro
from services.enrich.steps.topics import MEDIA_TOPICS
from shared.events import SubmittedArticle

FORMAT: Final = '{"title": "Rates rise", "body": "The bank …", "topic": "economy"}'
_PARTS = re.compile(r",\s*|\s+and\s+")
_CODE = re.compile(r"(?:medtop:)?(\d{8})\Z")


def _names() -> dict[str, str]:
    """Return the short name of each topic under every name it may be given by."""
    names: dict[str, str] = {}
    for short, (code, name) in MEDIA_TOPICS.items():
        names |= dict.fromkeys((*_PARTS.split(name), name, code), short)
    return names | {short: short for short in MEDIA_TOPICS}


_SHORT_NAME: Final = _names()


def topic_name(value: object) -> str:
    """Return the short name of a top-level topic given by code, IPTC name, a word of that, or short name.

    Raises ValueError if it is none of the 17.
    """
    if isinstance(value, str):
        wanted = " ".join(value.casefold().split())
        code = _CODE.match(wanted)
        found = _SHORT_NAME.get(code[1] if code else wanted)
        if found:
            return found
        raise ValueError(f"{value[:40]!r} is no top-level Media Topic")
    raise ValueError('"topic" is not a string or a list of strings')


@dataclass(frozen=True, slots=True)
class Classified:
    title: str
    body: str
    topics: tuple[str, ...]


def parse(row: Row) -> Classified:
    title, body = title_and_body(row)
    value = row.get("topic")
    topics = tuple(map(topic_name, value if isinstance(value, list) else [value]))
    if not topics:
        raise ValueError('"topic" is an empty list')
    return Classified(title, body, topics)


def evaluate(records: Iterable[Classified], models_dir: Path | None) -> Report:
    """Score the first topic given.

    Of several topics in the file any is right, and where none is found the first counts as missed.
    Macro F1 is over the topics that the file has.
    """
    models = Models.load(models_dir)
    tally, speed = LabelTally(), Speed()
    texts = given = 0
    for texts, record in enumerate(records, start=1):
        with speed.timing(record.title, record.body):
            article = SubmittedArticle(title=record.title, body=record.body)
            found = classify_topics(cleaned(draft_of(texts, article), models), models).topics
        names = [_SHORT_NAME[topic.code] for topic in found]
        first = names[0] if names else None
        tally.add_class(first if first in record.topics else record.topics[0], first)
        given += any(name in record.topics for name in names)
    scores = tally.scores()
    expected = {label: score for label, score in scores.items() if score.expected}
    return Report(
        measures={
            "f1": macro_f1(expected),
            "accuracy": micro(expected).recall,
            "among_given": given / texts if texts else 0.0,
        },
        counts={"texts": texts, "topics": len(expected)},
        speed=speed,
        labels=scores,
        models={"topics": models.topics.version},
    )
