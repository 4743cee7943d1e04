"""The names of the sources' files, and the key beside them: what commands need before anything heavy."""

from __future__ import annotations

from pathlib import Path

FILE = "sources.json"
OPERATOR_FILE = "operator.key"


def operator_key(path: Path) -> str | None:
    """Return the key for commands on this machine beside the sources at `path`, None if there is none."""
    try:
        return path.with_name(OPERATOR_FILE).read_text(encoding="ascii").strip() or None
    except (OSError, ValueError):
        return None
