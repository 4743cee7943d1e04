"""What a list of articles on one event is called, and which of them stand for it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.index.engine.aggregations import ClusteredHit
from services.index.engine.results import DUPLICATE_FIELDS, SHOWN_DUPLICATES, Duplicates

Card = Mapping[str, Any]

_WORD = re.compile(r"\w+")
_SHORTEST_WORD = 3
# Shorter ones are labels ("Live blog"), longer ones are leads that a feed has put into the title.
_TITLE_WORDS = range(3, 31)
_LONGEST_TITLE = 500
# Of few titles one has a word more in common than another by chance: the first report keeps its title then.
_CLEAR_LIKENESS = 0.2
_CLEAR_LEAD = 1.5


def story_title(cards: Sequence[Card]) -> str:
    """Return the earliest title, unless another clearly says more of what the others say (mean Jaccard).

    `cards` are the oldest first. Labels ("Live"), leads and titles in capitals are taken only when there is
    nothing else.
    """
    titles = [title for card in cards if (title := _title(card))]
    named = [title for title in titles if _is_sentence(title)] or titles
    if not named:
        return ""
    words = [_words(title) for title in named]
    likeness = [_likeness(at, words) for at in range(len(named))]
    best = max(range(len(named)), key=lambda at: (likeness[at], -at))
    clearly = likeness[best] >= max(_CLEAR_LIKENESS, _CLEAR_LEAD * likeness[0])
    return named[best] if clearly else named[0]


def _is_sentence(title: str) -> bool:
    letters = [letter for letter in title if letter.lower() != letter.upper()]
    shouted = bool(letters) and sum(map(str.isupper, letters)) > len(letters) / 2
    return len(_WORD.findall(title)) in _TITLE_WORDS and not shouted


def _title(card: Card) -> str:
    return " ".join(str(card.get("title") or "")[:_LONGEST_TITLE].split())


def _words(title: str) -> frozenset[str]:
    found = _WORD.findall(title.casefold())
    return frozenset(word for word in found if len(word) >= _SHORTEST_WORD)


def _likeness(at: int, words: Sequence[frozenset[str]]) -> float:
    """Return the mean Jaccard similarity of one title with the others."""
    others = [other for place, other in enumerate(words) if place != at]
    shared = sum(len(words[at] & other) / (len(words[at] | other) or 1) for other in others)
    return shared / len(others) if others else 0.0


def distinct_articles(newest: Iterable[ClusteredHit], size: int) -> list[Card]:
    """Return up to `size` cards, of different texts, and of different sources as far as there are any."""
    texts: dict[int, Card] = {}
    for one in newest:
        texts.setdefault(one.cluster, one.hit.card)
    places = {card["id"]: place for place, card in enumerate(texts.values())}
    by_source: dict[Any, Card] = {}
    for card in texts.values():
        by_source.setdefault(card.get("source"), card)
    first = list(by_source.values())
    rest = [card for card in texts.values() if card not in first]
    return sorted((first + rest)[:size], key=lambda card: places[card["id"]])


def story_timeline(oldest: Iterable[ClusteredHit]) -> list[dict[str, Any]]:
    """Return the cards in their order; later near-duplicates of one are its `duplicates`."""
    groups: dict[int, list[Card]] = {}
    for one in oldest:
        groups.setdefault(one.cluster, []).append(one.hit.card)
    return [_with_duplicates(first, copies) for first, *copies in groups.values()]


def _with_duplicates(card: Card, copies: Sequence[Card]) -> dict[str, Any]:
    if not copies:
        return dict(card)
    outlets = {copy.get("source") for copy in copies if copy.get("source")} - {card.get("source")}
    shown = tuple(
        {name: copy[name] for name in DUPLICATE_FIELDS if name in copy} for copy in copies[:SHOWN_DUPLICATES]
    )
    return {**card, "duplicates": Duplicates(len(copies), len(outlets), shown).document()}


def effective_published_at(card: Card) -> datetime:
    """Return when the article of a card counts as published; see `engine.documents`."""
    received_at = datetime.fromisoformat(card["received_at"])
    published_at = card.get("published_at")
    return min(datetime.fromisoformat(published_at), received_at) if published_at else received_at
