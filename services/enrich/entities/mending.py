"""What the words of a name say for themselves: spans are mended before the article is seen as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from services.enrich.entities.article import Sentence
from services.enrich.entities.spans import Span

# The last word of a name that says what the name is of.
_LABEL_OF_LAST_WORD = {
    word: label
    for label, words in {
        "LAW": "Act Amendment Protocol Treaty Accord Accords",
        "FAC": "Airport Stadium Bridge Dam Street Avenue Prison Motorway Expressway Boulevard",
        "LOC": "River Mountains Peninsula Sea Ocean Strait Desert Forest Glacier",
        "WORK_OF_ART": "Prize Award Awards Medal",
        "EVENT": "Championship Championships Olympics",
    }.items()
    for word in words.split()
}
_NOT_OF_PEOPLE = frozenset({"FAC", "LAW"})
_PLACES = frozenset({"FAC", "LOC"})
_NEVER_PLACES = frozenset({"EVENT", "PRODUCT", "WORK_OF_ART", "LAW"})
# "South Korean", "Saudi Arabian", "Latin American".
_PEOPLE_PREFIXES = frozenset(
    {"North", "South", "East", "West", "New", "Sri", "Saudi", "Costa", "Puerto", "Papua", "Latin", "African"}
    | {"Central", "Northern", "Southern", "Eastern", "Western", "Native"}
)
_STORMS = frozenset({"Hurricane", "Typhoon", "Cyclone"})
_PARTY_LETTERS = frozenset({"R", "D", "I"})


def mended(sentences: Sequence[Sentence], spans: Sequence[Span]) -> list[Span]:
    """Return the spans, in reading order like those given, with split names joined and plain labels set."""
    joined = _joined(sentences, spans)
    for span in joined:
        span.label = _plain_label(sentences[span.sentence].words, span)
    _follow_storms(sentences, joined)
    return joined


def _joined(sentences: Sequence[Sentence], spans: Sequence[Span]) -> list[Span]:
    """Make one of what the tagger cut in two: "Florence" "Grace Adongo", "South" "Korean"."""
    joined: list[Span] = []
    for span in spans:
        left = joined[-1] if joined else None
        if left and (left.sentence, left.end, left.label) == (span.sentence, span.start, span.label):
            first = sentences[left.sentence].words[left.start]
            if span.label == "PERSON" or (span.label == "NORP" and first in _PEOPLE_PREFIXES):
                left.end = span.end
                continue
        joined.append(span)
    return joined


def _plain_label(words: Sequence[str], span: Span) -> str:
    """Return the label of a name that ends in what it is, of the R of "R-Texas", or the one it has."""
    if span.end == span.start + 1:
        is_party = words[span.start] in _PARTY_LETTERS and list(words[span.end : span.end + 1]) == ["-"]
        return "NORP" if is_party else span.label
    label = _LABEL_OF_LAST_WORD.get(words[span.end - 1])
    if label is None or (span.label == "PERSON" and label not in _NOT_OF_PEOPLE):
        return span.label
    return span.label if label in _PLACES and span.label in _NEVER_PLACES else label


def _follow_storms(sentences: Sequence[Sentence], spans: Sequence[Span]) -> None:
    """Label "Cyclone Mridul", and then "Mridul", as events."""
    names: set[str] = set()
    for span in spans:
        words = sentences[span.sentence].words
        if span.end == span.start + 1 and span.start and words[span.start - 1] in _STORMS:
            span.start -= 1
        if span.end == span.start + 2 and words[span.start] in _STORMS:
            span.label = "EVENT"
            names.add(words[span.end - 1])
    for span in spans:
        if span.end == span.start + 1 and sentences[span.sentence].words[span.start] in names:
            span.label = "EVENT"
