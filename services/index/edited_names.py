"""Where else an article names its entities: keyphrases and speakers, after an edit. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from shared.events import Article, Entity, Keyphrase, Quote

EntityKey = tuple[str, str]
"""Label and canonical name."""


class _Mention(NamedTuple):
    """`name` is what the entity is called now."""

    start: int
    end: int
    name: str | None


def folded_name(name: str) -> str:
    return " ".join(name.split()).casefold()


class Names:
    """What each canonical name of an article is called now.

    A name of several entities (Jordan the person, Jordan the country) that have different names now stays as
    it is, unless the body tells which of them is meant.
    """

    def __init__(
        self, article: Article, entities: Sequence[Entity], targets: Sequence[EntityKey | None]
    ) -> None:
        """`targets` has the new label and name of each of `entities`, None for a blocked one."""
        self._article = article
        self._names: dict[str, set[str | None]] = defaultdict(set)
        self._mentions: dict[str, list[_Mention]] = defaultdict(list)
        for entity, target in zip(entities, targets, strict=True):
            old, new = folded_name(entity.canonical), target[1] if target else None
            self._names[old].add(new)
            self._mentions[old] += [_Mention(one.start, one.end, new) for one in entity.mentions]
        for mentions in self._mentions.values():
            mentions.sort(key=attrgetter("start"))

    def keyphrases(self) -> tuple[Keyphrase, ...]:
        """Return the keyphrases, those of one new name as the better one of them, none of a blocked one.

        Scores stay relative to the best.
        """
        renamed: dict[str, Keyphrase] = {}
        for phrase in self._article.keyphrases:
            names = self._names.get(folded_name(phrase.text), {phrase.text})
            if names == {None}:
                continue
            (name,) = names if len(names) == 1 else (phrase.text,)
            renamed.setdefault(folded_name(name or ""), phrase.model_copy(update={"text": name}))
        top = max((phrase.score for phrase in renamed.values()), default=0.0)
        if top <= 0 or len(renamed) == len(self._article.keyphrases):
            return tuple(renamed.values())
        return tuple(
            phrase.model_copy(update={"score": round(min(phrase.score / top, 1.0), 4)})
            for phrase in renamed.values()
        )

    def quote(self, quote: Quote) -> Quote:
        """Return the quote with its speaker's new name.

        Instead of a blocked one it has the words of the body, or None where those are a pronoun.
        """
        if quote.speaker is None:
            return quote
        old = folded_name(quote.speaker)
        names, words = self._names.get(old, {quote.speaker}), None
        start, end = quote.speaker_start, quote.speaker_end
        if start is not None and end is not None:
            mentions = self._mentions.get(old, [])
            before = bisect_left(mentions, end, key=attrgetter("start"))
            if before and mentions[before - 1].end > start:
                names, words = {mentions[before - 1].name}, self._article.body[start:end]
        if len(names) != 1:
            return quote
        (name,) = names
        name = words or None if name is None else name
        return quote if name == quote.speaker else quote.model_copy(update={"speaker": name})
