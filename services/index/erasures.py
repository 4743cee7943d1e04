"""Which articles are to be erased, how far that is, and what was found: DATA/archive/erasures.json.

A request is written down before anything is done for it, and stays until long after it is done: events that
were on their way may still link to the article, and people ask for the report.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from services.index.engine.protocol import IndexableEvent
from shared.durable import write_durably
from shared.erasing import Erased
from shared.errors import ConfigurationError
from shared.events import ArticleEnriched, ArticleId

FILE = "erasures.json"
MAX_ARTICLES = 1000
KEPT = timedelta(days=30)


class Place(BaseModel):
    """One place where articles are: how much of them was found there and removed, how much is left.

    `note` says what that means where a number does not.
    """

    model_config = ConfigDict(frozen=True)

    place: str
    removed: int = 0
    left: int | None = 0
    note: str = ""


class Erasure(BaseModel):
    """A request to erase articles. `epochs` are theirs; one that is restored later begins another, and stays.

    `problem` is why the last attempt did not get to the end; it is tried again.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    epochs: dict[ArticleId, int]
    asked_at: AwareDatetime
    done_at: AwareDatetime | None = None
    attempts: int = 0
    problem: str | None = None
    places: tuple[Place, ...] = ()

    @property
    def done(self) -> bool:
        return self.done_at is not None


class _Content(BaseModel):
    last_number: int = 0
    erasures: tuple[Erasure, ...] = ()


class Erasures:
    """All requests of the last weeks. Any threads."""

    def __init__(self, directory: Path) -> None:
        """Raises ConfigurationError when the file is there and cannot be read."""
        self._path = directory / FILE
        self._lock = threading.Lock()
        try:
            self._content = _Content.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            self._content = _Content()
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"the list of erasures in {self._path} cannot be read; restore the file from a backup, or "
                f"move it away to go on without it: {error}"
            ) from error
        self._erased = self._all_erased()

    @property
    def all(self) -> tuple[Erasure, ...]:
        return self._content.erasures

    @property
    def pending(self) -> tuple[Erasure, ...]:
        return tuple(erasure for erasure in self.all if not erasure.done)

    def get(self, number: int) -> Erasure | None:
        return next((erasure for erasure in self.all if erasure.number == number), None)

    def ask(self, epochs: Mapping[str, int], asked_at: datetime) -> Erasure:
        """Write a request down, and forget those that were done long ago. Raises OSError."""
        with self._lock:
            held = [e for e in self.all if e.done_at is None or e.done_at > asked_at - KEPT]
            number = self._content.last_number + 1
            erasure = Erasure(number=number, epochs=dict(epochs), asked_at=asked_at)
            self._write(_Content(last_number=number, erasures=(*held, erasure)))
            return erasure

    def update(self, erasure: Erasure) -> Erasure:
        """Write down what has become of a request. Raises OSError."""
        with self._lock:
            changed = tuple(erasure if e.number == erasure.number else e for e in self.all)
            self._write(self._content.model_copy(update={"erasures": changed}))
            return erasure

    def unlinked(self, event: IndexableEvent) -> IndexableEvent:
        """Return the event without links to erased articles."""
        if not self._erased or not isinstance(event, ArticleEnriched):
            return event
        self._lift(event)
        kept = tuple(link for link in event.article.related if link.id not in self._erased)
        if len(kept) == len(event.article.related):
            return event
        return event.model_copy(update={"article": event.article.model_copy(update={"related": kept})})

    def _lift(self, event: ArticleEnriched) -> None:
        """Let links lead to an article again that was restored after it was erased."""
        if (epoch := self._erased.get(event.article_id)) is not None and event.epoch > epoch:
            self._erased = {id_: e for id_, e in self._erased.items() if id_ != event.article_id}

    def _write(self, content: _Content) -> None:
        write_durably(self._path, content.model_dump_json(indent=1, exclude_none=True) + "\n")
        self._content = content
        self._erased = self._all_erased()

    def _all_erased(self) -> dict[str, int]:
        return {id_: epoch for erasure in self._content.erasures for id_, epoch in erasure.epochs.items()}


def erased_by(erasure: Erasure) -> Erased:
    return Erased(erasure.epochs)
