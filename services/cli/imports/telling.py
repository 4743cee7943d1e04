"""How an import tells of itself while it runs: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.cli.output import stderr

if TYPE_CHECKING:
    from rich.console import Console

BAR_EVERY_S = 0.1
LINE_EVERY_S = 10.0
MB = 1_000_000


@dataclass(slots=True)
class Pace:
    """Where the import is. The time left is told by the pace since the first articles were sent."""

    total_bytes: int | None
    every_s: float
    show: Callable[[Pace], None]
    started_at: float
    read_bytes: int = 0
    documents: int = 0
    notice: str = ""
    _first_at: float | None = None
    _first_bytes: int = 0
    _shown_at: float = 0.0

    def reading(self, read_bytes: int) -> None:
        self.read_bytes = read_bytes
        self._refresh()

    def sent(self, documents: int) -> None:
        if self._first_at is None:
            self._first_at, self._first_bytes = time.monotonic(), self.read_bytes
        self.documents += documents
        self.notice = ""
        self._refresh()

    def wait(self, notice: str) -> None:
        self.notice = notice
        self._refresh(force=True)

    def _refresh(self, *, force: bool = False) -> None:
        now = time.monotonic()
        if force or now - self._shown_at >= self.every_s:
            self._shown_at = now
            self.show(self)

    @property
    def elapsed_s(self) -> float:
        return max(time.monotonic() - self.started_at, 1e-6)

    @property
    def share(self) -> float | None:
        return min(self.read_bytes / self.total_bytes, 1.0) if self.total_bytes else None

    @property
    def left_s(self) -> float | None:
        """Seconds left at the pace of this run so far; None while there is nothing to go by."""
        if self.total_bytes is None or self._first_at is None or self.read_bytes <= self._first_bytes:
            return None
        bytes_per_s = (self.read_bytes - self._first_bytes) / max(time.monotonic() - self._first_at, 1e-6)
        return max(self.total_bytes - self.read_bytes, 0) / bytes_per_s

    def words(self) -> str:
        share, left_s = self.share, self.left_s
        parts = [
            f"{share:4.0%} of {self.total_bytes / MB:,.0f} MB"
            if share is not None and self.total_bytes
            else f"{self.read_bytes / MB:,.0f} MB",
            f"{self.documents:,} articles",
            f"{self.documents / self.elapsed_s:,.0f}/s",
        ]
        if left_s is not None:
            parts.append(f"{duration(left_s)} left")
        if self.notice:
            parts.append(self.notice)
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a span as people read it: `1:05:07`, `5:07`, `0:07`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def pace(total_bytes: int | None) -> Iterator[Pace]:
    console = stderr()
    if console.is_terminal:
        with _bar(console, total_bytes) as found:
            yield found
    else:
        started = time.monotonic()
        yield Pace(total_bytes, LINE_EVERY_S, _print_line, started, _shown_at=started)


def _print_line(found: Pace) -> None:
    stderr().print(f"import: {found.words()}", soft_wrap=True, markup=False)


@contextmanager
def _bar(console: Console, total_bytes: int | None) -> Iterator[Pace]:
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("Importing"),
        BarColumn(bar_width=28),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task_id = bar.add_task("import", total=total_bytes, words="")

        def show(found: Pace) -> None:
            bar.update(task_id, completed=found.read_bytes, words=found.words())

        yield Pace(total_bytes, BAR_EVERY_S, show, time.monotonic())
