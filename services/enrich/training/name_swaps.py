"""More training text from the same articles: every name exchanged for a listed one of its label.

News-gold invents nearly all its names; a tagger trained on it alone relies on context more than
news about well-known people and places rewards. Swapping keeps the writing and changes the names.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.enrich.training.news_gold import GoldArticle, Mark

# Nationalities, laws, events and titles are tied to the wording around them: they stay.
SWAPPED_LABELS = ("PERSON", "ORG", "GPE", "LOC", "FAC")
_SWAPPED_SHARE = 0.5
_MADE_UP_SHARE = 0.6

Exchange = dict[tuple[str, str], str]


@dataclass(frozen=True, slots=True)
class NameLists:
    """Listed names with their aliases by label, and given and family names by culture."""

    names: Mapping[str, Sequence[tuple[str, ...]]]
    given: Mapping[str, Sequence[str]]
    family: Mapping[str, Sequence[str]]

    def person(self, rng: random.Random) -> str:
        """Return a well-known person's name, or one made of a given and a family name of one culture."""
        if rng.random() >= _MADE_UP_SHARE:
            return rng.choice(self.names["PERSON"])[0]
        culture = rng.choice(sorted(self.given.keys() & self.family.keys()))
        return f"{rng.choice(self.given[culture])} {rng.choice(self.family[culture])}"


def read_names(directory: Path) -> NameLists:
    """Return the names of the gazetteer's TSV files, in file order."""
    names: dict[str, list[tuple[str, ...]]] = {label: [] for label in SWAPPED_LABELS}
    given: defaultdict[str, list[str]] = defaultdict(list)
    family: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(directory.glob("*.tsv")):
        for line in file.read_text(encoding="utf-8").splitlines():
            label, name, aliases, culture, *_ = [*line.split("\t"), "", "", ""]
            if label in names:
                names[label].append((name, *(alias for alias in aliases.split("|") if alias)))
            elif label == "PERSON_GIVEN":
                given[culture].append(name)
            elif label == "PERSON_FAMILY":
                family[culture].append(name)
    return NameLists(names, given, family)


def swap_names(article: GoldArticle, lists: NameLists, rng: random.Random) -> GoldArticle:
    """Return the article with half of its distinct names replaced, each the same way everywhere.

    A surname keeps standing for its full name; capitals stay capitals.
    """
    surfaces = {
        (label, text[start:end])
        for text, marks in ((article.title, article.title_marks), (article.body, article.body_marks))
        for start, end, label in marks
        if label in SWAPPED_LABELS
    }
    exchange: Exchange = {}
    # Full names first, so that a surname finds the name that it is part of.
    for label, surface in sorted(surfaces, key=lambda pair: (-len(pair[1].split()), pair)):
        exchange[label, surface] = _replacement(label, surface, exchange, lists, rng)
    title, title_marks = _rewrite(article.title, article.title_marks, exchange)
    body, body_marks = _rewrite(article.body, article.body_marks, exchange)
    return replace(article, title=title, title_marks=title_marks, body=body, body_marks=body_marks)


def _replacement(label: str, surface: str, exchange: Exchange, lists: NameLists, rng: random.Random) -> str:
    if label == "PERSON":
        if " " in surface:
            return lists.person(rng) if rng.random() < _SWAPPED_SHARE else surface
        return _part_of_full_name(surface, exchange) or surface
    if rng.random() >= _SWAPPED_SHARE:
        return surface
    chosen = rng.choice(lists.names[label])
    if surface.isupper() and len(surface) <= 6:
        return next((alias for alias in chosen if alias.isupper()), chosen[0])
    return chosen[0].upper() if surface.isupper() else chosen[0]


def _part_of_full_name(word: str, exchange: Exchange) -> str | None:
    for (label, full), new in exchange.items():
        parts = full.split()
        if label == "PERSON" and word in parts and len(parts) > 1:
            if new == full:
                return word
            return new.split()[0 if parts[0] == word else -1]
    return None


def _rewrite(text: str, marks: Sequence[Mark], exchange: Exchange) -> tuple[str, tuple[Mark, ...]]:
    pieces: list[str] = []
    rewritten: list[Mark] = []
    length = last = 0
    for start, end, label in marks:
        before = text[last:start]
        surface = exchange.get((label, text[start:end]), text[start:end])
        pieces += (before, surface)
        length += len(before)
        rewritten.append((length, length + len(surface), label))
        length += len(surface)
        last = end
    pieces.append(text[last:])
    return "".join(pieces), tuple(rewritten)
