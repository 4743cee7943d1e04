"""Tells all open streams of a commit at once, and asks the engine once what many of them want to know."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from services.index.engine.protocol import ArrivalKey, Query, SearchEngine, arrival_after
from services.index.live.events import article_events

# Articles of one answer; who is behind by more asks again, as fast as it reads.
BATCH_ARTICLES = 100
# Answers to be had by others who ask the same before the next commit.
MAX_ANSWERS = 64
MAX_RETRACTIONS = 10_000
# From the receipt of a takedown until it is in the index: seconds, usually.
LATEST_EFFECT = timedelta(minutes=10)
# Put to the engine in one go; the answers of all of them are in memory at once.
MAX_QUESTIONS = 50
Question = tuple[Query, ArrivalKey]
_START = ArrivalKey(0, "")


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of articles behind a place. With `more` there were at least as many as fit."""

    events: bytes
    count: int
    last: ArrivalKey | None
    more: bool


class Wire:
    """Where the index stands, for streams to wait on. All but the engine's answers is on the event loop.

    Nothing is kept per stream: each goes on from its own place, so that a slow one falls behind by itself.
    """

    def __init__(self, engine: SearchEngine) -> None:
        self._engine = engine
        # Searches have other threads, and never wait behind hundreds of streams.
        self._thread = ThreadPoolExecutor(1, "live")
        self._changed = asyncio.Event()
        self._answers: OrderedDict[Question, asyncio.Future[Batch]] = OrderedDict()
        self._waiting: list[tuple[Question, asyncio.Future[Batch]]] = []
        self._asking: asyncio.Task[None] | None = None
        self._retractions: deque[tuple[ArrivalKey, str]] = deque(maxlen=MAX_RETRACTIONS)
        self.position = engine.latest_arrival() or _START
        for article_id, received_at in engine.latest_retractions(MAX_RETRACTIONS):
            # When it took effect is not kept; told once too often it does no harm.
            at = min(arrival_after(received_at + LATEST_EFFECT), self.position)
            self._retractions.append((at, article_id))
        self.commits = 0
        self.ended = False

    def committed(self, at: datetime, retracted: Sequence[str]) -> None:
        """Tell that what was written at `at` can be found now, and what cannot be found any more."""
        self.position = max(self.position, arrival_after(at))
        self._retractions.extend((self.position, each) for each in retracted)
        self.commits += 1
        self._answers.clear()
        self._wake()

    def end(self) -> None:
        """Make all streams end, for the service is about to."""
        self.ended = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def wait(self, commits: int, timeout_s: float) -> bool:
        """Wait until there is another commit than the one of that number; False after `timeout_s`."""
        if self.commits != commits or self.ended:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def retracted_since(self, place: ArrivalKey) -> list[str]:
        """Return the articles that were taken down behind a place, as far back as is remembered."""
        recent = takewhile(lambda entry: entry[0] > place, reversed(self._retractions))
        return [article_id for _, article_id in recent][::-1]

    async def after(self, query: Query, place: ArrivalKey) -> Batch:
        """Return the events of what matches and stands behind a place. Raises IndexFailed."""
        question = (query, place)
        answer = self._answers.get(question)
        if answer is None:
            answer = self._answers[question] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_seen)
            if len(self._answers) > MAX_ANSWERS:
                self._answers.popitem(last=False)
            self._waiting.append((question, answer))
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())
        # One of several who wait for it may hang up.
        return await asyncio.shield(answer)

    @property
    def asking(self) -> bool:
        """Whether a stream waits for an answer of the engine."""
        return bool(self._waiting) or (self._asking is not None and not self._asking.done())

    async def _ask(self) -> None:
        """Put the questions that wait to the engine, many at a time: each change of threads may take 5 ms."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            asked, self._waiting = self._waiting[:MAX_QUESTIONS], self._waiting[MAX_QUESTIONS:]
            found = await loop.run_in_executor(self._thread, self._read_all, [each for each, _ in asked])
            for (_, answer), batch in zip(asked, found, strict=True):
                if isinstance(batch, Batch):
                    answer.set_result(batch)
                else:
                    answer.set_exception(batch)

    def _read_all(self, questions: Sequence[Question]) -> list[Batch | Exception]:
        found: list[Batch | Exception] = []
        for query, place in questions:
            try:
                found.append(self._read(query, place))
            except Exception as error:  # it is raised to those who asked this
                found.append(error)
        return found

    def _read(self, query: Query, place: ArrivalKey) -> Batch:
        hits = self._engine.arrivals(query, place, BATCH_ARTICLES)
        last = hits[-1].arrival if hits else None
        return Batch(article_events(hits), len(hits), last, len(hits) == BATCH_ARTICLES)


def _seen(answer: asyncio.Future[Batch]) -> None:
    """An answer that nobody waits for any more may fail without a word: the engine has logged it."""
    if not answer.cancelled():
        answer.exception()
