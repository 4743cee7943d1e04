"""How a ninjs document tells what Wireroom found from what its publisher says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

OURS = "wireroom"
MENTIONS = f"{OURS}:mentions"
# The property of a part that says so, for each of the arrays that have such parts.
_MARKED_BY = {
    "people": "rel", "organisations": "rel", "places": "rel", "events": "rel", "objects": "rel",
    "associations": "rel", "subjects": "creator", "altIds": "role",
}  # fmt: skip


def is_ours(mark: Any) -> bool:
    return isinstance(mark, str) and (mark == OURS or mark.startswith(f"{OURS}:"))


def without_ours(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return a valid 3.x item without what a Wireroom added: to the next one it is nobody's word."""
    return dict(_kept(item))


def _kept(item: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in item.items():
        mark = _MARKED_BY.get(name)
        if mark is None:
            yield name, value
        elif kept := [part for part in value if not is_ours(part.get(mark))]:
            yield name, kept
