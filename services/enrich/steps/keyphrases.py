"""Keyphrases: the words, word pairs and names that tell most about an article."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from services.enrich.steps.terms import MAX_TEXT_CHARS, BackgroundIdf, term_of
from shared.events import Entity, Keyphrase

VERSION: Final = "keyphrases-2"
MAX_KEYPHRASES: Final = 10
_MAX_CANDIDATES: Final = 40
_MAX_PHRASE_CHARS: Final = 80
_TITLE_WEIGHT: Final = 3.0
_LEAD_WEIGHT: Final = 1.5
_LEAD_CHARS: Final = 400
_NAME_WEIGHT: Final = 1.3
_PAIR_WEIGHT: Final = 1.6
# A name that the article drops once, far down, is seldom what it is about.
_PASSING_NAME_WEIGHT: Final = 0.5
_MIN_PHRASES: Final = 3
_NAMED: Final = frozenset({"PERSON", "ORG", "GPE", "LOC", "FAC", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW"})

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# Scores, ages and hours ("2-1", "14-year", "146km", "forty-one"), contractions, and words of which nearly all
# are verbs or adverbs: none of them tells alone what an article is about.
_UNTELLING = re.compile(
    r"\d|(?:per)?cent\Z|.*['’](?:ve|ll|re|d|t|m)\Z"
    r"|(?:one|two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)-"
    r"|.{3,}(?:ed|ly)\Z",
    re.IGNORECASE,
)


class _Candidate(NamedTuple):
    text: str
    score: float
    terms: frozenset[str]


class _Counts(NamedTuple):
    """What the words of title and body come to, by term; `pairs` are of adjacent terms.

    `in_title` is the part of `weights` that the title gave.
    """

    weights: dict[str, float]
    surfaces: dict[str, str]
    pairs: dict[tuple[str, str], float]
    in_title: dict[str, float]


def keyphrases(
    title: str,
    body: str,
    entities: tuple[Entity, ...],
    background: BackgroundIdf,
) -> tuple[Keyphrase, ...]:
    """Return up to ten phrases, best first; `score` is relative to the best one's.

    Terms weigh by frequency (title and lead count more) and idf.
    """
    counts = _count(title, body)
    importance = {term: weight * background.idf(term) for term, weight in counts.weights.items()}
    names = _names(entities, title, body, counts.weights, importance)
    named = frozenset().union(*(name.terms for name in names))
    phrases = [*names, *_pairs(counts, importance)]
    telling = {term: score for term, score in importance.items() if _tells(term, counts)}
    chosen = _chosen([*phrases, *_words(counts, telling, named)])
    if len(chosen) < _MIN_PHRASES:  # a brief has few words, and says each once
        plain = {term: score for term, score in importance.items() if _is_plain(counts.surfaces[term])}
        chosen = _chosen([*phrases, *_words(counts, plain, named)])
    top = chosen[0].score if chosen else 0.0
    if top <= 0:
        return ()
    return tuple(
        Keyphrase(text=candidate.text, score=round(candidate.score / top, 4))
        for candidate in chosen
        if candidate.score > 0
    )


def _count(title: str, body: str) -> _Counts:
    counts = _Counts({}, {}, {}, {})
    weights, surfaces, pairs, in_title = counts
    body = body[:MAX_TEXT_CHARS]
    lead_ends = body.find(" ", _LEAD_CHARS)
    lead, rest = (body[:lead_ends], body[lead_ends:]) if lead_ends > 0 else (body, "")
    texts = ((title[:MAX_TEXT_CHARS], _TITLE_WEIGHT), (lead, _LEAD_WEIGHT), (rest, 1.0))
    for number, (text, weight) in enumerate(texts):
        before, end = "", -2
        for match in _WORD.finditer(text):
            word = match.group()
            term = term_of(word)
            if term:
                weights[term] = weights.get(term, 0.0) + weight
                # The first form in the body reads better than a title's capitals.
                if term not in surfaces or (word.islower() and not surfaces[term].islower()):
                    surfaces[term] = _surface(word)
                if before and match.start() == end + 1 and text[end] == " ":
                    pairs[before, term] = pairs.get((before, term), 0.0) + weight
            before, end = term, match.end()
        if number == 0:
            in_title.update(weights)
    return counts


def _surface(word: str) -> str:
    return word[:-2] if word.endswith(("'s", "’s")) else word


def _names(
    entities: tuple[Entity, ...],
    title: str,
    body: str,
    weights: dict[str, float],
    importance: dict[str, float],
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
        early = not entity.mentions or entity.mentions[0].start < _LEAD_CHARS
        if entity.count == 1 and not in_title and not early:
            score *= _PASSING_NAME_WEIGHT
        names.append(_Candidate(entity.canonical, score, parts))
    return names


def _words(counts: _Counts, scores: dict[str, float], named: frozenset[str]) -> list[_Candidate]:
    """Return single words as candidates. A word of a name stands alone only if it is also a plain word."""
    return [
        _Candidate(counts.surfaces[term], score, frozenset((term,)))
        for term, score in scores.items()
        if term not in named or counts.surfaces[term].islower()
    ]


def _tells(term: str, counts: _Counts) -> bool:
    """Tell whether a word alone says what the article is about.

    It comes back in the body, or the body takes it up from the title: headlines are full of verbs that the
    text does not use ("batters", "bags"), and of words in capitals.
    """
    in_title = counts.in_title.get(term, 0.0)
    in_body = counts.weights[term] - in_title  # 1 or more for each time
    return in_body >= (1.0 if in_title else 2.0) and _is_plain(counts.surfaces[term])


def _is_plain(word: str) -> bool:
    return _UNTELLING.match(word) is None


def _pairs(counts: _Counts, importance: dict[str, float]) -> list[_Candidate]:
    """Return word pairs that stand more than once, or once where it counts, as candidates."""
    return [
        _Candidate(
            f"{counts.surfaces[first]} {counts.surfaces[second]}",
            _PAIR_WEIGHT * min(importance[first], importance[second]),
            frozenset((first, second)),
        )
        for (first, second), weight in counts.pairs.items()
        if weight > _TITLE_WEIGHT and first != second and _is_plain(counts.surfaces[first])
    ]


def _chosen(candidates: list[_Candidate]) -> list[_Candidate]:
    """Keep the best candidates that share no term with a better one, and whose acronyms differ."""
    candidates.sort(key=lambda candidate: (-candidate.score, candidate.text))
    chosen: list[_Candidate] = []
    taken: set[str] = set()
    for candidate in candidates[:_MAX_CANDIDATES]:
        short = _acronym(candidate.text)
        if taken.isdisjoint(candidate.terms) and short not in taken:
            chosen.append(candidate)
            taken |= candidate.terms
            taken.add(short)
        if len(chosen) == MAX_KEYPHRASES:
            break
    return chosen


def _acronym(name: str) -> str:
    """Return the initials of a name of several words, or an acronym itself, marked apart from terms."""
    initials = "".join(word[0] for word in name.split() if word[0].isupper())
    if len(initials) > 1:
        return f"{initials}."
    return f"{name}." if name.isupper() else name
