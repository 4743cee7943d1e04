"""Every family of keys that Wireroom leaves in Redis, and what a backup does with it.

A new family belongs here: tests/pipeline/test_backup.py finds what a running pipeline leaves unlisted.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from shared.streams import STREAMS


@dataclass(frozen=True, slots=True)
class KeyFamily:
    """Keys that match a glob pattern, as SCAN takes it. `kept` says whether a backup holds them, and why."""

    pattern: str
    kept: bool
    why: str


KEY_FAMILIES: tuple[KeyFamily, ...] = (
    *(KeyFamily(f"{spec.name}.{{*}}", True, spec.about) for spec in STREAMS),
    KeyFamily("article:{*", False, "The index service makes them anew from the archive and the streams."),
    KeyFamily("state:{*", False, "Absent, they have the index service do so."),
    KeyFamily("restoring:{*", False, "There while it does."),
    KeyFamily("{corpus}*", False, "A half of it would be worse than none: related articles begin anew."),
    KeyFamily(
        "idempotency:*", False, "Restored, they would answer `accepted` for a submit that the backup lacks."
    ),
    KeyFamily("feed:{feeds}:*:leaving", False, "There while a hub ends a subscription."),
    KeyFamily("feed:{feeds}:*", True, "The feeds that are polled, and what is known of their entries."),
    KeyFamily("feeds:{feeds}:*", True, "When each feed is due, and which URLs they have."),
    KeyFamily("wireroom:trim-leader", False, "A lease of seconds."),
)


def family_of(key: str) -> KeyFamily | None:
    """Return the family of a key, None if nobody has listed it."""
    return next((family for family in KEY_FAMILIES if fnmatchcase(key, family.pattern)), None)
