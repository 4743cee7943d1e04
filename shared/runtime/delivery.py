"""What a handler gets and gives: entries, deliveries and results, and the rules for trying again."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from shared.errors import UnexpectedEvent
from shared.events import ArticleEnriched, ArticleRetracted, ArticleSubmitted, DeadLetter, decode_event
from shared.receipts import Stage
from shared.streams import EVENT_FIELD, StreamSpec

ArticleEventType = ArticleSubmitted | ArticleEnriched | ArticleRetracted


@dataclass(frozen=True, slots=True)
class Entry:
    """A stream entry as Redis gave it. `attempt` counts its deliveries, this one included."""

    entry_id: str
    fields: dict[bytes, bytes]
    attempt: int = 1

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.fields.values()))


@dataclass(frozen=True, slots=True)
class Delivery:
    """An entry whose event is valid."""

    entry: Entry
    event: ArticleEventType


@dataclass(frozen=True, slots=True)
class Done:
    """A delivery was dealt with. `publish` is the next event's bytes, handed over with the acknowledgement.

    `stage` and `detail` go to the article's receipt, if there is a stage to tell of; `receipt` holds
    further fields of its hash.
    """

    stage: Stage | None
    detail: str | None = None
    publish: bytes | None = None
    receipt: Mapping[str, str] = field(default_factory=dict)


Result = Done | Exception
Handler = Callable[[Sequence[Delivery]], Awaitable[Sequence[Result]]]
# Called with the size of a settled batch before the next one is read: waiting here gathers larger batches.
Pace = Callable[[int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When an entry is tried again, and when no more.

    The wait is `base_s`·2^(attempt−1) with jitter, at most `idle_s`, which is also how long an entry's
    consumer may be silent before others take it over. A handler that fails an entry is given it
    `max_deliveries` times. An entry whose consumer does not even come back is tried `max_deaths` times: twice
    as often, since most entries in the hands of a dying process are not why it died.
    """

    max_deliveries: int
    base_s: float
    idle_s: float

    @property
    def max_deaths(self) -> int:
        return 2 * self.max_deliveries

    def wait_s(self, attempt: int) -> float:
        # Jitter needs no cryptographic randomness.
        return float(min(self.base_s * 2 ** (attempt - 1), self.idle_s) * random.uniform(0.5, 1.0))  # noqa: S311


def event_of(entry: Entry, spec: StreamSpec) -> ArticleEventType:
    """Return the entry's event. Raises PermanentError when it is none, or none that `spec` carries."""
    event = decode_event(entry.fields.get(EVENT_FIELD, b""))
    if isinstance(event, DeadLetter) or not isinstance(event, spec.events):
        raise UnexpectedEvent(f"{type(event).__name__} does not belong on {spec.name}")
    return event


def slices(entries: Sequence[Entry], max_bytes: int) -> Iterator[Sequence[Entry]]:
    """Cut a batch into runs of about `max_bytes`: decoded, a large event takes ten times its size."""
    start, size = 0, 0
    for position, entry in enumerate(entries):
        if position > start and size + entry.size_bytes > max_bytes:
            yield entries[start:position]
            start, size = position, 0
        size += entry.size_bytes
    if start < len(entries):
        yield entries[start:]


def describe(error: BaseException, max_chars: int = 2000) -> str:
    """Return type and message as text that any encoding takes."""
    text = f"{type(error).__name__}: {error}"[:max_chars]
    return text.encode("utf-8", "backslashreplace").decode()
