"""The article while it is being enriched: what each step reads and what it adds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self

from services.enrich.metadata.fields import MAX_DESCRIPTION_CHARS
from shared.events import (
    ArticleSubmitted,
    Entity,
    Image,
    Keyphrase,
    Language,
    Link,
    Quote,
    Related,
    Sentiment,
    Topic,
)

# A language less sure than this may be any: such texts, mostly short, are read as if in the reader's own.
MIN_LANGUAGE_CONFIDENCE = 0.5
UNDETERMINED = Language(code="und", confidence=0.0)
NEUTRAL = Sentiment(label="neutral", score=0.0, confidence=0.0)


@dataclass(frozen=True, slots=True)
class Draft:
    """Frozen: a step returns a changed copy, so that each can be read and tested alone."""

    event: ArticleSubmitted
    title: str
    body: str
    source: str | None
    authors: tuple[str, ...]
    published_at: datetime | None
    updated_at: datetime | None
    canonical_url: str | None
    description: str | None
    keywords: tuple[str, ...]
    links: tuple[Link, ...]
    image: Image | None
    language: Language = UNDETERMINED
    declared_language: str | None = None
    is_accessible_for_free: bool | None = None
    entities: tuple[Entity, ...] = ()
    sentiment: Sentiment = NEUTRAL
    keyphrases: tuple[Keyphrase, ...] = ()
    topics: tuple[Topic, ...] = ()
    quotes: tuple[Quote, ...] = ()
    related: tuple[Related, ...] = ()
    unsupported: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, event: ArticleSubmitted) -> Self:
        article = event.article
        return cls(
            event=event,
            title=article.title or "",
            body=article.body or "",
            source=article.source,
            authors=article.authors,
            published_at=article.published_at,
            updated_at=article.updated_at,
            canonical_url=article.canonical_url,
            description=_description(article.extra),
            keywords=article.keywords,
            links=article.links,
            image=article.image,
            declared_language=article.language,
        )

    @property
    def given(self) -> frozenset[str]:
        """The fields of a page's metadata that its submitter has filled."""
        fields = {
            "title": self.title,
            "authors": self.authors,
            "published_at": self.published_at,
            "site_name": self.source,
        }
        return frozenset(name for name, value in fields.items() if value)

    def with_(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def read_as(self) -> str:
        """The language that decides which steps can read the text; "und" goes to all of them."""
        return self.language.code if self.language.confidence >= MIN_LANGUAGE_CONFIDENCE else "und"

    def without(self, part: str) -> Self:
        """Say that `part` cannot be made in this language."""
        return replace(self, unsupported=(*self.unsupported, part))

    def cite(self, cited: Iterable[Related]) -> Self:
        """Add links out of this article, each target once."""
        known = {(link.url, link.title) for link in self.related}
        fresh = []
        for link in cited:
            if (link.url, link.title) not in known:
                known.add((link.url, link.title))
                fresh.append(link)
        return replace(self, related=(*self.related, *fresh))


def _description(extra: Mapping[str, Any]) -> str | None:
    """Ingest keeps it among the fields that it does not know; served is what the submitter has written."""
    description = extra.get("description")
    return description[:MAX_DESCRIPTION_CHARS] or None if isinstance(description, str) else None
