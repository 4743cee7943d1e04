"""How long a child that exited waits before it is started again."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Delays that double from `first_s` to `longest_s` and begin anew after a life of `reset_after_s`."""

    first_s: float = 0.2
    longest_s: float = 10.0
    reset_after_s: float = 30.0
    _next_s: float = field(default=0.0, init=False)

    def delay_after(self, lifetime_s: float) -> float:
        """Return the seconds to wait now that a child has exited after `lifetime_s`."""
        if lifetime_s >= self.reset_after_s or self._next_s == 0.0:
            self._next_s = self.first_s
        delay = self._next_s
        self._next_s = min(delay * 2, self.longest_s)
        return delay
