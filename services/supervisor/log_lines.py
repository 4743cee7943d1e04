"""Read what children write, line by line, into one shape that the terminal and the JSON log share."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

MAX_LINE_CHARS = 16_384
LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
_REDIS_LINE = re.compile(r"\d+:[A-Z] \d{1,2} \w{3} \d{4} [\d:.]{8,15} (?P<mark>[.*#-]) (?P<message>.*)")
# Redis logs its own start and stop as warnings; `wireroom doctor` tells about overcommit.
_REDIS_ROUTINE = re.compile(
    r"oO0O|Redis version=|Configuration loaded|Server initialized|WARNING Memory overcommit"
    r"|User requested shutdown|Redis is now ready to exit|.*removing the pid file"
)
_ENVELOPE = ("event", "level", "service", "timestamp")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of one process. `at` is an ISO 8601 instant, or "" when the line told none."""

    process: str
    level: str
    message: str
    at: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> int:
        return LEVELS.get(self.level, LEVELS["info"])

    def as_json(self) -> str:
        envelope = {"timestamp": self.at, "level": self.level, "service": self.process, "event": self.message}
        return json.dumps({**envelope, **self.values}, ensure_ascii=False, default=str)


def parse_line(process: str, raw: bytes) -> LogLine | None:
    """Return the line a child wrote, or None for an empty one.

    A line that is neither ours nor Redis's, such as one of a traceback, is an error: nobody planned it.
    """
    text = raw.decode("utf-8", "replace").rstrip()[:MAX_LINE_CHARS]
    if not text:
        return None
    if text.startswith("{"):
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            document = None
        if isinstance(document, dict) and "event" in document:
            return LogLine(
                process=process,
                level=str(document.get("level", "info")).lower(),
                message=str(document["event"]),
                at=str(document.get("timestamp", "")),
                values={name: value for name, value in document.items() if name not in _ENVELOPE},
            )
    if process == "redis":
        return _parse_redis_line(text)
    return LogLine(process=process, level="error", message=text)


def _parse_redis_line(text: str) -> LogLine:
    found = _REDIS_LINE.match(text)
    if found is None:
        # Fatal configuration errors come unformatted; so does the banner of the signal handler.
        return LogLine("redis", "debug" if ":signal-handler" in text else "error", text)
    message = found["message"]
    alarming = found["mark"] == "#" and not _REDIS_ROUTINE.match(message)
    return LogLine("redis", "warning" if alarming else "debug", message)
