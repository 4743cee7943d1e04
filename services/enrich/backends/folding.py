"""Spans of any recogniser to entities: trimmed, labelled and folded under canonical names as our own are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from services.enrich.backends.protocol import ENGLISH, ArticleText
from services.enrich.entities.canonical import NamedMention, fold_mentions
from services.enrich.entities.gazetteer import Gazetteer
from services.enrich.entities.recogniser import entities_from_groups, load_gazetteer, rule_mentions
from services.enrich.text import tokenize
from shared.events import Entity, Label

MAX_SPANS = 20_000
MAX_SPAN_CHARS = 300
LABELS = frozenset(get_args(Label))
_VALUES = frozenset({"DATE", "MONEY", "PERCENT"})
# OntoNotes' guide takes the article into a name ("the United States"), ours does not.
_ARTICLE = re.compile(r"the\s+(?=\S)")
_POSSESSIVE = re.compile(r"\s?['’][sS]?\Z")


class NamedSpan(NamedTuple):
    """Half-open span of the title or of the body, under one of our labels."""

    start: int
    end: int
    label: str
    in_title: bool = False


class SpanFolder:
    """Makes entities of the spans that a model found."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer

    @classmethod
    def load(cls, directory: Path | None = None) -> SpanFolder:
        """Raises ConfigurationError when the gazetteer is missing."""
        return cls(load_gazetteer(directory))

    def fold(
        self, article: ArticleText, spans: Iterable[NamedSpan], *, values_by_rule: bool = False
    ) -> tuple[Entity, ...]:
        """Return the entities, most mentioned first. Spans that overlap an earlier, longer one are dropped.

        `values_by_rule` adds dates, sums and percentages of English texts, for models that find none.
        """
        mentions = _mentions(article, _apart(spans))
        if values_by_rule and article.language in ENGLISH | {"und"}:
            for in_title, text in ((True, article.title), (False, article.body)):
                mentions += rule_mentions(text, in_title, [m for m in mentions if m.in_title == in_title])
        mentions.sort(key=lambda mention: (not mention.in_title, mention.start))
        return entities_from_groups(mentions, fold_mentions(mentions, self._gazetteer))


def _apart(spans: Iterable[NamedSpan]) -> list[NamedSpan]:
    kept: list[NamedSpan] = []
    for span in sorted(spans, key=lambda span: (span.in_title, span.start, -span.end))[:MAX_SPANS]:
        if not kept or kept[-1].in_title != span.in_title or kept[-1].end <= span.start:
            kept.append(span)
    return kept


def _mentions(article: ArticleText, spans: Sequence[NamedSpan]) -> list[NamedMention]:
    mentions = []
    for span in spans:
        text = (article.title if span.in_title else article.body)[span.start : span.end]
        # An endless span names nothing; one that is not of this text was meant for another.
        if span.label not in LABELS or len(text) != span.end - span.start or len(text) > MAX_SPAN_CHARS:
            continue
        start, text = span.start, text
        if span.label not in _VALUES:
            start, text = _trimmed(start, text)
        words = tuple(token.text for token in tokenize(text))
        if words:
            mentions.append(NamedMention(text, span.label, words, start, start + len(text), span.in_title))
    return mentions


def _trimmed(start: int, text: str) -> tuple[int, str]:
    stripped = text.lstrip()
    start, text = start + len(text) - len(stripped), stripped.rstrip()
    article = _ARTICLE.match(text)
    if article:
        start, text = start + article.end(), text[article.end() :]
    return start, _POSSESSIVE.sub("", text)
