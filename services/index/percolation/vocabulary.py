"""What the saved searches look for in one column, and which of it a word or a value answers to.

A key is one thing to look for, written with a letter for its kind: a word, a stem, a beginning, a word with
some edits, or a whole value. Each has a code: its place in a batch's list of answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

from services.index.engine.marking import edit_distance

Key: TypeAlias = str
Code: TypeAlias = int
WORD, STEM, PREFIX, VALUE = "w", "s", "p", "v"
# Two words next to each other, with a space between them: only where both are surfaces of their own.
NEXT = "n"
# A word within a surface that is more, less or other than this word; and that there is a surface of no word.
# Where these are, surfaces next to each other and words next to each other are not the same.
WITHIN, VOID = "i", "z"
# Near words, by their number of edits.
_FUZZY = ("1", "2")


def fuzzy_key(word: str, edits: int) -> Key:
    return f"{edits}{word}"


class Vocabulary:
    def __init__(self) -> None:
        self._codes: dict[Key, Code] = {}
        self._prefix_lengths: Counter[int] = Counter()
        self._fuzzy_by_rest: dict[str, set[Key]] = {}
        # By length of a word that may be near one, and by how many edits.
        self._fuzzy_lengths: Counter[tuple[int, int]] = Counter()

    def __len__(self) -> int:
        return len(self._codes)

    def add(self, key: Key, code: Code) -> None:
        """Look for a new key. Earlier answers do not hold any more."""
        self._codes[key] = code
        if key[0] == PREFIX:
            self._prefix_lengths[len(key) - 1] += 1
        elif key[0] in _FUZZY:
            for rest in _rests(key[1:], int(key[0])):
                self._fuzzy_by_rest.setdefault(rest, set()).add(key)
            self._fuzzy_lengths.update(_lengths(key))

    def discard(self, key: Key) -> None:
        del self._codes[key]
        if key[0] == PREFIX:
            self._prefix_lengths -= Counter([len(key) - 1])
        elif key[0] in _FUZZY:
            for rest in _rests(key[1:], int(key[0])):
                self._fuzzy_by_rest[rest].discard(key)
                if not self._fuzzy_by_rest[rest]:
                    del self._fuzzy_by_rest[rest]
            self._fuzzy_lengths -= Counter(_lengths(key))

    def codes_of_word(self, word: str, stem: str | None = None) -> tuple[Code, ...]:
        """Return the codes that a word answers to, with its stem where stems are looked for."""
        get = self._codes.get
        found: list[Code] = []
        if stem is not None and (code := get(STEM + stem)) is not None:
            found.append(code)
        if (code := get(WORD + word)) is not None:
            found.append(code)
        if self._prefix_lengths:
            found += self._prefixes(word)
        if self._fuzzy_by_rest:
            found += self._near(word)
        return tuple(found)

    def codes_of_odd(self, words: Sequence[str]) -> tuple[Code, ...]:
        """Return the codes that a surface answers to which is not one word and nothing else."""
        keys = [WITHIN + word for word in words] if words else [VOID]
        return tuple(code for key in keys if (code := self._codes.get(key)) is not None)

    def pairs(self) -> Iterator[tuple[bytes, bytes, Code]]:
        """Yield the words that are looked for next to each other."""
        for key, code in self._codes.items():
            if key[0] == NEXT:
                first, _, second = key[1:].encode().partition(b" ")
                yield first, second, code

    def codes_of_value(self, value: str) -> tuple[Code, ...]:
        """Return the codes that an exact value answers to."""
        code = self._codes.get(VALUE + value)
        return (() if code is None else (code,)) + tuple(self._prefixes(value))

    def _prefixes(self, text: str) -> list[Code]:
        return [
            code
            for length in self._prefix_lengths
            if length <= len(text) and (code := self._codes.get(PREFIX + text[:length])) is not None
        ]

    def _near(self, word: str) -> list[Code]:
        """Return the codes of words within their number of edits of this one.

        Two words some edits apart have a rest in common when at most so many letters of each go, so a word
        is compared with next to none, however many are looked for.
        """
        lengths, length = self._fuzzy_lengths, len(word)
        most = 2 if (length, 2) in lengths else 1 if (length, 1) in lengths else 0
        candidates: set[Key] = set()
        for rest in _rests(word, most) if most else ():
            candidates.update(self._fuzzy_by_rest.get(rest, ()))
        return [self._codes[key] for key in candidates if _is_near(key, word)]


def _is_near(key: Key, word: str) -> bool:
    edits = int(key[0])
    return edit_distance(key[1:], word, edits) <= edits


def _lengths(key: Key) -> Iterable[tuple[int, int]]:
    """Return the lengths that a word may have to be near this one, each with the edits."""
    length, edits = len(key) - 1, int(key[0])
    return [(length + more, edits) for more in range(-edits, edits + 1)]


def _rests(word: str, letters: int) -> set[str]:
    """Return `word` with at most so many letters taken away."""
    rests = newest = {word}
    for _ in range(letters):
        newest = {rest[:at] + rest[at + 1 :] for rest in newest for at in range(len(rest))}
        rests = rests | newest
    return rests
