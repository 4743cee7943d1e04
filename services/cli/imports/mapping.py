"""`--map title=headline,…`: which of a file's own fields are fields of an article."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self

MAX_PATH_PARTS = 8


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Pairs of a field of an article and the name (or dotted path) that the file has for it."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Self:
        """Raises ValueError with advice for a pair that cannot be read or a field that no article has."""
        known = article_fields()
        pairs: dict[str, str] = {}
        for text in ",".join(texts).split(","):
            ours, equals, theirs = (part.strip() for part in text.partition("="))
            if not text.strip():
                continue
            if not equals or not theirs:
                raise ValueError(f"{text.strip()!r} is no pair: write it like title=headline.")
            if ours not in known:
                raise ValueError(f"{ours!r} is no field of an article; those are {', '.join(sorted(known))}.")
            pairs[ours] = theirs
        return cls(tuple(pairs.items()))

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def apply(self, article: dict[str, Any]) -> dict[str, Any]:
        """Return a copy with each named value under its field; what was there under that name gives way."""
        found = {ours: _value_at(article, theirs) for ours, theirs in self.pairs}
        taken = {theirs for ours, theirs in self.pairs if found[ours] is not None}
        rest = {name: value for name, value in article.items() if name not in taken}
        return {**rest, **{ours: value for ours, value in found.items() if value is not None}}


def article_fields() -> frozenset[str]:
    from services.ingest.schema import ArticleInput

    return frozenset(ArticleInput.model_fields)


def _value_at(document: dict[str, Any], path: str) -> Any:
    if path in document:
        return document[path]
    value: Any = document
    for part in path.split(".", MAX_PATH_PARTS):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value
