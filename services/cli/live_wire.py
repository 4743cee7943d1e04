"""The live wire of the index service, read on through restarts of it without loss or repeats."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from services.cli.client import ServiceClient, Unreachable, refusal
from services.cli.event_stream import NotAnEventStream, ServerEvent, server_events
from services.cli.output import Failure
from services.cli.submission import retry_after_s

if TYPE_CHECKING:
    import httpx2

PATH = "/v1/stream"
# The service sends a comment each 15 s; silence for three of those is a dead connection.
SILENCE_S = 45.0
PAUSES_S = (0.25, 0.5, 1.0, 2.0, 5.0)
_MICROSECONDS = 1_000_000


def resume_id(at: datetime) -> str:
    """Return the id after which everything that became searchable since `at` comes."""
    return f"{max(int(at.timestamp() * _MICROSECONDS), 0)}-{'0' * 16}"


class LiveWire:
    """Events of `/v1/stream` for one question. `last_id` is where the next connection goes on."""

    def __init__(
        self,
        client: ServiceClient,
        params: dict[str, Any],
        *,
        last_id: str = "",
        tell: Callable[[str], None] = lambda _: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._params = params
        self._tell = tell
        self._sleep = sleep
        self._retry_s = 0.0
        self.last_id = last_id

    def events(self, opened: Callable[[], None] = lambda: None) -> Iterator[ServerEvent]:
        """Yield events for ever. `opened` is called once, when the first connection stands: what becomes
        searchable after that will come.

        Raises Failure when the service cannot be reached at first, or refuses what is asked.
        """
        first, failures = True, 0
        while True:
            try:
                with self._client.stream(PATH, self._params, self._headers(), silence_s=SILENCE_S) as answer:
                    if answer.status_code == 200:
                        self._remember_start(answer)
                        if failures:
                            self._tell("Connected.")
                        if first:
                            opened()
                        first, failures = False, 0
                        yield from self._read(answer)
                        why, pause_s = "The connection was lost", self._retry_s
                    else:
                        why, pause_s = "The service is busy", self._pause_of(answer)
            except Unreachable:
                if first:
                    raise
                why, pause_s = "The service does not answer", self._retry_s
            if not failures:
                self._tell(f"{why}; trying again…")
            self._sleep(max(pause_s, PAUSES_S[min(failures, len(PAUSES_S) - 1)]))
            failures += 1

    def _headers(self) -> dict[str, str]:
        sent = {"accept": "text/event-stream"}
        return {**sent, "last-event-id": self.last_id} if self.last_id else sent

    def _read(self, answer: httpx2.Response) -> Iterator[ServerEvent]:
        import httpx2

        try:
            for event in server_events(answer.iter_bytes(), self.last_id):
                if event.retry_ms is not None:
                    self._retry_s = event.retry_ms / 1000
                if event.data:
                    yield event
                # Only now: an event whose reader failed over it comes again.
                self.last_id = event.id
        except httpx2.TransportError:
            return
        except NotAnEventStream as error:
            raise Failure(f"index sent no event stream: {error}.") from error

    def _remember_start(self, answer: httpx2.Response) -> None:
        """Before any event has named an id, what came since the first answer is what a restart may hide."""
        if self.last_id:
            return
        try:
            at = parsedate_to_datetime(answer.headers["date"])
        except (KeyError, ValueError):
            at = datetime.now(UTC)
        self.last_id = resume_id(at)

    def _pause_of(self, answer: httpx2.Response) -> float:
        """Return how long to wait after a refusal that may pass. Raises Failure for one that will not."""
        answer.read()
        if answer.status_code not in {429, 502, 503, 504}:
            raise refusal("index", answer)
        return retry_after_s(answer.headers.get("retry-after"), datetime.now(UTC))
