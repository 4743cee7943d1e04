"""Characters and lines: one form of Unicode, nothing invisible, one space, one kind of paragraph break."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Tab and newline stay; U+0085, U+2028, U+2029, VT and FF become newlines before this applies.
# Zero-width space, word joiner, BOM, soft hyphen, bidi controls, interlinear marks, lone surrogates.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    r"\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff]+"
)
# Joiners shape Persian, Indic and emoji sequences; between Latin letters they only hide words from search.
_LATIN_JOINER = re.compile(r"(?<=[\x00-\u024f])[\u200c\u200d]+|^[\u200c\u200d]+")
_LINE_BREAK = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# NFC needs quadratic time to reorder a longer run of combining marks (1.2 s for 40,000), so runs are cut
# to Unicode's Stream-Safe limit (UAX 15). Sets within the BMP are bitmaps to `re`; others 60 times slower.
_ASTRAL_MARK = re.compile("[\U000101fd-\U0001e94a]")


def _mark_run(last_code: int) -> re.Pattern[str]:
    marks = "".join(chr(code) for code in range(0x300, last_code + 1) if unicodedata.combining(chr(code)))
    return re.compile(f"[{marks}][{marks}]{{30,}}")


_BMP_MARK_RUN = _mark_run(0xFFFF)
_ANY_MARK_RUN = _mark_run(0x1FFFF)
_MAX_MARKS: Final = 30

_MAX_WRAPPED_LINE_CHARS: Final = 100
_MAX_WRAP_RAGGEDNESS_CHARS: Final = 24
_MIN_WRAPPED_LINES: Final = 3
_MIN_FULL_LINES: Final = 0.9
_BULLET = re.compile(r"(?:[-–—*•·▪►»›]|\d{1,3}[.)]) ")
_SENTENCE_ENDS: Final = (".", "!", "?", "”", '"', ":", "。")


def normalize_characters(text: str) -> str:
    """Return `text` in NFC with newlines as the only line ends and without invisible characters."""
    # None of the characters looked for is printable; most texts have none of them, and this is the fast way
    # to know.
    if not text.replace("\n", "").isprintable():
        text = _LINE_BREAK.sub("\n", text)
        text = _INVISIBLE.sub("", text)
    if text.isascii():
        return text
    if "\u200c" in text or "\u200d" in text:
        text = _LATIN_JOINER.sub("", text)
    mark_run = _ANY_MARK_RUN if _ASTRAL_MARK.search(text) else _BMP_MARK_RUN
    text = mark_run.sub(lambda run: run.group()[:_MAX_MARKS], text)
    return unicodedata.normalize("NFC", text)


def one_line(text: str) -> str:
    """Return `text` on one line with single spaces."""
    return " ".join(text.split())


def normalize_lines(text: str) -> list[str]:
    """Return the stripped lines of `text`, "" for each paragraph break.

    Text without blank lines has one paragraph per line, unless its lines are hard-wrapped: those are joined.
    """
    blocks: list[list[str]] = [[]]
    for line in map(one_line, text.split("\n")):
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    blocks = [[" ".join(block)] if _is_wrapped(block) else block for block in blocks if block]
    if len(blocks) == 1:
        blocks = [[line] for line in blocks[0]]
    result: list[str] = []
    for block in blocks:
        result += [*block, ""]
    return result[:-1]


def _is_wrapped(block: list[str]) -> bool:
    """Tell text broken at a column from a list: even, shortish lines that mostly end in mid-sentence."""
    body = block[:-1]
    if len(body) < _MIN_WRAPPED_LINES:
        return False
    widths = [len(line) for line in body]
    widest, narrowest = max(widths), min(widths)
    if widest > _MAX_WRAPPED_LINE_CHARS or widest - narrowest > _MAX_WRAP_RAGGEDNESS_CHARS:
        return False
    if narrowest < _MAX_WRAPPED_LINE_CHARS // 3:
        return False
    # A column breaks a line only where the next word does not fit; items of a list and scores end anywhere.
    firsts = (line.partition(" ")[0] for line in block[1:])
    full = sum(width + 1 + len(first) > widest for width, first in zip(widths, firsts, strict=True))
    capitals = sum(line[0].isupper() or line[0].isdigit() for line in block[1:])
    if full < _MIN_FULL_LINES * len(body) or 3 * capitals > 2 * len(body) or any(map(_BULLET.match, block)):
        return False
    return sum(line.endswith(_SENTENCE_ENDS) for line in body) * 3 <= len(body)
