"""A made language with the statistics of news: its words, how often each occurs, and what it talks about.

Words follow Zipf–Mandelbrot over more types than an English newspaper uses in a year. A subject has words
and fixed expressions of its own, and is talked about in bursts. All is drawn from one seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WORD_TYPES = 120_000
# Zipf–Mandelbrot: the k-th word has weight 1 / (k + SHIFT) ** EXPONENT. About these fit English news.
SHIFT = 1.5
EXPONENT = 1.15
# Words before this rank are grammar, which every text shares; names are made of words after NAME_RANK.
GRAMMAR_RANK = 150
NAME_RANK = 3_000
SUBJECTS = 400
SUBJECT_WORDS = 250
SUBJECT_ENTITIES = 80
SUBJECT_PHRASES = 12
ENTITIES = 60_000
SURNAMES = 12_000
DAYS = 730
LABELS = ("PERSON", "ORG", "GPE", "LOC", "NORP", "EVENT")
LABEL_SHARES = (0.4, 0.26, 0.2, 0.04, 0.07, 0.03)
_ONSETS = (*"bcdfghjklmnprstvwz", "br", "ch", "cl", "dr", "fl", "gr", "pl", "pr", "sh", "st", "th", "tr")
_VOWELS = (*"aeiou", "ai", "ea", "ou", "io")
_CODAS = ("", "", "", "n", "r", "s", "t", "l", "nd", "st", "rm", "ck")
_ENDINGS = ("s", "ed", "ing", "er", "ly", "ment", "ation")


@dataclass(frozen=True, slots=True)
class Subject:
    """What some articles are about. Arrays hold numbers of words, of entities, and pairs of words."""

    words: NDArray[np.int32]
    entities: NDArray[np.int32]
    phrases: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class LanguageModel:
    """`words` by rank; `cumulative` sums up their shares. `names` are the words of each entity's name.

    `activity` has shape (DAYS, SUBJECTS): each row sums up the shares of the subjects on that day.
    """

    words: tuple[str, ...]
    cumulative: NDArray[np.float64]
    names: NDArray[np.int32]
    labels: NDArray[np.int8]
    entity_cumulative: NDArray[np.float64]
    subjects: tuple[Subject, ...]
    activity: NDArray[np.float64]

    def name(self, entity: int) -> str:
        return " ".join(self.words[number].capitalize() for number in self.names[entity])

    def label(self, entity: int) -> str:
        return LABELS[self.labels[entity]]


def draw(cumulative: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return `count` numbers, each as often as its share of the cumulative sum."""
    return np.searchsorted(cumulative, rng.random(count) * cumulative[-1])


def make_language(seed: int = 5) -> LanguageModel:
    rng = np.random.default_rng(seed)
    ranks = np.arange(1, WORD_TYPES + 1)
    cumulative = np.cumsum(1 / (ranks + SHIFT) ** EXPONENT)
    entity_cumulative = np.cumsum(1 / (np.arange(1, ENTITIES + 1) + 5.0))
    surnames = rng.integers(NAME_RANK, WORD_TYPES, SURNAMES)
    names = np.stack([rng.integers(NAME_RANK, WORD_TYPES, ENTITIES), rng.choice(surnames, ENTITIES)], axis=1)
    return LanguageModel(
        words=_words(rng),
        cumulative=cumulative,
        names=names.astype(np.int32),
        labels=rng.choice(len(LABELS), ENTITIES, p=LABEL_SHARES).astype(np.int8),
        entity_cumulative=entity_cumulative,
        subjects=tuple(_subject(rng, cumulative, entity_cumulative) for _ in range(SUBJECTS)),
        activity=_activity(rng),
    )


def _words(rng: np.random.Generator) -> tuple[str, ...]:
    """Return different words, short ones first; a third are inflected forms of others."""
    found: dict[str, None] = {}
    while len(found) < WORD_TYPES:
        # Frequent words are short, as in any language.
        syllables = 1 if len(found) < 400 else 2 if len(found) < 15_000 else 3
        stem = "".join(
            _ONSETS[onset] + _VOWELS[vowel]
            for onset, vowel in zip(
                rng.integers(len(_ONSETS), size=syllables),
                rng.integers(len(_VOWELS), size=syllables),
                strict=True,
            )
        )
        stem += _CODAS[rng.integers(len(_CODAS))]
        found.setdefault(stem)
        if len(found) > GRAMMAR_RANK and rng.random() < 0.5:
            found.setdefault(stem + _ENDINGS[rng.integers(len(_ENDINGS))])
    return tuple(found)[:WORD_TYPES]


def _subject(
    rng: np.random.Generator, cumulative: NDArray[np.float64], entity_cumulative: NDArray[np.float64]
) -> Subject:
    # Half of a subject's words are everybody's, half are rare outside of it.
    shared = GRAMMAR_RANK + draw(
        cumulative[GRAMMAR_RANK:] - cumulative[GRAMMAR_RANK], SUBJECT_WORDS // 2, rng
    )
    own = rng.integers(2_000, WORD_TYPES, SUBJECT_WORDS - len(shared))
    words = rng.permutation(np.concatenate([shared, own])).astype(np.int32)
    prominent = draw(entity_cumulative, SUBJECT_ENTITIES // 4, rng)
    others = rng.integers(0, ENTITIES, SUBJECT_ENTITIES - len(prominent))
    entities = rng.permutation(np.concatenate([prominent, others])).astype(np.int32)
    phrases = rng.choice(words, size=(SUBJECT_PHRASES, 2)).astype(np.int32)
    return Subject(words, entities, phrases)


def _activity(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how much each subject is talked about on each day: a little always, and much in a few bursts."""
    days = np.arange(DAYS)
    activity = np.repeat(rng.exponential(0.3, SUBJECTS)[None, :], DAYS, axis=0)
    for subject in range(SUBJECTS):
        for start in rng.integers(-5, DAYS, rng.integers(2, 6)):
            since = days - start
            height, life = rng.exponential(8.0), rng.uniform(3.0, 12.0)
            activity[:, subject] += np.where(since >= 0, height * np.exp(-since / life), 0.0)
    return np.cumsum(activity, axis=1)
