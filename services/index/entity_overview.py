"""What is known of one entity: how often and when it is named, with whom, by whom, and in which tone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.index.engine.protocol import Filters, SearchEngine, StoredArticle
from services.index.highlight import same_length_fold
from services.index.query.nodes import Field, In, Node, all_of
from services.index.stories import entity_document
from services.index.story_text import distinct_articles
from services.index.timeline import timeline_of
from services.index.trends import LABELS

READ_ARTICLES = 20
"""The newest articles whose tone towards the entity is read: that lies in their text, not in a column."""
_SHOWN_ARTICLES = 3


def entity_overview(engine: SearchEngine, name: str, node: Node, filters: Filters) -> dict[str, Any] | None:
    """Return what matching articles tell of `name`, a canonical name or LABEL:name; None if none names it.

    A name of several entities (Jordan the person, Jordan the country) is told of as the one that is named
    most in the newest articles, but counts are of all of them: give the label.
    """
    aggregations = engine.aggregations
    naming = all_of(node, In(Field.ENTITY, (name,)))
    condition = all_of(naming, *filters.nodes())
    spread = aggregations.spread(condition)
    if not spread.total:
        return None
    newest = aggregations.articles(condition, READ_ARTICLES, "newest")
    found = _entities_called(name, _articles(engine, [one.hit.id for one in newest]))
    label, canonical = _most_named(found) or _as_asked(name)
    summary = aggregations.summary(condition)
    return {
        "entity": {"label": label, "canonical": canonical},
        "article_count": spread.total,
        "first_published_at": spread.first_at,
        "last_published_at": spread.last_at,
        "sentiment": summary.sentiment,
        "sentiment_toward": _mean_tone(found),
        "entities": [entity_document(one) for one in summary.entities if one.value != f"{label}:{canonical}"],
        "sources": [{"name": source.value, "count": source.count} for source in summary.sources],
        "source_count": summary.source_count,
        "timeline": timeline_of(aggregations, naming, filters).document(),
        "articles": distinct_articles(newest, _SHOWN_ARTICLES),
    }


def _articles(engine: SearchEngine, article_ids: Iterable[str]) -> list[Mapping[str, Any]]:
    stored = (engine.get(article_id) for article_id in article_ids)
    return [one.article for one in stored if isinstance(one, StoredArticle)]


def _entities_called(name: str, articles: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    wanted = same_length_fold(" ".join(name.split()))
    return [
        entity
        for article in articles
        for entity in article.get("entities") or ()
        if wanted in map(same_length_fold, (entity["canonical"], f"{entity['label']}:{entity['canonical']}"))
    ]


def _most_named(entities: Sequence[Mapping[str, Any]]) -> tuple[str, str] | None:
    named = Counter((one["label"], one["canonical"]) for one in entities)
    return named.most_common(1)[0][0] if named else None


def _as_asked(name: str) -> tuple[str, str]:
    """The index folds more than we do, such as ø to o: what it finds may be written otherwise."""
    label, _, canonical = name.partition(":")
    return (label, canonical) if label in LABELS and canonical else ("", name)


def _mean_tone(entities: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the mean of the tone towards an entity, by the sentences read; None where none was."""
    tones = [entity["sentiment"] for entity in entities if entity.get("sentiment")]
    sentences = sum(tone["mentions"] for tone in tones)
    if not sentences:
        return None
    score = sum(tone["score"] * tone["mentions"] for tone in tones) / sentences
    return {"score": round(score, 4), "articles": len(tones), "sentences": sentences}
