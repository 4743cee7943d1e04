"""The receipt: what has happened to an article, kept in the Redis hash of `shared.streams.article_key`.

Each stage sets one field per revision, so that doing it twice changes nothing:
`t:<stage>:<epoch>.<revision>` holds `<milliseconds since 1970>[|detail]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

Stage = Literal["accepted", "enriched", "indexed", "superseded", "dead_lettered", "retracted", "replayed"]

DUPLICATES_FIELD = b"duplicates"
DUPLICATE_AT_FIELD = b"duplicate_at"
DUPLICATE_OF_FIELD = b"duplicate_of"


class ReceiptEntry(BaseModel):
    """One thing that happened to one revision. `detail` is the reason, where there is one."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    stage: Stage
    revision: int
    detail: str | None = None


class Receipt(BaseModel):
    """An article's timeline, oldest first. `status` is the latest stage of its latest revision.

    `duplicates` counts later submits that changed nothing; `duplicate_of` names the earlier article
    whose text is nearly the same.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    revision: int
    status: Stage
    duplicates: int = 0
    duplicate_of: str | None = None
    timeline: tuple[ReceiptEntry, ...]


def stage_field(stage: Stage, epoch: int, revision: int) -> str:
    return f"t:{stage}:{epoch}.{revision}"


def stage_value(at: datetime, detail: str | None = None) -> str:
    millis = int(at.timestamp() * 1000)
    return f"{millis}|{detail}" if detail else str(millis)


# A stage may share its millisecond with the one before it.
_STAGE_ORDER: tuple[Stage, ...] = (
    "accepted", "retracted", "dead_lettered", "replayed", "enriched", "superseded", "indexed",
)  # fmt: skip


def receipt_from_hash(article_id: str, fields: Mapping[bytes, bytes]) -> Receipt | None:
    """Return the receipt that the article's Redis hash tells, or None if nothing was ever accepted."""
    rows: list[tuple[int, datetime, int, ReceiptEntry]] = []
    for name, value in fields.items():
        if not name.startswith(b"t:"):
            continue
        _, stage, version = name.decode().split(":", 2)
        epoch, _, revision = version.partition(".")
        millis, _, detail = value.decode().partition("|")
        entry = ReceiptEntry(
            at=datetime.fromtimestamp(int(millis) / 1000, UTC),
            stage=stage,
            revision=int(revision),
            detail=detail or None,
        )
        rows.append((int(epoch), entry.at, _STAGE_ORDER.index(entry.stage), entry))
    if not rows:
        return None
    rows.sort(key=lambda row: row[:3])
    latest = max(rows, key=lambda row: (row[0], row[3].stage == "retracted", row[3].revision, row[1], row[2]))
    return Receipt(
        id=article_id,
        revision=latest[3].revision,
        status=latest[3].stage,
        duplicates=int(fields.get(DUPLICATES_FIELD, b"0")),
        duplicate_of=(fields.get(DUPLICATE_OF_FIELD) or b"").decode() or None,
        timeline=tuple(row[3] for row in rows),
    )
