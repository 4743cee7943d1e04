"""The halt rule: too many dead entries in a row mean a bad deploy, not bad news."""

from __future__ import annotations

from collections import deque


class HaltWindow:
    """Watches the latest `size` outcomes; more than `ratio` of the window dead means halt.

    The window counts as full from the start, so a few early failures do not halt a quiet stream.
    """

    def __init__(self, size: int, ratio: float) -> None:
        self._allowed = int(size * ratio)
        self._outcomes: deque[bool] = deque(maxlen=size)
        self._dead = 0

    def would_halt(self) -> bool:
        """Whether one more dead entry is one too many."""
        leaving = len(self._outcomes) == self._outcomes.maxlen and self._outcomes[0]
        return self._dead - leaving + 1 > self._allowed

    def record(self, *, dead: bool) -> None:
        if len(self._outcomes) == self._outcomes.maxlen and self._outcomes[0]:
            self._dead -= 1
        self._outcomes.append(dead)
        self._dead += dead

    def __str__(self) -> str:
        return f"{self._dead} of the latest {len(self._outcomes)} entries were dead"
