"""What re-enrichment changed of one article, as its readers see it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from shared.events import Article

# What a report counts; `anything` also where only offsets, scores, keyphrases or the like are others.
PARTS: Final = (
    "anything", "text", "language", "entities", "sentiment", "topics", "keyphrases", "quotes",
    "cited links", "unsupported",
)  # fmt: skip
MAX_VALUE_CHARS: Final = 200
_MAX_LISTED: Final = 40
# Says that enrichment was done, not what it found.
_NOT_CONTENT: Final[dict[str, Any]] = {"provenance": {"versions"}, "enriched_at": True}
_MAX_VERSION_CHARS: Final = 80

_TEXT_BEFORE_CHARS: Final = 40

Names: TypeAlias = tuple[tuple[str, str], ...]
_InWords: TypeAlias = Callable[[Article, Article], tuple[str, str]]


class Example(BaseModel):
    """One part of one article, before and after, in words."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    before: dict[str, str]
    after: dict[str, str]


class Change(BaseModel):
    """`added` and `removed` are entities as (label, name). `versions` are (part, before, after)."""

    model_config = ConfigDict(frozen=True)

    parts: tuple[str, ...] = ()
    added: Names = ()
    removed: Names = ()
    topics_added: tuple[str, ...] = ()
    topics_removed: tuple[str, ...] = ()
    sentiment: tuple[str, str]
    score_moved: float = Field(description="Of the article's sentiment, without its sign.")
    language: tuple[str, str]
    versions: tuple[tuple[str, str, str], ...] = ()
    example: Example | None = None


def change_between(before: Article, after: Article) -> Change:
    """Return what differs. Both are as they are served: operators' edits are applied."""
    names = _names(before), _names(after)
    topics = {topic.name for topic in before.topics}, {topic.name for topic in after.topics}
    parts = tuple(_changed_parts(before, after))
    return Change(
        parts=parts,
        added=_sorted(names[1] - names[0]),
        removed=_sorted(names[0] - names[1]),
        topics_added=tuple(sorted(topics[1] - topics[0])),
        topics_removed=tuple(sorted(topics[0] - topics[1])),
        sentiment=(before.sentiment.label, after.sentiment.label),
        score_moved=abs(after.sentiment.score - before.sentiment.score),
        language=(before.language.code, after.language.code),
        versions=tuple(_versions(before, after)),
        example=_example(before, after, parts),
    )


def _changed_parts(before: Article, after: Article) -> Iterable[str]:
    differs = {
        "anything": before.model_dump(exclude=_NOT_CONTENT) != after.model_dump(exclude=_NOT_CONTENT),
        "text": (before.title, before.body) != (after.title, after.body),
        "language": before.language.code != after.language.code,
        "entities": _names(before) != _names(after),
        "sentiment": before.sentiment.label != after.sentiment.label,
        "topics": {topic.code for topic in before.topics} != {topic.code for topic in after.topics},
        "keyphrases": [k.text for k in before.keyphrases] != [k.text for k in after.keyphrases],
        "quotes": _quotes(before) != _quotes(after),
        "cited links": _cited(before) != _cited(after),
        "unsupported": set(before.unsupported) != set(after.unsupported),
    }
    return (part for part in PARTS if differs[part])


def _names(article: Article) -> set[tuple[str, str]]:
    return {(entity.label, _short(entity.canonical)) for entity in article.entities}


def _sorted(names: set[tuple[str, str]]) -> Names:
    return tuple(sorted(names))


def _quotes(article: Article) -> list[tuple[str, str | None]]:
    return [(quote.text, quote.speaker) for quote in article.quotes]


def _cited(article: Article) -> set[tuple[str | None, str | None]]:
    return {(link.url, link.title) for link in article.related if link.kind == "cited"}


def _versions(before: Article, after: Article) -> Iterable[tuple[str, str, str]]:
    was, is_ = before.provenance.versions, after.provenance.versions
    for part in sorted(was.keys() | is_.keys()):
        if was.get(part) != is_.get(part):
            yield part[:_MAX_VERSION_CHARS], _version(was.get(part)), _version(is_.get(part))


def _version(version: str | None) -> str:
    return "nothing" if version is None else version[:_MAX_VERSION_CHARS]


def _example(before: Article, after: Article, parts: tuple[str, ...]) -> Example | None:
    """What has no words here is counted only."""
    told = {part: in_words(before, after) for part, in_words in _IN_WORDS.items() if part in parts}
    if not told:
        return None
    return Example(
        id=after.id,
        title=_short(after.title),
        before={part: _short(words[0]) for part, words in told.items()},
        after={part: _short(words[1]) for part, words in told.items()},
    )


def _differing(values: Callable[[Article], Iterable[str]]) -> _InWords:
    """Lists are told by what only one of the two has."""

    def in_words(before: Article, after: Article) -> tuple[str, str]:
        was, is_ = set(values(before)), set(values(after))
        return _listed(was - is_), _listed(is_ - was)

    return in_words


def _listed(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)[:_MAX_LISTED]) or "none of these"


def _where_texts_part(before: Article, after: Article) -> tuple[str, str]:
    was, is_ = f"{before.title}\n{before.body}", f"{after.title}\n{after.body}"
    pairs = enumerate(zip(was, is_, strict=False))
    same = next((at for at, (a, b) in pairs if a != b), min(len(was), len(is_)))
    start = max(same - _TEXT_BEFORE_CHARS, 0)
    return was[start : start + MAX_VALUE_CHARS], is_[start : start + MAX_VALUE_CHARS]


_IN_WORDS: Final[dict[str, _InWords]] = {
    "entities": _differing(lambda article: (f"{e.label}:{e.canonical}" for e in article.entities)),
    "sentiment": lambda before, after: (_tone(before), _tone(after)),
    "topics": _differing(lambda article: (topic.name for topic in article.topics)),
    "language": lambda before, after: (before.language.code, after.language.code),
    "quotes": _differing(lambda article: (f"{q.speaker or 'somebody'}: {q.text}" for q in article.quotes)),
    "text": _where_texts_part,
    "unsupported": _differing(lambda article: article.unsupported),
}


def _tone(article: Article) -> str:
    return f"{article.sentiment.label} {article.sentiment.score:+.2f}"


def _short(text: str) -> str:
    return text if len(text) <= MAX_VALUE_CHARS else text[: MAX_VALUE_CHARS - 1] + "…"
