"""What the saved searches look for in one kind of field, and which of it a surface or a value holds.

A key is one thing to look for, written with a letter for its kind: a word, a stem, a beginning, a word with
some edits, or a whole value. Keys are counted, so that those of a removed search are forgotten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from services.index.engine.marking import edit_distance

Key = str
WORD, STEM, PREFIX, VALUE = "w", "s", "p", "v"
FUZZY = ("1", "2")
# Kinds that more than one word answers to.
_OPEN = frozenset({PREFIX, *FUZZY})


def fuzzy_key(word: str, edits: int) -> Key:
    return f"{edits}{word}"


class Vocabulary:
    """The keys that are looked for. Not thread-safe: the percolator's lock is held around it."""

    def __init__(self) -> None:
        self._uses: Counter[Key] = Counter()
        self._prefix_lengths: Counter[int] = Counter()
        self._fuzzy_by_rest: dict[str, set[Key]] = {}
        # By length of the word that may be near one, and by how many edits.
        self._fuzzy_lengths: Counter[tuple[int, int]] = Counter()

    def add(self, key: Key) -> bool:
        """Return whether it is new, after which earlier answers do not hold any more."""
        self._uses[key] += 1
        if self._uses[key] > 1:
            return False
        if key[0] in _OPEN:
            self._learn(key)
        return True

    def discard(self, key: Key) -> bool:
        """Return whether it is not looked for any more."""
        self._uses[key] -= 1
        if self._uses[key]:
            return False
        del self._uses[key]
        if key[0] in _OPEN:
            self._forget(key)
        return True

    def _learn(self, key: Key) -> None:
        if key[0] == PREFIX:
            self._prefix_lengths[len(key) - 1] += 1
            return
        for rest in _rests(key[1:], int(key[0])):
            self._fuzzy_by_rest.setdefault(rest, set()).add(key)
        self._fuzzy_lengths.update(_lengths(key))

    def _forget(self, key: Key) -> None:
        if key[0] == PREFIX:
            self._prefix_lengths[len(key) - 1] -= 1
            return
        for rest in _rests(key[1:], int(key[0])):
            self._fuzzy_by_rest[rest].discard(key)
            if not self._fuzzy_by_rest[rest]:
                del self._fuzzy_by_rest[rest]
        self._fuzzy_lengths.subtract(_lengths(key))

    def keys_of_words(self, words: Iterable[tuple[str, str | None]]) -> tuple[Key, ...]:
        """Return the keys that these (word, stem) pairs answer to."""
        return tuple({key for word, stem in words for key in self._keys_of_word(word, stem)})

    def _keys_of_word(self, word: str, stem: str | None) -> Iterator[Key]:
        uses = self._uses
        if stem is not None and (key := STEM + stem) in uses:
            yield key
        if (key := WORD + word) in uses:
            yield key
        yield from self._prefixes(word)
        if self._fuzzy_by_rest:
            yield from self._near(word)

    def keys_of_value(self, value: str) -> tuple[Key, ...]:
        """Return the keys that an exact value answers to."""
        whole = VALUE + value
        return ((whole,) if whole in self._uses else ()) + tuple(self._prefixes(value))

    def _prefixes(self, text: str) -> Iterator[Key]:
        for length, uses in self._prefix_lengths.items():
            if uses and (key := PREFIX + text[:length]) in self._uses and length <= len(text):
                yield key

    def _near(self, word: str) -> set[Key]:
        """Return the keys of words within their number of edits of this one.

        Two words some edits apart have a rest in common when at most so many letters of each go, so a word
        is compared with next to none, however many are looked for.
        """
        most = max((edits for edits in (1, 2) if self._fuzzy_lengths[len(word), edits]), default=0)
        candidates: set[Key] = set()
        for rest in _rests(word, most) if most else ():
            candidates.update(self._fuzzy_by_rest.get(rest, ()))
        return {key for key in candidates if _is_near(key, word)}


def _is_near(key: Key, word: str) -> bool:
    edits = int(key[0])
    return edit_distance(key[1:], word, edits) <= edits


def _lengths(key: Key) -> list[tuple[int, int]]:
    """Return the lengths that a word may have to be near this one, each with the edits."""
    word, edits = key[1:], int(key[0])
    return [(length, edits) for length in range(len(word) - edits, len(word) + edits + 1)]


def _rests(word: str, letters: int) -> set[str]:
    """Return `word` with at most so many letters taken away."""
    rests = newest = {word}
    for _ in range(letters):
        newest = {rest[:at] + rest[at + 1 :] for rest in newest for at in range(len(rest))}
        rests = rests | newest
    return rests
