"""Send articles to ingest in batches, patiently: a full pipeline is waited for, a lost connection retried.

Sending again is always safe, because ingest answers `duplicate` to what it has.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from services.cli.client import ServiceClient, Unreachable, refusal
from services.cli.documents import Document, Unreadable
from services.cli.output import Failure
from shared.http.retry_after import seconds_from_retry_after

if TYPE_CHECKING:
    import httpx2

BATCH_DOCUMENTS = 200
BATCH_BYTES = 512 * 1024
SEND_TIMEOUT_S = 120.0
PATIENCE_S = 300.0
RECONNECT_S = 30.0
MAX_RETRY_AFTER_S = 30.0
RUN_AGAIN = "Run the same command again later: what was taken already counts as duplicate."
DONE = frozenset({"indexed", "superseded", "retracted", "dead_lettered"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one article: `accepted`, `duplicate` or `rejected`, and then `error` says why.

    `retry_after_s` is there when it was rejected for now only, as when a source has reached its limit.
    """

    origin: str
    status: str
    id: str | None = None
    error: str | None = None
    retry_after_s: float | None = None


@dataclass(slots=True)
class Summary:
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, status: str) -> int:
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def rejected(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.status == "rejected"]

    @property
    def ids(self) -> list[str]:
        return list(dict.fromkeys(outcome.id for outcome in self.outcomes if outcome.id))

    def as_json(self) -> dict[str, Any]:
        return {
            "accepted": self.count("accepted"),
            "duplicates": self.count("duplicate"),
            "rejected": self.count("rejected"),
            "seconds": round(self.seconds, 3),
            "results": [_shown(outcome) for outcome in self.outcomes],
        }


def _shown(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome for a script, which sees only final ones."""
    fields = asdict(outcome)
    del fields["retry_after_s"]
    return fields


# Called with the number of articles and payload bytes just sent, and a notice while waiting.
Progress = Callable[[int, int, str], None]


def no_progress(_documents: int, _bytes: int, _notice: str) -> None:
    """Tell nobody."""


def send_all(
    client: ServiceClient, items: Iterable[Document | Unreadable], progress: Progress = no_progress
) -> Summary:
    """Submit every article and return what became of each. Raises Failure when ingest cannot be used."""
    started = time.monotonic()
    sender = Sender(client, progress, patience_s=PATIENCE_S)
    summary = Summary()
    for batch in _batches(items, summary):
        summary.outcomes.extend(sender.send(batch))
    summary.seconds = time.monotonic() - started
    return summary


def _batches(items: Iterable[Document | Unreadable], summary: Summary) -> Iterator[list[Document]]:
    batch: list[Document] = []
    size = 0
    for item in items:
        if isinstance(item, Unreadable):
            summary.outcomes.append(Outcome(item.origin, "rejected", error=item.why))
            continue
        if batch and (len(batch) >= BATCH_DOCUMENTS or size + len(item.payload) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += len(item.payload) + 1
    if batch:
        yield batch


@dataclass(slots=True)
class Sender:
    """Sends batches, and waits: `patience_s` for a full pipeline, `reconnect_s` for an ingest that is gone.

    `door` is how the articles come in; out of a `file`, each may tell its provenance. `duplicates_of_resent`
    counts duplicates in batches that were sent more than once: the first time may have taken them.
    """

    client: ServiceClient
    progress: Progress
    door: Literal["batch", "file"] = "batch"
    patience_s: float = PATIENCE_S
    reconnect_s: float = RECONNECT_S
    connected: bool = False
    duplicates_of_resent: int = 0
    _resent: bool = False

    def send(self, batch: Sequence[Document]) -> list[Outcome]:
        """Return what became of each, in their order; those that were rejected for now are sent again."""
        outcomes = self._send_once(batch)
        moved_at = time.monotonic()
        while waiting := [n for n, outcome in enumerate(outcomes) if outcome.retry_after_s is not None]:
            wait_s = min(max(outcomes[n].retry_after_s or 0.1 for n in waiting), MAX_RETRY_AFTER_S)
            if time.monotonic() - moved_at + wait_s > self.patience_s:
                raise Failure(f"ingest takes no more for now: {outcomes[waiting[0]].error}", RUN_AGAIN)
            self.progress(0, 0, f"the limit of this source is reached, waiting {wait_s:g} s")
            time.sleep(wait_s)
            for n, outcome in zip(waiting, self._send_once([batch[n] for n in waiting]), strict=True):
                outcomes[n] = outcome
                if outcome.retry_after_s is None:
                    moved_at = time.monotonic()
        return outcomes

    def _send_once(self, batch: Sequence[Document]) -> list[Outcome]:
        body = b"\n".join(document.payload for document in batch) + b"\n"
        response = self._post(body)
        if response.status_code == 413:
            return self._send_halves(batch, response)
        if response.status_code >= 400:
            raise refusal("ingest", response)
        self.progress(len(batch), len(body), "")
        outcomes = _outcomes(batch, response)
        if self._resent:
            self.duplicates_of_resent += sum(outcome.status == "duplicate" for outcome in outcomes)
        return outcomes

    def _send_halves(self, batch: Sequence[Document], response: httpx2.Response) -> list[Outcome]:
        if len(batch) == 1:
            return [Outcome(batch[0].origin, "rejected", error=refusal("ingest", response).message)]
        middle = len(batch) // 2
        return [*self._send_once(batch[:middle]), *self._send_once(batch[middle:])]

    def _post(self, body: bytes) -> httpx2.Response:
        """Return the first answer that is no request to wait."""
        begun = lost_at = time.monotonic()
        delay_s = 0.5
        self._resent = False
        while True:
            try:
                response = self.client.call(
                    "POST",
                    "/v1/articles/batch",
                    params={"door": self.door} if self.door != "batch" else None,
                    content=body,
                    content_type="application/x-ndjson",
                    timeout_s=SEND_TIMEOUT_S,
                )
            except Unreachable:
                if not self.connected or time.monotonic() - lost_at > self.reconnect_s:
                    raise
                self._resent = True
                self.progress(0, 0, "connection lost, trying again")
                time.sleep(delay_s)
                delay_s = min(delay_s * 2, 5.0)
                continue
            self.connected, lost_at, delay_s = True, time.monotonic(), 0.5
            if response.status_code not in {429, 503}:
                return response
            wait_s = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
            if time.monotonic() - begun + wait_s > self.patience_s:
                failure = refusal("ingest", response)
                raise Failure(failure.message, RUN_AGAIN)
            self._resent = True
            self.progress(0, 0, f"the pipeline is full, waiting {wait_s:g} s")
            time.sleep(wait_s)


def retry_after_s(value: str | None, now: datetime) -> float:
    """Return the seconds that a Retry-After header asks for, within bounds; a second without one."""
    seconds = seconds_from_retry_after(value, now)
    return 1.0 if seconds is None else min(max(seconds, 0.1), MAX_RETRY_AFTER_S)


def _outcomes(batch: Sequence[Document], response: httpx2.Response) -> list[Outcome]:
    """Match the answer's lines, counted from 1, with what was sent."""
    try:
        results: list[dict[str, Any]] = response.json()["results"]
        by_line = {int(result.get("line") or n): result for n, result in enumerate(results, 1)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Failure(
            "ingest answered a batch in a form that is not known here.",
            "Something else may listen there, or the versions of `wireroom` and ingest differ.",
        ) from error
    return [_outcome(document, by_line.get(n)) for n, document in enumerate(batch, 1)]


def _outcome(document: Document, result: dict[str, Any] | None) -> Outcome:
    if result is None:
        return Outcome(
            document.origin, "rejected", error="ingest did not say what became of it; send it again"
        )
    error = result.get("error")
    if isinstance(error, dict):
        error = error.get("detail") or error.get("title")
    status = str(result.get("status") or "rejected")
    again_s = result.get("retry_after_s")
    return Outcome(
        document.origin,
        status,
        result.get("id"),
        None if error is None else str(error),
        float(again_s) if status == "rejected" and isinstance(again_s, int | float) else None,
    )


@dataclass(slots=True)
class Arrival:
    """Where articles are by now: how many are searchable, and which will never be."""

    searchable: int = 0
    lost: dict[str, str] = field(default_factory=dict)
    waiting: deque[str] = field(default_factory=deque)


def wait_until_searchable(
    client: ServiceClient,
    ids: Sequence[str],
    timeout_s: float,
    progress: Callable[[Arrival], None] = lambda _: None,
) -> Arrival:
    """Poll receipts until each article is indexed or will not be, or nothing moves for `timeout_s`."""
    arrival = Arrival(waiting=deque(ids))
    moved_at = time.monotonic()
    while arrival.waiting and time.monotonic() - moved_at < timeout_s:
        # The oldest first: while it is still on its way, the later ones need not be asked.
        article_id = arrival.waiting[0]
        receipt = client.json("GET", f"/v1/articles/{article_id}/receipt")
        status = str(receipt.get("status"))
        if status not in DONE:
            # With several workers one article may overtake another: look at the others in turn.
            arrival.waiting.rotate(-1)
            time.sleep(0.02)
            continue
        arrival.waiting.popleft()
        moved_at = time.monotonic()
        if status in {"indexed", "superseded"}:
            arrival.searchable += 1
        else:
            arrival.lost[article_id] = status
        progress(arrival)
    return arrival
