"""How the log lines of all children look: coloured columns on a terminal, JSON for a collector."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from rich.console import Console
from rich.text import Text

from services.cli.output import harmless
from services.supervisor.log_lines import LEVELS, LogLine
from shared.clock import utc_now

_STYLES = {"ingest": "cyan", "enrich": "magenta", "index": "blue", "redis": "red"}
_LEVEL_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red"}
NAME_WIDTH = 9


class LogView(Protocol):
    def report(self, line: LogLine) -> None:
        """Show a line of a child."""

    def announce(self, level: str, message: str, **values: Any) -> None:
        """Show a line of our own."""


class JsonLog:
    """One JSON object a line on stderr, whatever its level: a collector filters for itself."""

    def report(self, line: LogLine) -> None:
        dated = line if line.at else replace(line, at=utc_now().isoformat())
        with contextlib.suppress(OSError):
            sys.stderr.write(dated.as_json() + "\n")
            sys.stderr.flush()

    def announce(self, level: str, message: str, **values: Any) -> None:
        self.report(LogLine("wireroom", level, message, values=values))


class TerminalLog:
    """Time, process, message and values in columns; lines below `level` are left out."""

    def __init__(self, console: Console, level: str) -> None:
        self._console = console
        self._least = LEVELS[level.lower()]

    def report(self, line: LogLine) -> None:
        if line.severity >= self._least:
            # A terminal that was closed takes no more lines, but the services still have to be drained.
            with contextlib.suppress(OSError):
                self._console.print(log_text(line, utc_now()), soft_wrap=True)

    def announce(self, level: str, message: str, **values: Any) -> None:
        self.report(LogLine("wireroom", level, message, values=values))


def log_text(line: LogLine, now: datetime) -> Text:
    """Return a line for the terminal; `now` stands in where the line has no time of its own."""
    try:
        at = datetime.fromisoformat(line.at) if line.at else now
    except ValueError:
        at = now
    style = _STYLES.get(line.process.partition("-")[0], "green")
    text = Text(f"{at.astimezone():%H:%M:%S} ", style="dim")
    text.append(f"{line.process:<{NAME_WIDTH}} ", style=f"not dim {style}")
    text.append(harmless(line.message), style=f"not dim {_LEVEL_STYLES.get(line.level, '')}".strip())
    exception = line.values.get("exception")
    for name, value in line.values.items():
        if name != "exception":
            text.append(f"  {name}=", style="dim").append(harmless(str(value)), style="not dim")
    if exception:
        for row in str(exception).splitlines():
            text.append(f"\n{'':9}{line.process:<{NAME_WIDTH}}   {harmless(row)}", style="dim")
    return text
