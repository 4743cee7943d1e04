"""Spans of tokens that name something, as tags give them, before they become mentions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.enrich.entities.article import Sentence

_SMALL_WORDS = frozenset(
    {"of", "the", "and", "for", "on", "in", "de", "du", "des", "da", "do", "to", "&", "-"}
)


@dataclass(slots=True)
class Span:
    """A name: tokens start…end-1 of sentence number `sentence`."""

    sentence: int
    start: int
    end: int
    label: str


def reading_order(span: Span) -> tuple[int, int]:
    return span.sentence, span.start


def decode(tags: Sequence[str], sentence: int) -> list[Span]:
    """Return the spans of BIO tags; an I- that continues nothing starts a span."""
    spans: list[Span] = []
    for i, tag in enumerate(tags):
        if tag == "O":
            continue
        label = tag[2:]
        if tag[0] == "I" and spans and spans[-1].end == i and spans[-1].label == label:
            spans[-1].end = i + 1
        else:
            spans.append(Span(sentence, i, i + 1, label))
    return spans


def phrase(sentences: Sequence[Sentence], span: Span) -> str:
    return " ".join(sentences[span.sentence].words[span.start : span.end])


def acronym_letters(short: str) -> str:
    """Return the letters of what may be an acronym in capitals, or "" when it cannot be one."""
    letters = "".join(c for c in short if c.isalnum()).upper()
    return letters if 2 <= len(letters) <= 10 and short[0].isupper() else ""


def initials(words: Sequence[str]) -> set[str]:
    """Return what acronyms a name of two words or more can have: with and without its small words."""
    if len(words) < 2:
        return set()
    pieces = [piece for word in words for piece in word.split("-") if piece and piece[0].isalnum()]
    every = "".join(piece[0] for piece in pieces).upper()
    main = "".join(piece[0] for piece in pieces if piece.lower() not in _SMALL_WORDS).upper()
    return {every, main} - {""}


def is_acronym_of(short: str, words: Sequence[str]) -> bool:
    """Tell whether `short` is made of the initials of `words`, with or without the small words."""
    letters = acronym_letters(short)
    return letters != "" and letters in initials(words)
