"""Keyphrases: the words, word pairs and names that tell most about an article."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.enrich.steps.terms import MAX_TEXT_CHARS, BackgroundIdf, term_of
from shared.events import Entity, Keyphrase

VERSION: Final = "keyphrases-1"
MAX_KEYPHRASES: Final = 10
_MAX_CANDIDATES: Final = 40
_MAX_PHRASE_CHARS: Final = 80
_TITLE_WEIGHT: Final = 3.0
_LEAD_WEIGHT: Final = 1.5
_LEAD_CHARS: Final = 400
_NAME_WEIGHT: Final = 1.3
_PAIR_WEIGHT: Final = 1.6
_NAMED: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW"})

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


class _Candidate(NamedTuple):
    text: str
    score: float
    terms: frozenset[str]


def keyphrases(
    title: str,
    body: str,
    entities: tuple[Entity, ...],
    background: BackgroundIdf,
) -> tuple[Keyphrase, ...]:
    """Return up to ten phrases, best first; `score` is relative to the best one's.

    Terms weigh by frequency (title and lead count more) and idf.
    """
    weights, surfaces, pairs = _count(title, body)
    importance = {term: weight * background.idf(term) for term, weight in weights.items()}
    names = _names(entities, title, weights, importance)
    named = frozenset().union(*(name.terms for name in names))
    candidates = [
        *names,
        *(
            _Candidate(surfaces[term], score, frozenset((term,)))
            for term, score in importance.items()
            if term not in named or surfaces[term].islower()
        ),
        *_pairs(pairs, surfaces, importance),
    ]
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.text))
    chosen = _without_overlap(candidates[:_MAX_CANDIDATES])
    top = chosen[0].score if chosen else 0.0
    if top <= 0:
        return ()
    return tuple(
        Keyphrase(text=candidate.text, score=round(candidate.score / top, 4))
        for candidate in chosen
        if candidate.score > 0
    )


def _count(title: str, body: str) -> tuple[dict[str, float], dict[str, str], dict[tuple[str, str], float]]:
    """Return the weight of each term, a surface form of it, and the weight of pairs of adjacent terms."""
    weights: dict[str, float] = {}
    surfaces: dict[str, str] = {}
    pairs: dict[tuple[str, str], float] = {}
    body = body[:MAX_TEXT_CHARS]
    lead_ends = body.find(" ", _LEAD_CHARS)
    lead, rest = (body[:lead_ends], body[lead_ends:]) if lead_ends > 0 else (body, "")
    texts = ((title[:MAX_TEXT_CHARS], _TITLE_WEIGHT), (lead, _LEAD_WEIGHT), (rest, 1.0))
    for text, weight in texts:
        before, end = "", -2
        for match in _WORD.finditer(text):
            word = match.group()
            term = term_of(word)
            if term:
                weights[term] = weights.get(term, 0.0) + weight
                # The first form in the body reads better than a title's capitals.
                if term not in surfaces or (word.islower() and not surfaces[term].islower()):
                    surfaces[term] = _surface(word)
                if before and match.start() == end + 1:
                    pairs[before, term] = pairs.get((before, term), 0.0) + weight
            before, end = term, match.end()
    return weights, surfaces, pairs


def _surface(word: str) -> str:
    return word[:-2] if word.endswith(("'s", "’s")) else word


def _names(
    entities: tuple[Entity, ...], title: str, weights: dict[str, float], importance: dict[str, float]
) -> list[_Candidate]:
    """Return entities as candidates: a name weighs like its most important word, as often as it is meant."""
    names: list[_Candidate] = []
    for entity in entities:
        if entity.label not in _NAMED or len(entity.canonical) > _MAX_PHRASE_CHARS:
            continue
        parts = frozenset(term for term in map(term_of, _WORD.findall(entity.canonical)) if term in weights)
        if not parts:
            continue
        best = max(parts, key=importance.__getitem__)
        in_title = entity.canonical in title or entity.text in title
        weight = entity.count + (_TITLE_WEIGHT - 1.0) * in_title
        score = _NAME_WEIGHT * importance[best] * min(1.0, weight / weights[best])
        names.append(_Candidate(entity.canonical, score, parts))
    return names


def _pairs(
    pairs: dict[tuple[str, str], float], surfaces: dict[str, str], importance: dict[str, float]
) -> list[_Candidate]:
    """Return word pairs that stand more than once, or once where it counts, as candidates."""
    return [
        _Candidate(
            f"{surfaces[first]} {surfaces[second]}",
            _PAIR_WEIGHT * min(importance[first], importance[second]),
            frozenset((first, second)),
        )
        for (first, second), weight in pairs.items()
        if weight > _TITLE_WEIGHT and first != second
    ]


def _without_overlap(candidates: list[_Candidate]) -> list[_Candidate]:
    """Keep the best candidates that share no term with a better one."""
    chosen: list[_Candidate] = []
    taken: set[str] = set()
    for candidate in candidates:
        if taken.isdisjoint(candidate.terms):
            chosen.append(candidate)
            taken |= candidate.terms
        if len(chosen) == MAX_KEYPHRASES:
            break
    return chosen
