"""Text cut into surfaces: pieces between spaces and ASCII punctuation, the cheapest thing to know a word by.

Words repeat, so what the engine's analysers make of a surface is worked out once and remembered. That is
right because folding and tokenising never look across an ASCII character that is no letter and no digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from services.index.engine.analysis import LONGEST_WORD_BYTES, stems, tokens, words

# ASCII letters in lowercase, ASCII punctuation and controls as spaces; bytes of other characters stay.
_TO_SURFACES = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)
) + bytes(range(128, 256))
# The marks of ordinary prose that are not ASCII. Left in, each would make another surface of its word.
_PROSE_MARKS = "’‘“”—–…\u00a0"
# What stands where no word is, between values and for a word left out: nothing that can be asked for.
GAP = b"\0"
_NO_WORD = b"\1"

Surface = bytes


def surfaces(text: str) -> list[Surface]:
    """Return the surfaces of `text` in order, ASCII letters in lowercase, as UTF-8."""
    if not text.isascii():
        for mark in _PROSE_MARKS:
            if mark in text:
                text = text.replace(mark, " ")
    return text.encode("utf-8", "replace").translate(_TO_SURFACES).split()


def words_of(surface: Surface) -> list[tuple[str, str]]:
    """Return the (word, stem) pairs that the engine indexes of a surface: usually one."""
    text = surface.decode()
    return list(zip(words(text), stems(text), strict=True))


def words_of_many(found: Iterable[Surface]) -> Iterator[tuple[Surface, list[tuple[str, str]]]]:
    """Yield each surface with its `words_of`: one call of the analyser for all that are plain words."""
    plain: list[str] = []
    for surface in found:
        if surface.isascii():
            if len(surface) < LONGEST_WORD_BYTES:
                plain.append(surface.decode())
            else:
                yield surface, []
        else:
            yield surface, words_of(surface)
    for word, stem in zip(plain, stems(" ".join(plain)), strict=True):
        yield word.encode(), [(word, stem)]


def word_text(values: Iterable[list[Surface]]) -> bytes:
    """Return the words of a field's values (as `surfaces` has them) with a space around each, by position.

    Between two values the index has one position without a word, so that no phrase runs across. A word too
    long for it has a position too, unless it is the last of its value.
    """
    sequence: list[bytes] = []
    for value in values:
        sequence += _by_position(value)
        while sequence and sequence[-1] is _NO_WORD:
            sequence.pop()
        sequence.append(GAP)
    return b" %b " % b" ".join(sequence)


def _by_position(value: list[Surface]) -> list[bytes]:
    odd = {surface for surface in value if not surface.isascii() or len(surface) >= LONGEST_WORD_BYTES}
    if not odd:
        return value
    found: list[bytes] = []
    for surface in value:
        if surface in odd:
            found += _positions_of(surface)
        else:
            found.append(surface)
    return found


@lru_cache(maxsize=65_536)
def _positions_of(surface: Surface) -> tuple[bytes, ...]:
    text = surface.decode()
    kept = iter(words(text))
    return tuple(
        next(kept).encode() if len(token.encode()) < LONGEST_WORD_BYTES else _NO_WORD
        for token in tokens(text)
    )
