"""Articles as the tagger's network sees them in training: rows of numbers, one row for a token."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.enrich.entities.article import Sentence, prepare_article
from services.enrich.entities.features import FEATURES, IN_TITLE, WordForms, kind_numbers, phrase_numbers
from services.enrich.entities.gazetteer import Gazetteer
from services.enrich.entities.network import PADS, TAGS
from services.enrich.training.name_swaps import NameLists, swap_names
from services.enrich.training.news_gold import GoldArticle, Mark

# News about well-known people and bodies, of which news-gold has little.
EXTRA_GOLD = Path(__file__).with_name("extra_gold.txt")
# A row that has no label: padding, and text that nobody has annotated.
UNKNOWN = -100
_MAX_TOKENS = 1_000_000
_TAG_NUMBER = {tag: number for number, tag in enumerate(TAGS)}
# The public sets know three labels; a place may be any of three of ours.
_PUBLIC_TAGS = {
    "O": "O",
    **{f"{p}-{a}": f"{p}-{b}" for p in "BI" for a, b in (("PER", "PERSON"), ("ORG", "ORG"), ("LOC", "GPE"))},
}
PUBLIC_TAGS = tuple(_PUBLIC_TAGS.values())


@dataclass(slots=True)
class Example:
    """One article or lone sentence, its sentences PADS rows apart.

    `words` has None for padding; `groups` numbers the capitalised words over the article and
    `sentence_groups` within each sentence, -1 for other rows; `soft` holds a teacher's probabilities
    of the rows that are tokens.
    """

    article: str
    words: list[str | None]
    in_title: list[bool]
    features: NDArray[np.int8]
    tags: NDArray[np.int64]
    sentences: list[tuple[int, int]]
    groups: NDArray[np.int64]
    sentence_groups: NDArray[np.int64]
    is_public: bool = False
    soft: NDArray[np.float16] | None = None


@dataclass(slots=True)
class Examples:
    """Everything the tagger learns from. `swapped` holds one copy of every gold article a round."""

    gold: list[Example] = field(default_factory=list)
    swapped: list[list[Example]] = field(default_factory=list)
    titles: list[Example] = field(default_factory=list)
    public: list[Example] = field(default_factory=list)
    unlabelled: list[Example] = field(default_factory=list)


def bio_tags(sentence: Sentence, marks: Sequence[Mark]) -> list[str]:
    """Return the BIO tags of a sentence's tokens; a mark whose edge is inside a token takes that token in."""
    tags = ["O"] * len(sentence.tokens)
    for start, end, label in marks:
        inside = [i for i, token in enumerate(sentence.tokens) if token.start < end and token.end > start]
        for i in inside:
            tags[i] = ("B-" if i == inside[0] else "I-") + label
    return tags


def recased(title: str, how: str) -> str:
    """Return the title in another headline case, of the same length; "as written" leaves it."""
    if how == "upper":
        changed = title.upper()
    elif how == "title":
        changed = " ".join(word[:1].upper() + word[1:] for word in title.split(" "))
    else:
        changed = title
    return changed if len(changed) == len(title) else title


class ExampleMaker:
    """Makes examples of the collections."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._forms = WordForms(gazetteer)

    def article(self, article: GoldArticle, title: str | None = None, *, only_title: bool = False) -> Example:
        sentences = []
        title = article.title if title is None else title
        for s in prepare_article(title, article.body, self._forms, self._gazetteer, _MAX_TOKENS):
            if s.in_title or not only_title:
                tags = bio_tags(s, article.title_marks if s.in_title else article.body_marks)
                sentences.append((s.words, [_TAG_NUMBER[tag] for tag in tags], s.in_title))
        return self._example(article.id, sentences)

    def swapped(self, articles: Sequence[GoldArticle], lists: NameLists, rng: random.Random) -> list[Example]:
        return [self.article(swap_names(article, lists, rng)) for article in articles]

    def recased_titles(self, articles: Iterable[GoldArticle]) -> Iterator[Example]:
        for article in articles:
            for how in ("upper", "title"):
                title = recased(article.title, how)
                if title != article.title:
                    yield self.article(article, title, only_title=True)

    def public(self, file: Path) -> Iterator[Example]:
        """Yield the sentences of a file of `ner-public`."""
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
            record = json.loads(line)
            words = [word or "-" for word in self._forms.normalised(record["tokens"])]
            tags = [_TAG_NUMBER[_PUBLIC_TAGS[tag]] for tag in record["tags"]]
            example = self._example(f"{file.stem}-{number}", [(words, tags, False)])
            example.is_public = True
            yield example

    def unlabelled(self, file: Path) -> Iterator[Example]:
        """Yield the distinct texts of a NewsMTSC file; its sentiment labels are not read."""
        texts = dict.fromkeys(
            json.loads(line)["text"] for line in file.read_text(encoding="utf-8").splitlines()
        )
        for number, text in enumerate(texts):
            sentences = prepare_article("", text, self._forms, self._gazetteer, _MAX_TOKENS)
            if sentences:
                rows = [(s.words, [UNKNOWN] * len(s.words), False) for s in sentences]
                yield self._example(f"{file.stem}-{number}", rows)

    def _example(self, article: str, sentences: Iterable[tuple[list[str], list[int], bool]]) -> Example:
        words: list[str | None] = []
        titles: list[bool] = []
        tags: list[int] = []
        features: list[NDArray[np.int8]] = []
        spans: list[tuple[int, int]] = []
        for sentence, numbers, in_title in sentences:
            words += [None] * PADS
            words += sentence
            titles += [False] * PADS + [in_title] * len(sentence)
            tags += [UNKNOWN] * PADS + numbers
            spans.append((len(words) - len(sentence), len(words)))
            features += [np.zeros((PADS, FEATURES), np.int8), self._features(sentence, in_title)]
        groups, sentence_groups = _groups(words, spans)
        return Example(
            article, words, titles, np.concatenate(features), np.array(tags), spans, groups, sentence_groups
        )

    def _features(self, words: Sequence[str], in_title: bool) -> NDArray[np.int8]:
        held = np.zeros((len(words), FEATURES), np.int8)
        for i, word in enumerate(words):
            held[i, kind_numbers(word, self._gazetteer)] = 1
        i = 0
        while i < len(words):
            length, codes = self._gazetteer.match(words, i)
            for offset in range(length):
                held[i + offset, phrase_numbers(codes, offset, length)] = 1
            i += length or 1
        held[:, IN_TITLE] = in_title
        return held


def _groups(
    words: Sequence[str | None], spans: Iterable[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    whole = np.full(len(words), -1)
    within = np.full(len(words), -1)
    numbers: dict[Any, int] = {}
    lone: dict[Any, int] = {}
    for start, end in spans:
        for i in range(start, end):
            word = words[i]
            if word and word[0].isupper() and len(word) > 1:
                whole[i] = numbers.setdefault(word, len(numbers))
                within[i] = lone.setdefault((start, word), len(lone))
    return whole, within
