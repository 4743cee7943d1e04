"""Highlighting: where a query's words stand in a text, and the passage that shows them best.

Pure, and independent of the engine, which says how words are analysed. Only the places where a needle
occurs are looked at, at the speed of `str.find`, so the length of the body hardly matters.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

SNIPPET_CHARS = 200
# So far a passage goes out of its way to begin or to end with a sentence.
SENTENCE_CHARS = 50
# Three letters before the stop, so that it ends no "Mr." and no "U.S."; or a line break.
_SENTENCE_START = re.compile(
    r"""(?<=[^\W\d_]{3}[.!?])["'”’)]{0,2}\s+(?=["'“‘(]{0,2}[^\W_a-z])|(?<=[。！？])|\s*\n\s*(?=\S)"""
)
# A query of a common letter could match at every word; nobody reads that many marks.
MAX_SPANS = 500
MIN_SPANS = 20
# Letters with no accent to take off; of those that are written as two, the first.
_UNDECOMPOSED = dict(zip("øłđðßæœıħ", "olddsaoih", strict=True))
_NON_ASCII = re.compile(r"[^\x00-\x7f]")

Spans = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Needle:
    """One thing to find: a word when `matches` accepts its surface, or a phrase of exact `words`.

    `start` is the lowercase beginning that every matching word has in common; "" looks at every word, or at
    those of `lengths`, the least and the greatest number of characters.
    """

    start: str
    matches: Callable[[str], bool]
    rest: tuple[str, ...] = ()
    lengths: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """How the engine sees words: `word_of` folds one; each character of the ranges `unspaced` is one alone.

    `unspaced` is written as within the brackets of a regular expression.
    """

    word_of: Callable[[str], str]
    unspaced: str


@lru_cache(maxsize=8)
def _word_pattern(unspaced: str) -> re.Pattern[str]:
    return re.compile(rf"[{unspaced}]|[^\W_{unspaced}]+")


@lru_cache(maxsize=256)
def _sized_word_pattern(unspaced: str, least: int, most: int) -> re.Pattern[str]:
    letter = rf"[^\W_{unspaced}]"
    return re.compile(rf"(?<!{letter}){letter}{{{least},{most}}}(?!{letter})")


@lru_cache(maxsize=8)
def _next_word_pattern(unspaced: str) -> re.Pattern[str]:
    return re.compile(rf"[\W_]*([{unspaced}]|[^\W_{unspaced}]+)")


@lru_cache(maxsize=8)
def _inner_pattern(unspaced: str) -> re.Pattern[str]:
    """A word of more than one character, or what is left of it."""
    return re.compile(rf"[^\W_{unspaced}]+")


@lru_cache(maxsize=4_096)
def _plain(char: str) -> str:
    """Return a lowercase character without its accent: exactly one, so that offsets stay."""
    return _UNDECOMPOSED.get(char) or unicodedata.normalize("NFKD", char)[:1].lower()[:1] or char


def same_length_fold(text: str) -> str:
    """Return `text` in lowercase without accents, character by character."""
    lowered = text.lower()
    if len(lowered) != len(text):  # İ becomes two characters
        lowered = "".join(char.lower()[:1] for char in text)
    if lowered.isascii():
        return lowered
    return _NON_ASCII.sub(lambda match: _plain(match.group()), lowered)


def find_spans(text: str, needles: Sequence[Needle], reader: Reader) -> Spans:
    """Return the half-open spans of `text` that the needles match: sorted, without overlaps."""
    if not needles or not text:
        return []
    folded = same_length_fold(text)
    spans: Spans = []
    # Shared out, so that a frequent word does not leave a telling one unmarked.
    each = max(MAX_SPANS // len(needles), MIN_SPANS)
    for needle in needles:
        spans.extend(islice(_occurrences(text, folded, needle, reader), each))
    return _merged(spans)


def _occurrences(text: str, folded: str, needle: Needle, reader: Reader) -> Iterable[tuple[int, int]]:
    if not needle.start:
        yield from _matching_words(text, folded, needle, reader)
        return
    # A pattern with the needle in it would be simpler and takes 0.5 ms to compile, more than the search.
    inner = _inner_pattern(reader.unspaced)
    at = folded.find(needle.start)
    while at >= 0:
        word = inner.match(folded, at)
        end = word.end() if word else at + len(needle.start)
        within_word = word is not None and at > 0 and inner.match(folded, at - 1) is not None
        if not within_word and needle.matches(text[at:end]):
            phrase_end = _phrase_end(text, folded, end, needle.rest, reader) if needle.rest else end
            if phrase_end:
                yield at, phrase_end
        at = folded.find(needle.start, end)


def _matching_words(text: str, folded: str, needle: Needle, reader: Reader) -> Iterable[tuple[int, int]]:
    """Ask of each different word whether it matches: most words of a body come several times."""
    answers: dict[str, bool] = {}
    pattern = _word_pattern(reader.unspaced)
    if needle.lengths is not None and needle.lengths[0] > 1:
        pattern = _sized_word_pattern(reader.unspaced, *needle.lengths)
    for word in pattern.finditer(folded):
        start, end = word.span()
        answer = answers.get(word.group())
        if answer is None:
            answer = answers[word.group()] = needle.matches(text[start:end])
        if answer:
            yield start, end


def _phrase_end(text: str, folded: str, at: int, words: Sequence[str], reader: Reader) -> int:
    """Return where the phrase that goes on after `at` ends, or 0 if its words do not follow."""
    following = _next_word_pattern(reader.unspaced)
    for word in words:
        found = following.match(folded, at)
        if found is None or reader.word_of(text[found.start(1) : found.end(1)]) != word:
            return 0
        at = found.end()
    return at


def _merged(spans: Spans) -> Spans:
    merged: Spans = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def mark(text: str, spans: Spans) -> str:
    """Return `text` as escaped HTML with <mark> around each span. Spans are sorted and do not overlap."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += (html.escape(text[at:start]), "<mark>", html.escape(text[start:end]), "</mark>")
        at = end
    parts.append(html.escape(text[at:]))
    return "".join(parts)


def snippet(text: str, spans: Spans, length: int = SNIPPET_CHARS) -> str:
    """Return, as `mark` does, the passage of about `length` characters with the most different matches.

    It begins and ends with a sentence if one is near, else between words and with an ellipsis; without spans,
    it is the beginning. Line breaks are spaces. Of text in wide characters half as many are shown.
    """
    start, first, last = _best_window(text, spans, length)
    if _is_wide(text[start : start + length]):
        length //= 2
        start, first, last = _best_window(text, spans, length)
    start, whole_before = _beginning(text, start, first, last, length)
    end, whole_after = _ending(text, min(len(text), start + length), last)
    inside = [(max(s, start) - start, min(e, end) - start) for s, e in spans if s < end and e > start]
    shown = " ".join(mark(text[start:end], inside).split())
    return f"{'' if whole_before else '…'}{shown}{'' if whole_after else '…'}"


def _best_window(text: str, spans: Spans, length: int) -> tuple[int, int, int]:
    """Return where the best passage begins, and from where to where its matches stand."""
    surfaces = [text[start:end].lower() for start, end in spans]
    counts = Counter(surfaces)
    best, best_score = (0, len(text), 0), -1.0
    for number, (start, _) in enumerate(spans):
        seen: set[str] = set()
        score, last_end = 0.0, start
        for (_, end), surface in zip(spans[number:], surfaces[number:], strict=True):
            if end > start + length:
                break
            # A second sight of a word says much less than a first sight of another, and rare words say most.
            score += (0.1 if surface in seen else 1.0) / math.sqrt(counts[surface])
            seen.add(surface)
            last_end = end
        if score > best_score + 1e-9:
            slack = max(0, length - (last_end - start))
            best, best_score = (max(0, start - slack // 3), start, last_end), score
    start, first, last = best
    return max(0, min(start, len(text) - length)), first, last


def _is_wide(text: str) -> bool:
    if not text or max(text) < "\u1100":  # before that, nothing is wide
        return False
    return sum(unicodedata.east_asian_width(char) in "WF" for char in text) * 2 > len(text)


def _beginning(text: str, start: int, first: int, last: int, length: int) -> tuple[int, bool]:
    """Return where to begin near `start`, and whether a sentence does.

    The matches stand from `first` to `last`, and none of them is to be cut off.
    """
    low = max(0, last - length, start - SENTENCE_CHARS)
    if low == 0:
        return 0, True
    # Where the text ends, to begin later would only make the passage shorter.
    latest = min(first, len(text) - 2 * length // 3)
    if (found := _SENTENCE_START.search(text, low - 1, max(latest, low))) is not None:
        return found.end(), True
    if start > 0 and not text[start - 1].isspace():
        space = text.find(" ", start, min(start + 30, first))
        start = space + 1 if space >= 0 else _off_mark(text, start)
    return start, start == 0


def _ending(text: str, end: int, last: int) -> tuple[int, bool]:
    """Return where to end near `end`, after the match that ends at `last`, and whether a sentence does."""
    if end >= len(text):
        return end, True
    low = max(last, end - SENTENCE_CHARS)
    ends = [found.start() for found in _SENTENCE_START.finditer(text, low, min(end + 2, len(text)))]
    if ends:
        return ends[-1], True
    if not text[end].isspace():
        space = text.rfind(" ", max(last, end - 30), end)
        end = space if space > 0 else _off_mark(text, end)
    return end, False


def _off_mark(text: str, at: int) -> int:
    """Move back before what belongs to the character before it: an accent, a vowel sign, a joiner."""
    low = max(0, at - 8)
    while at > low and (unicodedata.category(text[at])[0] == "M" or "\u200d" in text[at - 1 : at + 1]):
        at -= 1
    return at
