"""Where public conformance data is, which whoever runs the tests brings along: it is never committed."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "WIREROOM_CONFORMANCE_DIR"
_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data" / "conformance"


def conformance_files(*parts: str, pattern: str) -> list[Path]:
    """Return the files under a folder of the data, in order; none where there is no data."""
    given = os.environ.get(VARIABLE)
    root = (Path(given) if given else _BESIDE).joinpath(*parts)
    return sorted(root.rglob(pattern))


def why_absent(*parts: str) -> str:
    return f"no {'/'.join(parts)} under {VARIABLE} nor beside the project"
