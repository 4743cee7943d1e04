"""An article cut into sentences of normalised words: the same for training and for recognition."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from services.enrich.entities.casing import CaseEvidence, headline_style, restore_case
from services.enrich.entities.features import WordForms
from services.enrich.entities.gazetteer import Gazetteer
from services.enrich.text import Token, split_sentences, tokenize

# A sentence longer than this is a table or a list; it is tagged in pieces of this many tokens.
_MAX_SENTENCE_TOKENS = 200


@dataclass(slots=True)
class Sentence:
    """A stretch of one text. Token offsets index the title or the body, as `in_title` says."""

    tokens: list[Token]
    words: list[str]
    in_title: bool


def prepare_article(
    title: str, body: str, forms: WordForms, gazetteer: Gazetteer, max_tokens: int
) -> list[Sentence]:
    """Return the sentences of title and body, title first, up to `max_tokens` tokens of body."""
    title_sentences = list(_sentences(title, max_tokens))
    body_sentences = list(_sentences(body, max_tokens))
    evidence = CaseEvidence()
    styles = [headline_style([token.text for token in tokens]) for tokens in body_sentences]
    for tokens, style in zip(body_sentences, styles, strict=True):
        if style == "sentence":
            evidence.add_sentence([token.text for token in tokens])
    prepared = [_prepare(tokens, None, evidence, forms, gazetteer) for tokens in title_sentences]
    prepared += [
        _prepare(tokens, style, evidence, forms, gazetteer)
        for tokens, style in zip(body_sentences, styles, strict=True)
    ]
    return prepared


def _sentences(text: str, max_tokens: int) -> Iterable[list[Token]]:
    """Yield the tokens of each sentence until `max_tokens` have been given."""
    tokens = tokenize(text)[:max_tokens]
    position = 0
    for _, end in split_sentences(text):
        first = position
        while position < len(tokens) and tokens[position].start < end:
            position += 1
            if position - first == _MAX_SENTENCE_TOKENS:
                yield tokens[first:position]
                first = position
        if position > first:
            yield tokens[first:position]
        if position == len(tokens):
            return


def _prepare(
    tokens: list[Token],
    style: str | None,
    evidence: CaseEvidence,
    forms: WordForms,
    gazetteer: Gazetteer,
) -> Sentence:
    """Restore the case of a headline and normalise; `style` is None for a title, not yet looked at."""
    words = [token.text for token in tokens]
    in_title = style is None
    style = style or headline_style(words)
    if style != "sentence":
        words = restore_case(words, style, evidence, gazetteer)
    return Sentence(tokens, forms.normalised(words), in_title)
