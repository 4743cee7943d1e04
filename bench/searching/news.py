"""Articles in the made language: two years of them, oldest first, as the index receives them.

A tenth are near-duplicates of a recent one by another outlet, and most belong to a story of their subject.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.searching.language import DAYS, LanguageModel, Subject, draw
from shared.events import (
    Article,
    ArticleEnriched,
    Entity,
    Language,
    Provenance,
    Related,
    Sentiment,
    SubmittedArticle,
    Topic,
)
from shared.media_topics import TOP_LEVEL

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OUTLETS = 800
MEDIAN_WORDS = 240
WORDS = (40, 1_500)
SUBJECT_SHARE = 0.22
REPEATED_SHARE = 0.10
DUPLICATE_SHARE = 0.10
# Wire copy is run within hours, mostly by outlets that change a word here and there.
DUPLICATES_OF_LAST = 1_500
EDITED_SHARE = 0.02
NEW_STORY_SHARE = 0.35
STORY_LIFE = timedelta(days=4)
WEEKEND_SHARE = 0.5
LANGUAGES = (("en", 0.93), ("de", 0.03), ("es", 0.02), ("fr", 0.02))


@dataclass(slots=True)
class _Written:
    """What a near-duplicate is made from."""

    event: ArticleEnriched
    words: list[str]


class Newsroom:
    """Writes articles with the words and entities of the subjects that are talked about on their day."""

    def __init__(self, language: LanguageModel, seed: int = 11) -> None:
        self._language = language
        self._rng = np.random.default_rng(seed)
        self._seed = seed
        self._outlets = [f"{language.words[3_000 + n].capitalize()} Post" for n in range(OUTLETS)]
        self._outlet_cumulative = np.cumsum(1 / (np.arange(1, OUTLETS + 1) + 3.0))
        self._topics = sorted(TOP_LEVEL.items())
        self._recent: deque[_Written] = deque(maxlen=DUPLICATES_OF_LAST)
        self._stories: dict[int, tuple[str, datetime]] = {}

    def articles(self, count: int, *, until: datetime = NOW, days: float = DAYS) -> Iterator[ArticleEnriched]:
        """Yield `count` articles received in the `days` before `until`."""
        for number, at in enumerate(_instants(count, until, days, self._rng)):
            written = self._copy(number, at) if self._copies() else self._write(number, at)
            self._recent.append(written)
            yield written.event

    def _copies(self) -> bool:
        return len(self._recent) > 100 and self._rng.random() < DUPLICATE_SHARE

    def _write(self, number: int, at: datetime) -> _Written:
        rng, language = self._rng, self._language
        day = min(max(int((at - (NOW - timedelta(days=DAYS))) / timedelta(days=1)), 0), DAYS - 1)
        subject_number = int(draw(language.activity[day], 1, rng)[0])
        subject = language.subjects[subject_number]
        entities = self._entities(subject)
        words = self._words(subject, entities)
        title_words = rng.choice(subject.words, rng.integers(4, 8)).tolist()
        title = " ".join((language.name(entities[0]), *(language.words[word] for word in title_words)))
        score = float(np.clip(rng.normal(-0.05, 0.3), -1, 1))
        story = self._story(subject_number, at)
        event = self._event(number, at, title, _laid_out(words, rng), entities, score, story, ())
        return _Written(event, words)

    def _copy(self, number: int, at: datetime) -> _Written:
        rng = self._rng
        original = self._recent[int(rng.integers(len(self._recent)))]
        words = list(original.words)
        for place in rng.integers(0, len(words), max(1, int(len(words) * EDITED_SHARE))).tolist():
            words[place] = self._language.words[int(draw(self._language.cumulative, 1, rng)[0])]
        article = original.event.article
        title = article.title if rng.random() < 0.6 else f"{article.title} {words[3]}"
        link = Related(kind="duplicate", id=article.id, title=article.title, score=0.9, why="same words")
        again = article.model_copy(update={"title": title, "body": _laid_out(words, rng), "related": (link,)})
        return _Written(self._received(number, at, again), words)

    def _entities(self, subject: Subject) -> list[int]:
        rng = self._rng
        near = subject.entities[(len(subject.entities) * rng.random(1 + rng.poisson(3)) ** 2).astype(int)]
        far = draw(self._language.entity_cumulative, 1 + rng.poisson(3), rng)
        return list(dict.fromkeys([*near.tolist(), *far.tolist()]))

    def _words(self, subject: Subject, entities: list[int]) -> list[str]:
        rng, language = self._rng, self._language
        count = int(np.clip(rng.lognormal(np.log(MEDIAN_WORDS), 0.55), *WORDS))
        tokens = draw(language.cumulative, count, rng)
        own = np.flatnonzero(rng.random(count) < SUBJECT_SHARE)
        tokens[own] = subject.words[(len(subject.words) * rng.random(len(own)) ** 2).astype(int)]
        again = np.flatnonzero(rng.random(count) < REPEATED_SHARE)
        tokens[again] = tokens[(again * rng.random(len(again))).astype(int)]
        names: list[int] = []
        for entity in entities:
            for place in rng.integers(0, count - 1, 1 + rng.poisson(0.8)).tolist():
                tokens[place : place + 2] = language.names[entity]
                names += (place, place + 1)
        for place in rng.integers(0, count - 1, 2).tolist():
            tokens[place : place + 2] = subject.phrases[rng.integers(len(subject.phrases))]
        words = [language.words[token] for token in tokens.tolist()]
        for place in names:
            words[place] = words[place].capitalize()
        return words

    def _story(self, subject: int, at: datetime) -> str:
        story, last_at = self._stories.get(subject, ("", at - STORY_LIFE * 2))
        if at - last_at > STORY_LIFE or self._rng.random() < NEW_STORY_SHARE:
            story = hashlib.blake2b(f"{self._seed} {subject} {at}".encode(), digest_size=8).hexdigest()
        self._stories[subject] = (story, at)
        return story

    def _event(
        self,
        number: int,
        at: datetime,
        title: str,
        body: str,
        entities: list[int],
        score: float,
        story: str,
        related: tuple[Related, ...],
    ) -> ArticleEnriched:
        rng, language = self._rng, self._language
        code, topic = self._topics[int(len(self._topics) * rng.random() ** 2)]
        article = Article(
            id="0" * 32,
            revision=1,
            title=title,
            body=body,
            received_at=at,
            language=Language(code=_pick(LANGUAGES, rng), confidence=0.99),
            entities=tuple(
                Entity(text=name, label=language.label(entity), canonical=name, count=1 + position % 3)
                for position, entity in enumerate(entities)
                for name in (language.name(entity),)
            ),
            sentiment=Sentiment(label=_label(score), score=score, confidence=0.7),
            topics=(Topic(code=code, name=topic, score=0.8),),
            related=related,
            story_id=story,
            provenance=Provenance(door="batch"),
        )
        return self._received(number, at, article)

    def _received(self, number: int, at: datetime, article: Article) -> ArticleEnriched:
        article_id = hashlib.blake2b(f"{self._seed} {number}".encode(), digest_size=16).hexdigest()
        outlet = self._outlets[int(draw(self._outlet_cumulative, 1, self._rng)[0])]
        changes: dict[str, Any] = {
            "id": article_id,
            "source": outlet,
            "url": f"https://{outlet.partition(' ')[0].lower()}.example/{article_id[:12]}",
            "received_at": at,
            "published_at": at - timedelta(seconds=int(self._rng.exponential(1_200))),
        }
        return ArticleEnriched(
            article_id=article_id,
            revision=1,
            received_at=at,
            content_hash=article_id,
            submitted=SubmittedArticle(title=article.title, body=article.body),
            article=article.model_copy(update=changes),
        )


def _instants(count: int, until: datetime, days: float, rng: np.random.Generator) -> list[datetime]:
    """Return instants in order, fewer at weekends."""
    start = until - timedelta(days=days)
    whole = [start + timedelta(days=day) for day in range(max(int(days), 1))]
    weights = np.array([WEEKEND_SHARE if day.weekday() >= 5 else 1.0 for day in whole])
    edges = np.concatenate([[0.0], np.cumsum(weights)])
    places = np.interp(np.sort(rng.random(count)) * edges[-1], edges, np.linspace(0, days, len(edges)))
    return [start + timedelta(seconds=int(place * 86_400)) for place in places.tolist()]


def _laid_out(words: list[str], rng: np.random.Generator) -> str:
    """Return words as sentences and paragraphs."""
    parts: list[str] = []
    start = 0
    ends: NDArray[np.int64] = np.cumsum(rng.integers(8, 30, len(words) // 8 + 1))
    for number, end in enumerate(ends.tolist(), 1):
        sentence = " ".join(words[start:end])
        if not sentence:
            break
        parts.append(f"{sentence[0].upper()}{sentence[1:]}.{' ' if number % 3 else chr(10) * 2}")
        start = end
    return "".join(parts).rstrip()


def _pick(shares: tuple[tuple[str, float], ...], rng: np.random.Generator) -> str:
    place = rng.random()
    for value, share in shares:
        place -= share
        if place < 0:
            return value
    return shares[0][0]


def _label(score: float) -> str:
    return "negative" if score < -0.15 else "positive" if score > 0.15 else "neutral"
