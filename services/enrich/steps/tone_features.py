"""Hashed features of sentences for the sentiment model, computed once per article with numpy.

Words are hashed with crc32, so ids are the same on every machine. Names carry no weight of their own: a
capitalised word within a sentence, and every word of an entity, counts as the one word NAME.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

BITS: Final = 18
BUCKETS: Final = 1 << BITS
# Words this far from a target count 1/e of one beside it.
DISTANCE_SCALE_WORDS: Final = 6.0
LONG_TOKENS: Final = 40

_TOKEN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_MAX_WORD_CHARS: Final = 40
_PREFIX_CHARS: Final = 5
_NEGATION_REACH_WORDS: Final = 3
_NEGATIONS: Final = frozenset({"not", "no", "never", "without", "nor", "neither", "cannot", "hardly"})
_OPENERS: Final = frozenset('.!?“"‘:')
_MOSTLY_CAPITALS: Final = 0.6

_NAME: Final = crc32(b"\x01NAME")
_NEGATES, _CAPITAL, _OPENS = 1, 2, 4
_PREFIX_MASK: Final = 0x1FFFFFFF
# The kinds of keys (word, pair, prefix, negated word) behind the rows of FeatureIds, each row with its salt.
_KINDS: Final = np.array([0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 0, 1])
_SALTS: Final = np.array(
    [[salt * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF] for salt in range(1, 13)], dtype=np.uint64
)


@dataclass(frozen=True, slots=True)
class TokenTable:
    """The words and marks of a text's sentences, one array element each.

    `starts` are character offsets, `sentences` the index of the sentence a token stands in, `hashes` and
    `prefixes` the crc32 of the word and of its first letters (0 for none), `negated` whether a negation
    shortly precedes. `first` has the index of each sentence's first token and, last, the number of tokens.
    """

    starts: NDArray[np.int64]
    sentences: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    prefixes: NDArray[np.uint64]
    negated: NDArray[np.bool_]
    first: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        return np.diff(self.first)


@dataclass(frozen=True, slots=True)
class FeatureIds:
    """Rows of the weight table per token, each of shape (k, tokens); row 0 means no feature.

    `base` counts for the whole sentence; `near` by distance from a target; `left` and `right` also by
    distance, for tokens before and after it.
    """

    base: NDArray[np.intp]
    near: NDArray[np.intp]
    left: NDArray[np.intp]
    right: NDArray[np.intp]


@lru_cache(maxsize=1 << 16)
def _word(token: str) -> int:
    """Return in one a token's crc32 (32 bits), that of its prefix (29 bits, 0: none) and flags (3 bits)."""
    word = token.lower().replace("’", "'")[:_MAX_WORD_CHARS]
    flags = _NEGATES * (word in _NEGATIONS or word.endswith("n't"))
    flags |= _CAPITAL * token[0].isupper() | _OPENS * (token in _OPENERS)
    prefix = 0
    if len(word) > _PREFIX_CHARS:
        prefix = crc32(word[:_PREFIX_CHARS].encode("utf-8", "replace")) & _PREFIX_MASK or 1
    return flags << 61 | prefix << 32 | crc32(word.encode("utf-8", "replace"))


def tabulate(
    text: str, spans: Sequence[tuple[int, int]], name_spans: Sequence[tuple[int, int]] = ()
) -> TokenTable:
    """Return the tokens of the sentences at `spans` (ascending, disjoint); `name_spans` hold names."""
    matches = list(_TOKEN.finditer(text))
    packed = np.array([_word(match.group()) for match in matches], dtype=np.uint64)
    offsets = np.array([match.start() for match in matches], dtype=np.int64)
    edges = np.array(spans, dtype=np.int64).reshape(-1, 2)
    within = np.searchsorted(edges[:, 0], offsets, side="right") - 1
    is_inside = within >= 0
    is_inside &= offsets < edges[within, 1] if len(edges) else False
    if not is_inside.all():
        packed, offsets, within = packed[is_inside], offsets[is_inside], within[is_inside]
    sentences = within.astype(np.int64)
    bounds = np.searchsorted(sentences, np.arange(len(edges) + 1)).astype(np.int64)
    flags = packed >> np.uint64(61)
    is_name = _capitalised_within(flags, sentences, bounds) | _covered(offsets, name_spans)
    return TokenTable(
        starts=offsets,
        sentences=sentences,
        hashes=np.where(is_name, np.uint64(_NAME), packed & np.uint64(0xFFFFFFFF)),
        prefixes=np.where(is_name, np.uint64(0), packed >> np.uint64(32) & np.uint64(_PREFIX_MASK)),
        negated=_after_negation(flags, sentences),
        first=bounds,
    )


def _capitalised_within(
    flags: NDArray[np.uint64], sentences: NDArray[np.int64], first: NDArray[np.int64]
) -> NDArray[np.bool_]:
    capital = (flags & np.uint64(_CAPITAL)) > 0
    counts = np.bincount(sentences, weights=capital, minlength=len(first) - 1)
    is_heading = counts > _MOSTLY_CAPITALS * np.diff(first)
    opens = np.ones(len(flags), dtype=bool)
    opens[1:] = (sentences[1:] != sentences[:-1]) | ((flags[:-1] & np.uint64(_OPENS)) > 0)
    return capital & ~opens & ~is_heading[sentences]


def _covered(starts: NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    if not spans or not len(starts):
        return np.zeros(len(starts), dtype=bool)
    edges = np.array(spans, dtype=np.int64)
    depth = np.zeros(len(starts) + 1, dtype=np.int64)
    np.add.at(depth, np.searchsorted(starts, edges[:, 0]), 1)
    np.add.at(depth, np.searchsorted(starts, edges[:, 1]), -1)
    return np.cumsum(depth[:-1]) > 0


def _after_negation(flags: NDArray[np.uint64], sentences: NDArray[np.int64]) -> NDArray[np.bool_]:
    negates = (flags & np.uint64(_NEGATES)) > 0
    negated = np.zeros(len(flags), dtype=bool)
    if negates.any():
        for reach in range(1, _NEGATION_REACH_WORDS + 1):
            negated[reach:] |= negates[:-reach] & (sentences[reach:] == sentences[:-reach])
    return negated


def feature_ids(table: TokenTable) -> FeatureIds:
    """Return the weight rows of each token: word, pair with the word before, prefix, word if negated."""
    words = table.hashes
    keys = np.zeros((4, len(words)), dtype=np.uint64)
    is_kind = np.ones(keys.shape, dtype=bool)
    keys[0] = keys[3] = words
    keys[1, 1:] = words[:-1] * np.uint64(0x9E3779B1) + words[1:]
    is_kind[1, :1] = False
    is_kind[1, 1:] = table.sentences[1:] == table.sentences[:-1]
    keys[2] = table.prefixes
    is_kind[2] = table.prefixes > 0
    is_kind[3] = table.negated
    # Mixing all twelve kinds in one go takes a third of the time of one after another.
    ids = np.where(is_kind[_KINDS], _bucket(keys[_KINDS] + _SALTS), 0)
    return FeatureIds(base=ids[:4], near=ids[4:8], left=ids[8:10], right=ids[10:12])


def _bucket(salted: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the row of each salted key, 1…BUCKETS-1."""
    mixed = salted * np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed >>= np.uint64(64 - BITS)
    ids = mixed.astype(np.intp)
    return np.maximum(ids, 1, out=ids)


def sentence_norms(lengths: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what a sentence's sum is divided by: √n, so that a long sentence says more than a short one.

    Beyond 40 tokens it is n/√40, so that text without full stops does not saturate.
    """
    norms: NDArray[np.float64] = np.sqrt(np.maximum(lengths, 1)) * np.sqrt(
        np.maximum(lengths / LONG_TOKENS, 1)
    )
    return norms


def distance_weights(
    tokens: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return exp(-d/6) of each token's distance d in words from its target, the tokens [begin, end)."""
    distance = np.maximum(np.maximum(begin - tokens, tokens - end + 1), 0)
    weights: NDArray[np.float64] = np.exp(distance / -DISTANCE_SCALE_WORDS)
    return weights
