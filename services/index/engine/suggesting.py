"""Did you mean: a search that finds something, out of the index's own words, for one that finds nothing.

Only words that people misspell are changed: plain terms and the words of phrases, in the text or in names.
What is excluded, exact values, prefixes, near words, ranges and numbers stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, product
from string import ascii_lowercase
from typing import NamedTuple

from tantivy import Searcher

from services.index.engine.analysis import stems, words
from services.index.engine.compiling import WORDS, Compiler
from services.index.engine.marking import edit_distance
from services.index.engine.protocol import Query, Suggestion, filtered
from services.index.engine.rows import View
from services.index.query.nodes import Bool, Field, Node, Phrase, Term

_TEXT = (Field.TITLE, Field.BODY)
_FIELDS = frozenset({None, *_TEXT, Field.AUTHOR, Field.ENTITY, Field.PERSON, Field.ORG, Field.PLACE})
_MIN_CHARS = 3
_MAX_CHARS = 25
_MAX_WORDS = 6
_CANDIDATES = 3
_ATTEMPTS = 8
# Two edits are looked for among the most frequent words that begin as the word does.
_BEGINNING_CHARS = 3
_SCANNED = 1_000
# Fewer documents than this may repeat somebody's mistake.
_FEW = 3
_SECOND_EDIT = 4.0
_OTHER_FIRST_LETTER = 1.5
# A word that the index knows is changed for a far more frequent one only.
_FAR_MORE = 5


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the query, folded, in the field it is looked for in."""

    text: str
    field: Field | None


class _Candidate(NamedTuple):
    score: float
    text: str
    documents: int


Corrections = Mapping[_Word, str]


def suggest(searcher: Searcher, compiler: Compiler, query: Query) -> Suggestion | None:
    """Return the best correction that matches anything under the query's filters, if there is one."""
    asked = list(dict.fromkeys(_words_of(query.node)))[:_MAX_WORDS]
    lexicon = _Lexicon(searcher)
    for corrections in islice(_corrections(asked, lexicon), _ATTEMPTS):
        node = _corrected(query.node, corrections)
        matching = compiler.compile(filtered(replace(query, node=node)))
        total = View(searcher, compiler, matching).count()
        if total:
            return Suggestion(node, total)
    return None


def _words_of(node: Node) -> Iterator[_Word]:
    if isinstance(node, Bool):
        for child in (*node.must, *node.should):
            yield from _words_of(child)
    elif isinstance(node, Term | Phrase) and node.field in _FIELDS:
        found = words(node.text)
        if isinstance(node, Phrase) or len(found) == 1:  # "al-Jazeera" has several: who knows where it errs
            yield from (_Word(one, node.field) for one in found if _may_be_misspelt(one))


def _may_be_misspelt(word: str) -> bool:
    return _MIN_CHARS <= len(word) <= _MAX_CHARS and word.isalpha()


def _corrections(asked: Sequence[_Word], lexicon: _Lexicon) -> Iterator[Corrections]:
    """Yield what to try, the likeliest first: all unknown words at once, else one known word at a time."""
    unknown = {word: lexicon.candidates(word) for word in asked if not lexicon.knows(word)}
    choices = {word: found[:_CANDIDATES] for word, found in unknown.items() if found}
    if unknown:
        if choices:
            ways = sorted(product(*choices.values()), key=lambda way: -sum(one.score for one in way))
            for way in ways:
                yield {word: one.text for word, one in zip(choices, way, strict=True)}
        return
    single = [
        (one.score, word, one.text)
        for word in asked
        for one in lexicon.candidates(word)[:_CANDIDATES]
        if one.documents > _FAR_MORE * lexicon.documents(word.text, word.field)
    ]
    for _, word, text in sorted(single, key=lambda one: -one[0]):
        yield {word: text}


class _Lexicon:
    """The words of an index, and how many documents have them."""

    def __init__(self, searcher: Searcher) -> None:
        self._searcher = searcher

    def documents(self, word: str, field: Field | None) -> int:
        return max(self._searcher.doc_freq(name, word) for name in _columns(field))

    def knows(self, word: _Word) -> bool:
        if self.documents(word.text, word.field):
            return True
        if word.field is not None and word.field not in _TEXT:
            return False
        return any(self._searcher.doc_freq(name, stem) for name in _TEXT for stem in stems(word.text))

    def candidates(self, word: _Word) -> list[_Candidate]:
        """Return known words within two edits, the best first: near, frequent, with the same first letter."""
        near = {one: count for one in _one_edit(word.text) if (count := self.documents(one, word.field))}
        found = [_candidate(word.text, one, 1, count) for one, count in near.items()]
        if max(near.values(), default=0) < _FEW and len(word.text) > _BEGINNING_CHARS:
            beginning = word.text[:_BEGINNING_CHARS]
            limit = 1 if len(word.text) < 2 * _BEGINNING_CHARS else 2
            for name in _columns(word.field):
                for one, count in self._searcher.terms_with_prefix(name, beginning, limit=_SCANNED):
                    if one in near or one == word.text or abs(len(one) - len(word.text)) > limit:
                        continue
                    if (distance := edit_distance(word.text, one, limit)) <= limit:
                        near[one] = count
                        found.append(_candidate(word.text, one, distance, count))
        return sorted(found, reverse=True)


def _columns(field: Field | None) -> tuple[str, ...]:
    return (WORDS[field],) if field is not None else tuple(WORDS[one] for one in _TEXT)


def _candidate(word: str, other: str, distance: int, documents: int) -> _Candidate:
    score = math.log(documents) - _SECOND_EDIT * (distance - 1)
    return _Candidate(score - _OTHER_FIRST_LETTER * (other[0] != word[0]), other, documents)


def _one_edit(word: str) -> set[str]:
    """Return what is one edit away, a swap of neighbours being one: some 500 for a word of nine letters."""
    parts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {a + b[1:] for a, b in parts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in parts if len(b) > 1}
    found |= {a + letter + b[1:] for a, b in parts if b for letter in ascii_lowercase}
    found |= {a + letter + b for a, b in parts for letter in ascii_lowercase}
    return found - {word, ""}


def _corrected(node: Node, corrections: Corrections) -> Node:
    match node:
        case Bool():
            must, should = (
                tuple(_corrected(child, corrections) for child in children)
                for children in (node.must, node.should)
            )
            return replace(node, must=must, should=should)
        case Term():
            found = words(node.text)
            if len(found) != 1 or (text := corrections.get(_Word(found[0], node.field))) is None:
                return node
            return replace(node, text=_cased(text, node.text))
        case Phrase():
            found = [corrections.get(_Word(one, node.field), one) for one in words(node.text)]
            return node if found == words(node.text) else replace(node, text=" ".join(found))
        case _:
            return node


def _cased(word: str, like: str) -> str:
    if like.isupper():
        return word.upper()
    return word.capitalize() if like[:1].isupper() else word
