"""Text cut into surfaces: pieces between spaces and ASCII punctuation, the cheapest thing to know a word by.

Words repeat, so what the engine's analysers make of a surface is worked out once and remembered. That is
right because folding and tokenising never look across an ASCII character that is no letter and no digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from services.index.engine.analysis import LONGEST_WORD_BYTES, stems, tokens, words

# ASCII letters in lowercase, ASCII punctuation and controls as spaces; bytes of other characters stay.
_TO_SURFACES = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)
) + bytes(range(128, 256))
# The marks of ordinary prose that are not ASCII. Left in, each would make another surface of its word.
_PROSE_MARKS = "’‘“”—–…•·€£«»„\u00a0"
# What stands where no word is, between values and for a word left out: nothing that can be asked for.
GAP = b"\0"
_NO_WORD = b"\1"
# Surfaces in a text that begins and ends with a space. That they begin with one keeps the search linear.
_TOO_LONG = re.compile(rb" [0-9a-z]{%d,}(?= )" % LONGEST_WORD_BYTES)
_FOREIGN = re.compile(rb" ([0-9a-z]*[\x80-\xff][^ ]*)")

Surface = bytes


def surface_text(text: str) -> bytes:
    """Return `text` with nothing but its surfaces and spaces, ASCII letters in lowercase, as UTF-8."""
    if not text.isascii():
        for mark in _PROSE_MARKS:
            if mark in text:
                text = text.replace(mark, " ")
    return text.encode("utf-8", "replace").translate(_TO_SURFACES)


def single_spaced(text: bytes) -> bytes:
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text


def words_in(surface: Surface) -> Sequence[str]:
    """Return the words that the engine indexes of a surface: usually one."""
    text = surface.decode()
    if not text.isascii():
        return words(text)
    return (text,) if len(text) < LONGEST_WORD_BYTES else ()


def words_of_many(found: Sequence[Surface]) -> Iterator[Sequence[tuple[str, str]]]:
    """Yield the (word, stem) pairs that the engine indexes of each surface.

    One call of the analyser does for all that are plain words.
    """
    plain = [surface.decode() for surface in found if surface.isascii() and len(surface) < LONGEST_WORD_BYTES]
    pairs = iter(zip(plain, stems(" ".join(plain)), strict=True))
    for surface in found:
        if not surface.isascii():
            text = surface.decode()
            yield list(zip(words(text), stems(text), strict=True))
        else:
            yield (next(pairs),) if len(surface) < LONGEST_WORD_BYTES else ()


def word_text(values: Iterable[bytes]) -> bytes:
    """Return the words of a field's values, which are as of `surface_text`, with a space around each.

    Between two values the index has one position without a word, so that no phrase runs across. A word too
    long for it has a position too, unless it is the last of its value.
    """
    parts: list[bytes] = []
    for value in values:
        text = _TOO_LONG.sub(b" " + _NO_WORD, b" %b " % value)
        if not text.isascii():
            text = _FOREIGN.sub(_words_instead, text)
        text = single_spaced(text)
        parts += (text.rstrip(_NO_WORD + b" "), b" ", GAP)
    return b"".join((*parts, b" "))


def _words_instead(match: re.Match[bytes]) -> bytes:
    return b" " + _by_position(match[1])


@lru_cache(maxsize=65_536)
def _by_position(surface: Surface) -> bytes:
    text = surface.decode()
    kept = iter(words(text))
    return b" ".join(
        next(kept).encode() if len(token.encode()) < LONGEST_WORD_BYTES else _NO_WORD
        for token in tokens(text)
    )
