"""Text cut into surfaces: pieces between spaces and ASCII punctuation, the cheapest thing to know a word by.

Words repeat, so what the engine's analysers make of a surface is worked out once and remembered. That is
right because folding and tokenising never look across an ASCII character that is no letter and no digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from services.index.engine.analysis import LONGEST_WORD_BYTES, stems, tokens, words

# ASCII letters in lowercase, ASCII punctuation and controls as spaces; bytes of other characters stay.
_TO_SURFACES = bytes(
    ord(chr(code).lower()) if chr(code).isalnum() else ord(" ") for code in range(128)
) + bytes(range(128, 256))
# The marks of ordinary prose that are not ASCII. Left in, each would make another surface of its word.
_PROSE_MARKS = "’‘“”—–…\u00a0"
# A word that the analyser left out, and the space between two values: nothing that is asked for.
GAP = "\0"

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


def word_sequence(values: Iterable[str]) -> list[str]:
    """Return the words of a field's values by position as the index counts them, GAP where there is none.

    A value begins one position further than the end of the one before, so that no phrase runs across.
    """
    sequence: list[str] = []
    for value in values:
        found: list[str] = []
        for surface in surfaces(value):
            found += _sequence_of(surface)
        while found and found[-1] is GAP:
            found.pop()
        sequence += found
        sequence.append(GAP)
    return sequence


def _sequence_of(surface: Surface) -> list[str]:
    if surface.isascii():
        return [surface.decode() if len(surface) < LONGEST_WORD_BYTES else GAP]
    text = surface.decode()
    kept = iter(words(text))
    return [next(kept) if len(token.encode()) < LONGEST_WORD_BYTES else GAP for token in tokens(text)]
