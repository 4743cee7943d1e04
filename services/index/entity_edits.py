"""What operators have said of entities, and articles with that applied. Pure.

An edit takes entities by their canonical name, whatever their case, and by their label if it names one. The
archive keeps every article as enrich made it; edits are applied on the way into the index, so that `reindex`
applies them to history, and undoing one is leaving it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.index.edited_names import EntityKey, Names, folded_name
from shared.events import Article, ArticleEnriched, ArticleRetracted, Entity, EntitySentiment, Label

MAX_EDITS = 10_000
VERSION_KEY = "entity_edits"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
IndexableEvent = ArticleEnriched | ArticleRetracted


class EntityEditInput(BaseModel):
    """`rename` gives another name (and merges, if there is one), `relabel` another label, `block` drops."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["rename", "relabel", "block"]
    name: Name = Field(description="Canonical name of the entities that are meant, in any case.")
    label: Label | None = Field(None, description="Only those of this label; else all of the name.")
    to_name: Name | None = Field(None, description="The new canonical name, for rename.")
    to_label: Label | None = Field(None, description="The new label, for rename (optional) and relabel.")

    @model_validator(mode="after")
    def _says_what_its_action_needs(self) -> Self:
        if (self.to_name is not None) != (self.action == "rename"):
            raise ValueError("to_name is for rename, which needs it")
        if self.action == "relabel" and self.to_label is None:
            raise ValueError("relabel needs to_label")
        if self.action == "block" and self.to_label is not None:
            raise ValueError("block takes no to_label")
        return self


class EntityEdit(EntityEditInput):
    """An edit that was made; `id` counts them."""

    id: Annotated[int, Field(ge=1)]
    made_at: AwareDatetime


class EditTable:
    """Edits ready to be applied. Of two that take the same entities, the later one counts."""

    def __init__(self, edits: Iterable[EntityEdit] = ()) -> None:
        self.edits = tuple(edits)
        self._by_name: dict[str, dict[str | None, EntityEdit]] = {}
        for edit in self.edits:
            self._by_name.setdefault(folded_name(edit.name), {})[edit.label] = edit
        self._version = str(max((edit.id for edit in self.edits), default=0))

    def __len__(self) -> int:
        return len(self.edits)

    def target(self, label: str, name: str) -> EntityKey | None:
        """Return label and name after all edits, which follow on one another; None for a blocked entity."""
        seen = set()
        while (edit := self._edit_of(label, name)) is not None and edit.id not in seen:
            seen.add(edit.id)
            if edit.action == "block":
                return None
            label, name = edit.to_label or label, edit.to_name or name
        return label, name

    def _edit_of(self, label: str, name: str) -> EntityEdit | None:
        edits = self._by_name.get(folded_name(name))
        return None if edits is None else edits.get(label) or edits.get(None)

    def circular(self, edit: EntityEdit) -> bool:
        """Tell whether the entities of `edit` come back to it by other edits, so that no name is the last."""
        label, name, last = edit.label or "", edit.name, 0
        seen: set[int] = set()
        while (following := self._edit_of(label, name)) is not None:
            if following.id in seen:
                return following.id != last  # one that only changes the case of a name follows itself
            last = following.id
            seen.add(last)
            label, name = following.to_label or label, following.to_name or name
        return False

    def event(self, event: IndexableEvent) -> IndexableEvent:
        """Return the event with its article edited; the very same one when nothing of it changes."""
        if not self._by_name or isinstance(event, ArticleRetracted):
            return event
        article = self.article(event.article)
        return event if article is event.article else event.model_copy(update={"article": article})

    def article(self, article: Article) -> Article:
        """Return the article with its entities edited, but for those of its publisher: they are not ours."""
        given = tuple(entity for entity in article.entities if entity.origin == "publisher")
        found = [entity for entity in article.entities if entity.origin != "publisher"]
        targets = [self.target(entity.label, entity.canonical) for entity in found]
        if targets == [(entity.label, entity.canonical) for entity in found]:
            return article
        versions = article.provenance.versions | {VERSION_KEY: self._version}
        names = Names(article, found, targets)
        return article.model_copy(
            update={
                "entities": (*given, *_regrouped(found, targets)),
                "keyphrases": names.keyphrases(),
                "quotes": tuple(map(names.quote, article.quotes)),
                "provenance": article.provenance.model_copy(update={"versions": versions}),
            }
        )


def _regrouped(entities: Sequence[Entity], targets: Sequence[EntityKey | None]) -> tuple[Entity, ...]:
    """Return the entities under their new names, those of one name as one, most mentioned first."""
    groups: dict[EntityKey, list[Entity]] = {}
    names: dict[EntityKey, EntityKey] = {}
    for entity, target in zip(entities, targets, strict=True):
        if target is not None:
            key = target[0], folded_name(target[1])
            groups.setdefault(key, []).append(entity)
            # The operator's spelling wins over that of the article.
            if target != (entity.label, entity.canonical):
                names[key] = target
    edited = [
        _merged(group, *names.get(key, (group[0].label, group[0].canonical))) for key, group in groups.items()
    ]
    edited.sort(key=lambda entity: -entity.count)
    return tuple(edited)


def _merged(group: Sequence[Entity], label: str, canonical: str) -> Entity:
    first = group[0]
    changes: dict[str, object] = {"label": label, "canonical": canonical}
    if len(group) > 1:
        mentions = sorted((m for e in group for m in e.mentions), key=lambda mention: mention.start)
        changes |= {
            "count": sum(entity.count for entity in group),
            "mentions": tuple(mentions),
            "sentiment": _mean([entity.sentiment for entity in group if entity.sentiment is not None]),
        }
    return first.model_copy(update=changes)


def _mean(sentiments: Sequence[EntitySentiment]) -> EntitySentiment | None:
    """Return the mean over the sentences that were read; one that names both counts for each."""
    total = sum(sentiment.mentions for sentiment in sentiments)
    if not total:
        return sentiments[0] if sentiments else None
    score = sum(sentiment.score * sentiment.mentions for sentiment in sentiments) / total
    confidence = sum(sentiment.confidence * sentiment.mentions for sentiment in sentiments) / total
    return EntitySentiment(score=round(score, 4), confidence=round(min(confidence, 1.0), 4), mentions=total)
