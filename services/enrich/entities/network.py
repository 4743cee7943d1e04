"""The network that labels tokens: words of an article's sentences in, a tag for each out.

What a word tells on its own is added up to one vector, once for each distinct word; known names add
theirs by position. Convolutions then look at the neighbours, and after the first of them all mentions of
one capitalised word in the article share the strongest of what any of them says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.enrich.entities.features import (
    IN_TITLE,
    MAX_WORD_CHARS,
    WordPieces,
    gram_buckets,
    kind_numbers,
    phrase_numbers,
    shape_number,
)
from services.enrich.entities.gazetteer import CODE_OF_LABEL, Gazetteer

TAGS = ("O", *(f"{place}-{label}" for label in CODE_OF_LABEL for place in "BI"))
# Rows of zeros around each sentence.
PADS = 2
_MAX_KNOWN_WORDS = 60_000
_FIRST_ROWS = 4096
# Long bodies go through a layer, and many new words into the cache, in parts that bound the memory taken.
_BLOCK_ROWS = 4096
_BLOCK_WORDS = 512
_WARM_STARTERS = 2_000

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]
Flags = NDArray[np.bool_]

_IS_INSIDE = np.array([tag[0] == "I" for tag in TAGS])
_MAY_FOLLOW = np.array([[right[0] != "I" or left[2:] == right[2:] for right in TAGS] for left in TAGS])
_FORBIDDEN = np.where(_MAY_FOLLOW, 0.0, -1e4).astype(np.float32)


class QuantisedTable:
    """Rows of 8-bit integers with one scale each."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], name: str) -> None:
        self._rows, self._scales = weights[f"{name}_q"], weights[f"{name}_s"]

    def rows(self, numbers: Sequence[int]) -> Floats:
        rows: Floats = self._rows[numbers] * self._scales[numbers]
        return rows

    def means(self, bags: Sequence[Sequence[int]]) -> Floats:
        """Return the mean of the rows of each bag; a bag may not be empty."""
        sizes = np.array([len(bag) for bag in bags])
        every = self.rows([number for bag in bags for number in bag])
        sums = np.add.reduceat(every, np.cumsum(sizes) - sizes, axis=0)
        means: Floats = np.divide(sums, sizes[:, None], dtype=np.float32)
        return means


@dataclass(frozen=True, slots=True)
class Layout:
    """Sentences laid out as rows of one matrix, PADS rows apart.

    `rows` are the rows that hold tokens, `words` the cached word of each, `may_name` those a name can cover.
    """

    starts: Rows
    ends: Rows
    rows: Rows
    pads: Rows
    words: Rows
    may_name: Rows
    inputs: Floats


class Network:
    """Weights and a cache of words. Deterministic; one instance serves one thread at a time."""

    def __init__(self, weights: Mapping[str, NDArray[Any]], gazetteer: Gazetteer) -> None:
        """Read the arrays of a model file. Raises KeyError or ValueError when they are not such a model's."""
        self._gazetteer = gazetteer
        self._listed = {word: row + 1 for row, word in enumerate(str(weights["words"]).split("\n"))}
        self._cut = WordPieces(str(weights["pieces"]).split("\n"))
        self._words, self._grams, self._pieces = (
            QuantisedTable(weights, name) for name in ("word", "gram", "piece")
        )
        self._piece_projection = _floats(weights, "piece_projection")
        self._shapes, self._features = _floats(weights, "shape"), _floats(weights, "features")
        self._bias = _floats(weights, "bias")
        self._pool = _floats(weights, "pool"), _floats(weights, "pool_bias")
        self._out = _floats(weights, "out"), _floats(weights, "out_bias")
        self._layers = [
            (int(dilation), _floats(weights, f"conv{i}"), _floats(weights, f"conv{i}_bias"))
            for i, dilation in enumerate(weights["dilations"])
        ]
        if any(dilation > PADS for dilation, _, _ in self._layers) or self._out[0].shape[1] != len(TAGS):
            raise ValueError("its layers or labels are not those of this program")
        self._width = len(self._bias)
        self._known: dict[str, int] = {}
        self._vectors = np.zeros((_FIRST_ROWS, self._width), np.float32)
        self._marked = np.zeros(_FIRST_ROWS, bool)
        self._capital = np.zeros(_FIRST_ROWS, bool)
        self._known_phrases: dict[tuple[str, bool, bool, bool], int] = {}
        self._phrases = np.zeros((0, self._width), np.float32)
        self._add_words([*dict.fromkeys(self._usual_forms())])

    def _usual_forms(self) -> Iterator[str]:
        """Yield the listed words as they are mostly written, so that the first articles find them ready."""
        for number, word in enumerate(self._listed):
            usual = word in self._gazetteer.vocabulary
            if usual:
                yield word
            if word[:1].isalpha() and (not usual or number < _WARM_STARTERS):
                yield word[0].upper() + word[1:]

    def tag(self, sentences: Sequence[Sequence[str]], titles: Sequence[bool]) -> list[list[str]]:
        """Return the best valid tags of the words of each sentence; `titles` tells which are a title's."""
        if not sentences:
            return []
        layout = self._lay_out(sentences, titles)
        scores = self._scores(layout)
        best = scores.argmax(1)
        # The best tag of each token is the best path, unless an I- continues nothing.
        broken = _IS_INSIDE[best]
        broken[1:] &= ~_MAY_FOLLOW[best[:-1], best[1:]]
        for number in np.unique(np.searchsorted(layout.starts, np.nonzero(broken)[0], "right") - 1):
            start, end = layout.starts[number], layout.ends[number]
            best[start:end] = best_path(scores[start:end])
        return [
            [TAGS[tag] for tag in best[start:end].tolist()]
            for start, end in zip(layout.starts.tolist(), layout.ends.tolist(), strict=True)
        ]

    def _scores(self, layout: Layout) -> Floats:
        """Return the score of each tag on each row; rows that no name can cover get "O"."""
        h = np.maximum(layout.inputs, 0)
        h[layout.pads] = 0
        *layers, (last_dilation, last_weights, last_bias) = self._layers
        for depth, (dilation, weights, bias) in enumerate(layers):
            h += _convolved(h, dilation, weights, bias)
            h[layout.pads] = 0
            if depth == 0:
                self._share(h, layout)
        scores = np.zeros((len(h), len(TAGS)), np.float32)
        scores[:, 0] = 1.0
        for first in range(0, len(layout.may_name), _BLOCK_ROWS):
            rows = layout.may_name[first : first + _BLOCK_ROWS]
            around = np.concatenate((h[rows - last_dilation], h[rows], h[rows + last_dilation]), axis=1)
            top = h[rows] + np.maximum(around @ last_weights + last_bias, 0)
            scores[rows] = top @ self._out[0] + self._out[1]
        return scores

    def _share(self, h: Floats, layout: Layout) -> None:
        """Add to each mention of a capitalised word the most that any of its mentions shows."""
        capital = self._capital[layout.words]
        rows, words = layout.rows[capital], layout.words[capital]
        if not len(rows):
            return
        order = np.argsort(words, kind="stable")
        rows, words = rows[order], words[order]
        first = np.concatenate(([True], words[1:] != words[:-1]))
        most = np.maximum.reduceat(h[rows], np.nonzero(first)[0], axis=0)
        weights, bias = self._pool
        h[rows] += np.maximum(most @ weights + bias, 0)[np.cumsum(first) - 1]

    def _lay_out(self, sentences: Sequence[Sequence[str]], titles: Sequence[bool]) -> Layout:
        words = self._word_rows(sentences)
        counts = np.array([len(sentence) for sentence in sentences])
        ends = np.cumsum(counts + PADS)
        starts = ends - counts
        height = int(ends[-1]) + PADS
        is_token = np.zeros(height + 1, np.int8)
        np.add.at(is_token, starts, 1)
        np.add.at(is_token, ends, -1)
        token = np.cumsum(is_token[:-1], dtype=np.int8).astype(bool)
        rows = np.nonzero(token)[0]
        inputs = np.zeros((height, self._width), np.float32)
        inputs[rows] = self._vectors[words]
        marked = np.zeros(height, bool)
        marked[rows] = self._marked[words]
        at, phrases = self._phrases_in(sentences, starts.tolist())
        if at:
            inputs[at] += self._phrases[phrases]
            marked[at] = True
        for start, end, in_title in zip(starts, ends, titles, strict=True):
            if in_title:
                inputs[start:end] += self._features[IN_TITLE]
        may_name = np.nonzero(_may_name(marked) & token)[0]
        return Layout(starts, ends, rows, np.nonzero(~token)[0], words, may_name, inputs)

    def _word_rows(self, sentences: Sequence[Sequence[str]]) -> Rows:
        """Return the row of each word in the cache, adding those that are not there."""
        if len(self._known) > _MAX_KNOWN_WORDS:
            self._known.clear()
        known = self._known
        self._add_words(sorted({word for sentence in sentences for word in sentence if word not in known}))
        return np.array([known[word] for sentence in sentences for word in sentence], np.intp)

    def _add_words(self, words: Sequence[str]) -> None:
        if not words:
            return
        first, count = len(self._known), len(self._known) + len(words)
        while count > len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
            self._marked = np.concatenate([self._marked, np.zeros_like(self._marked)])
            self._capital = np.concatenate([self._capital, np.zeros_like(self._capital)])
        for top in range(0, len(words), _BLOCK_WORDS):
            some = [word[:MAX_WORD_CHARS] for word in words[top : top + _BLOCK_WORDS]]
            self._vectors[first + top : first + top + len(some)] = self._word_vectors(some)
        self._marked[first:count] = [w.lower() != w or any(map(str.isdigit, w)) for w in words]
        self._capital[first:count] = [word[0].isupper() and len(word) > 1 for word in words]
        self._known.update(zip(words, range(first, count), strict=True))

    def _word_vectors(self, words: Sequence[str]) -> Floats:
        vectors = self._grams.means([gram_buckets(word) for word in words])
        vectors += self._words.rows([self._listed.get(word.lower(), 0) for word in words])
        vectors += self._pieces.means([self._cut(word) for word in words]) @ self._piece_projection
        vectors += self._shapes[[shape_number(word) for word in words]] + self._bias
        held = np.zeros((len(words), len(self._features)), np.float32)
        for row, word in zip(held, words, strict=True):
            row[kind_numbers(word, self._gazetteer)] = 1
        vectors += held @ self._features
        return vectors

    def _phrases_in(
        self, sentences: Sequence[Sequence[str]], starts: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        """Return the rows of tokens in known names, longest first and left to right, and what each adds."""
        longest, match = self._gazetteer.longest, self._gazetteer.match
        at: list[int] = []
        phrases: list[int] = []
        for start, words in zip(starts, sentences, strict=True):
            free = 0
            for i, word in enumerate(words):
                if i < free or word not in longest:
                    continue
                length, codes = match(words, i)
                if length:
                    at += range(start + i, start + i + length)
                    phrases += [self._phrase_row(codes, offset, length) for offset in range(length)]
                    free = i + length
        return at, phrases

    def _phrase_row(self, codes: str, offset: int, length: int) -> int:
        key = (codes, offset == 0, offset == length - 1, length == 1)
        row = self._known_phrases.get(key)
        if row is None:
            row = self._known_phrases[key] = len(self._phrases)
            added = self._features[phrase_numbers(codes, offset, length)].sum(0)
            self._phrases = np.vstack([self._phrases, added])
        return row


def _floats(weights: Mapping[str, NDArray[Any]], name: str) -> Floats:
    return weights[name].astype(np.float32)


def _convolved(h: Floats, dilation: int, weights: Floats, bias: Floats) -> Floats:
    """Return what a layer adds to each row, from it and the rows `dilation` before and after."""
    height, width = h.shape
    added = np.empty_like(h)
    for top in range(0, height, _BLOCK_ROWS):
        bottom = min(top + _BLOCK_ROWS, height)
        around = np.zeros((bottom - top, 3 * width), np.float32)
        before, after = max(top - dilation, 0), min(bottom + dilation, height)
        around[before + dilation - top :, :width] = h[before : bottom - dilation]
        around[:, width : 2 * width] = h[top:bottom]
        around[: after - dilation - top, 2 * width :] = h[top + dilation : after]
        np.matmul(around, weights, out=added[top:bottom])
    added += bias
    return np.maximum(added, 0, out=added)


def _may_name(marked: Flags) -> Flags:
    """Return where a name can be: at a capital, a digit or a known name, just after, and between two."""
    may = marked.copy()
    may[1:] |= marked[:-1]
    may[2:-2] |= marked[:-4] & (marked[3:-1] | marked[4:])
    return may


def best_path(scores: Floats) -> list[int]:
    """Return the tags with the highest sum of scores in which every I- continues a span of its label."""
    best = scores[0] + _FORBIDDEN[0]
    columns = np.arange(len(TAGS))
    pointers = []
    for row in scores[1:]:
        candidates = best[:, None] + _FORBIDDEN
        pointers.append(candidates.argmax(0))
        best = candidates[pointers[-1], columns] + row
    path = [int(best.argmax())]
    for pointer in reversed(pointers):
        path.append(int(pointer[path[-1]]))
    return path[::-1]
