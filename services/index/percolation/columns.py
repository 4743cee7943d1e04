"""The fields of an article as the index has them: what `engine.documents` writes, to be looked at here.

`tests/index/percolation/test_same_as_engine.py` holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import Any, NamedTuple

from services.index.engine.analysis import keyword
from services.index.engine.documents import (
    ENTITY_GROUPS,
    MAX_INDEXED_ENTITIES,
    TOPIC_PARTS,
    facet_value,
)
from shared.events import Article, ArticleEnriched

# Title and body at once: where a word without a field is looked for.
TEXT = "text"
TITLE = "title_words"
BODY = "body_words"
TEXT_COLUMNS = (TEXT, TITLE, BODY)

# What an article has in a column, as it has it: the same item always stands for the same values.
Item = Hashable
Items = Callable[[ArticleEnriched], Collection[Any]]


class Column(NamedTuple):
    """`items` of an article, and the `values` that the index holds of an item."""

    items: Items
    values: Callable[[Any], Iterable[str]]


def _itself(value: str) -> tuple[str]:
    return (value,)


def _source(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.source,) if event.article.source else ()


def _topics(event: ArticleEnriched) -> list[tuple[str, str]]:
    return [*{topic.code: (topic.code, topic.name) for topic in event.article.topics}.values()]


def _topic_keys(topic: tuple[str, str]) -> list[str]:
    return [keyword(part) for part in (*topic, *TOPIC_PARTS.split(topic[1]))]


Name = tuple[str, str, str]


def _names(event: ArticleEnriched) -> list[Name]:
    entities = event.article.entities[:MAX_INDEXED_ENTITIES]
    return [(entity.label, entity.canonical, entity.text) for entity in entities]


def _names_in(group: str) -> Callable[[ArticleEnriched], list[Name]]:
    return lambda event: [name for name in _names(event) if ENTITY_GROUPS.get(name[0]) == group]


def _spellings(name: Name) -> Iterable[str]:
    return dict.fromkeys(name[1:])


def _entity_keys(name: Name) -> list[str]:
    label, canonical, _ = name
    return [keyword(canonical), keyword(f"{label}:{canonical}")]


def _language(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.language.code.lower(),)


def has_tone(article: Article) -> bool:
    """Whether the index holds a tone of it: one that nobody could read is none."""
    return "sentiment" not in article.unsupported


def _tone(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.sentiment.label,) if has_tone(event.article) else ()


def _story(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.story_id,) if event.article.story_id else ()


def _facet(value: str) -> tuple[str]:
    return (facet_value(value),)


# What is searched by word, with its values in the order that the index has them in.
WORD_COLUMNS: dict[str, Column] = {
    TITLE: Column(lambda event: (event.article.title,), _itself),
    BODY: Column(lambda event: (event.article.body,), _itself),
    "source_words": Column(_source, _itself),
    "author_words": Column(lambda event: event.article.authors, _itself),
    "topic_words": Column(_topics, lambda topic: topic),
    "entity_words": Column(_names, _spellings),
    "person_words": Column(_names_in("person"), _spellings),
    "org_words": Column(_names_in("org"), _spellings),
    "place_words": Column(_names_in("place"), _spellings),
}
# What is searched by whole value.
VALUE_COLUMNS: dict[str, Column] = {
    "source_key": Column(_source, lambda source: (keyword(source),)),
    "entity_key": Column(_names, _entity_keys),
    "topic_key": Column(_topics, _topic_keys),
    "language": Column(_language, _facet),
    "sentiment": Column(_tone, _itself),
    "story": Column(_story, _facet),
    "id": Column(lambda event: (event.article_id,), _itself),
}
COLUMNS = WORD_COLUMNS | VALUE_COLUMNS
