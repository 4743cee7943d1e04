"""The fields of an article as the index has them: what `engine.documents` writes, to be looked at here.

`tests/index/percolation/test_same_as_engine.py` holds both to the same answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache

from services.index.engine.analysis import keyword
from services.index.engine.documents import (
    ENTITY_GROUPS,
    MAX_INDEXED_ENTITIES,
    TOPIC_PARTS,
    facet_value,
)
from shared.events import Article, ArticleEnriched, Entity

# Title and body at once: where a word without a field is looked for.
TEXT = "text"
TITLE = "title_words"
BODY = "body_words"
TEXT_COLUMNS = (TEXT, TITLE, BODY)

Values = Callable[[ArticleEnriched], Iterable[str]]

_key = lru_cache(maxsize=16_384)(keyword)


def _title(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.title,)


def _body(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.body,)


def _source(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.source,) if event.article.source else ()


def _authors(event: ArticleEnriched) -> tuple[str, ...]:
    return event.article.authors


def _topic_names(event: ArticleEnriched) -> Iterator[str]:
    for topic in {topic.code: topic for topic in event.article.topics}.values():
        yield topic.code
        yield topic.name


def _names_in(group: str | None) -> Values:
    def names(event: ArticleEnriched) -> Iterator[str]:
        for entity in event.article.entities[:MAX_INDEXED_ENTITIES]:
            if group is None or ENTITY_GROUPS.get(entity.label) == group:
                yield from _names(entity)

    return names


def _names(entity: Entity) -> tuple[str, ...]:
    if entity.canonical == entity.text:
        return (entity.canonical,)
    return (entity.canonical, entity.text)


# What is searched by word, in the order that it is indexed in.
WORD_COLUMNS: dict[str, Values] = {
    TITLE: _title,
    BODY: _body,
    "source_words": _source,
    "author_words": _authors,
    "topic_words": _topic_names,
    "entity_words": _names_in(None),
    "person_words": _names_in("person"),
    "org_words": _names_in("org"),
    "place_words": _names_in("place"),
}


def _source_key(event: ArticleEnriched) -> Iterator[str]:
    if event.article.source:
        yield _key(event.article.source)


def _entity_keys(event: ArticleEnriched) -> Iterator[str]:
    for entity in event.article.entities[:MAX_INDEXED_ENTITIES]:
        yield _key(entity.canonical)
        yield _key(f"{entity.label}:{entity.canonical}")


def _topic_keys(event: ArticleEnriched) -> Iterator[str]:
    for topic in {topic.code: topic for topic in event.article.topics}.values():
        yield _key(topic.code)
        yield _key(topic.name)
        for part in TOPIC_PARTS.split(topic.name):
            yield _key(part)


def _language(event: ArticleEnriched) -> tuple[str, ...]:
    return (facet_value(event.article.language.code.lower()),)


def has_tone(article: Article) -> bool:
    """Whether the index holds a tone of it: one that nobody could read is none."""
    return "sentiment" not in article.unsupported


def _tone(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article.sentiment.label,) if has_tone(event.article) else ()


def _story(event: ArticleEnriched) -> tuple[str, ...]:
    return (facet_value(event.article.story_id),) if event.article.story_id else ()


def _id(event: ArticleEnriched) -> tuple[str, ...]:
    return (event.article_id,)


# What is searched by whole value.
VALUE_COLUMNS: dict[str, Values] = {
    "source_key": _source_key,
    "entity_key": _entity_keys,
    "topic_key": _topic_keys,
    "language": _language,
    "sentiment": _tone,
    "story": _story,
    "id": _id,
}
