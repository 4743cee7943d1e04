"""A bound on how many answers of a kind that takes long are given at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.http.problems import Problem


class Slots:
    """`count` slots. `told` learns how many are taken whenever that changes."""

    def __init__(
        self, count: int, problem: Callable[[], Problem], told: Callable[[int], None] = lambda taken: None
    ) -> None:
        self._count = count
        self._problem = problem
        self._told = told
        self.taken = 0

    def check(self) -> None:
        """Raise the problem when there is no slot; `one` may find none all the same, a moment later."""
        if self.taken >= self._count:
            raise self._problem()

    @contextmanager
    def one(self) -> Iterator[None]:
        """Hold a slot. Raises the problem when there is none."""
        self.check()
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, by: int) -> None:
        self.taken += by
        self._told(self.taken)


class SlottedResponse(StreamingResponse):
    """A streaming answer that holds a slot while it is sent, however that ends.

    A generator that nobody began to read would never run its `finally`.
    """

    def __init__(self, slots: Slots, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._slots.one():
            await super().__call__(scope, receive, send)
