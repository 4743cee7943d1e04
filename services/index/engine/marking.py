"""From query nodes to what to highlight in titles and bodies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from services.index.engine.analysis import UNSPACED_RANGES, stem_of, stems, word_of, words
from services.index.engine.protocol import Highlights
from services.index.highlight import Needle, Reader, find_spans, mark, snippet
from services.index.query.nodes import Bool, Field, Fuzzy, Node, Phrase, Prefix, Term

# Matches further down are found, and not shown; a book sent as one article must not stall the searches.
LONGEST_BODY_CHARS = 100_000
_READER = Reader(word_of, UNSPACED_RANGES)
_NAMES = frozenset({Field.ENTITY, Field.PERSON, Field.ORG, Field.PLACE})
_TITLE = frozenset({None, Field.TITLE}) | _NAMES
_BODY = frozenset({None, Field.BODY}) | _NAMES


@dataclass(frozen=True, slots=True)
class Marker:
    """Highlights for one query. What the query excludes is not marked."""

    title_needles: tuple[Needle, ...]
    body_needles: tuple[Needle, ...]

    def highlights(self, title: str, body: str) -> Highlights:
        return Highlights(
            title=mark(title, find_spans(title, self.title_needles, _READER)),
            body=snippet(body, find_spans(body[:LONGEST_BODY_CHARS], self.body_needles, _READER)),
        )


def marker_for(node: Node) -> Marker:
    leaves = list(dict.fromkeys(_wanted(node)))
    return Marker(
        tuple(needle for leaf in leaves if leaf.field in _TITLE for needle in _needles(leaf)),
        tuple(needle for leaf in leaves if leaf.field in _BODY for needle in _needles(leaf)),
    )


_DIGRAPHS = frozenset({"ae", "oe", "ss"})
_MOST_DIGRAPHS = 2
_Leaf = Term | Phrase | Prefix | Fuzzy


def _wanted(node: Node) -> Iterator[_Leaf]:
    if isinstance(node, Bool):
        for child in (*node.must, *node.should):
            yield from _wanted(child)
    elif isinstance(node, _Leaf):
        yield node


def _needles(leaf: _Leaf) -> Iterator[Needle]:
    found = words(leaf.text)
    if not found:
        return
    match leaf:
        case Term() if len(found) == 1:
            stem = stems(leaf.text)[0]
            if leaf.field in _NAMES:
                yield _word(found[0])
            else:
                yield Needle(_common_beginning(stem), lambda surface: stem_of(surface) == stem)
        case Phrase(slop=slop) if slop:
            yield from map(_word, found)
        case Prefix() if len(found) == 1:
            beginning = found[0]
            yield Needle(_plain_start(beginning), lambda surface: word_of(surface).startswith(beginning))
        case Fuzzy(distance=distance) if len(found) == 1:
            # A letter that is written as two, such as ß, makes a word shorter than it is here.
            least = len(found[0]) - distance - _MOST_DIGRAPHS
            yield Needle("", _within(found[0], distance), lengths=(least, len(found[0]) + distance))
        case Prefix():
            yield Needle(_plain_start(found[0]), _equals(found[0]), tuple(found[1:-1]))
        case _:
            yield Needle(_plain_start(found[0]), _equals(found[0]), tuple(found[1:]))


def _word(word: str) -> Needle:
    return Needle(_plain_start(word), _equals(word))


def _equals(word: str) -> Callable[[str], bool]:
    return lambda surface: word_of(surface) == word


def _plain_start(word: str) -> str:
    """Return the beginning of `word` that is one character for one in every text: ß is written "ss" here."""
    for at in range(len(word) - 1):
        if word[at : at + 2] in _DIGRAPHS:
            return word[: at + 1]
    return word


def _common_beginning(stem: str) -> str:
    """Return what all words of a stem begin with: stemming changes at most two letters of it (skies, sky)."""
    return _plain_start(stem[: max(1, len(stem) - 2)])


def _within(word: str, distance: int) -> Callable[[str], bool]:
    letters = set(word)
    answers: dict[str, bool] = {}  # the bodies of a page have most of their words in common

    def is_near(surface: str) -> bool:
        other = word_of(surface)
        # An edit takes away at most one letter and one of length, which rules out nearly every word at once.
        if abs(len(other) - len(word)) > distance or len(letters.difference(other)) > distance:
            return False
        return edit_distance(word, other, distance) <= distance

    def matches(surface: str) -> bool:
        answer = answers.get(surface)
        if answer is None:
            answer = answers[surface] = is_near(surface)
        return answer

    return matches


def edit_distance(a: str, b: str, limit: int) -> int:
    """Return the edits from `a` to `b`, a swap of neighbours counting one; limit + 1 for any more."""
    before: list[int] = []
    previous = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        current = [i]
        for j, other in enumerate(b, 1):
            cost = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (char != other))
            if i > 1 and j > 1 and char == b[j - 2] and a[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            current.append(cost)
        if min(current) > limit:
            return limit + 1
        before, previous = previous, current
    return previous[-1]
