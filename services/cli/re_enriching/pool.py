"""Processes that enrich batches, kept in order; a dead or hung one is told as what to do."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from services.cli.output import Failure
from services.cli.re_enriching import work
from services.enrich.settings import EnrichSettings
from shared.errors import WireroomError

T = TypeVar("T")

RESUMES = "Nothing was switched. Mend it, and run the same command again: it goes on from here."
# Loading a large model takes long, and comes before the first answer.
_LOAD_TIMEOUT_S = 600.0


class Pool:
    """`settings` are those that the processes read again for themselves."""

    def __init__(self, settings: EnrichSettings, data_dir: Path, processes: int) -> None:
        self._settings = settings
        self._processes = processes
        self._enrich = partial(work.enrich_again, data_dir)
        # Spawned: a fork would copy the threads' locks of the libraries that are loaded here.
        self._executor = ProcessPoolExecutor(
            processes,
            multiprocessing.get_context("spawn"),
            initializer=work.start,
            initargs=(settings.log_level,),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        if kind is not None:
            for process in multiprocessing.active_children():
                process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)

    def versions(self) -> dict[str, str]:
        """Return what makes articles now. Raises ConfigurationError, naming what is missing."""
        return self._result(self._executor.submit(work.versions), _LOAD_TIMEOUT_S)

    def outcomes(self, batches: Iterable[list[bytes]]) -> Iterator[list[work.Outcome]]:
        """Yield the outcomes of each batch, in order. Few batches are in memory at a time."""
        waiting: deque[Future[list[work.Outcome]]] = deque()
        taken = 0
        for batch in batches:
            waiting.append(self._submit(batch))
            if len(waiting) > self._processes + 1:
                yield self._result(waiting.popleft(), self._timeout_s(taken))
                taken += 1
        while waiting:
            yield self._result(waiting.popleft(), self._timeout_s(taken))
            taken += 1

    def _timeout_s(self, taken: int) -> float:
        """Each process loads its models with its first batch; a batch may wait for the one before it."""
        return _LOAD_TIMEOUT_S if taken < 2 * self._processes else 3 * self._settings.handler_timeout_s

    def _submit(self, batch: list[bytes]) -> Future[list[work.Outcome]]:
        try:
            return self._executor.submit(self._enrich, batch)
        except BrokenProcessPool as error:
            raise self._died() from error

    def _result(self, future: Future[T], timeout_s: float) -> T:
        try:
            return future.result(timeout_s)
        except FutureTimeout as error:
            raise Failure(
                f"nothing came back within {timeout_s:g} s from {self._models()}.", RESUMES
            ) from error
        except BrokenProcessPool as error:
            raise self._died() from error
        except WireroomError:
            raise
        except Exception as error:
            raise Failure(f"{self._models()} failed: {type(error).__name__}: {error}", RESUMES) from error

    def _died(self) -> Failure:
        return Failure(
            f"a process died at its work: {self._models()} crashed, or memory did not suffice for "
            f"{self._processes} at once (--workers).",
            RESUMES,
        )

    def _models(self) -> str:
        entities, sentiment = self._settings.entities_backend, self._settings.sentiment_backend
        return f"WIREROOM_ENTITIES_BACKEND={entities} or WIREROOM_SENTIMENT_BACKEND={sentiment}"
