"""The receipt: what has happened to an article, kept in the Redis hash of `shared.streams.article_key`.

Each stage sets one field per revision, so that doing it twice changes nothing:
`t:<stage>:<epoch>.<revision>` holds `<milliseconds since 1970>[|detail]`, and `b:<stage>:<epoch>.<revision>`
who did it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

Stage = Literal["accepted", "enriched", "indexed", "superseded", "dead_lettered", "retracted", "replayed"]

DUPLICATES_FIELD = b"duplicates"
DUPLICATE_AT_FIELD = b"duplicate_at"
DUPLICATE_OF_FIELD = b"duplicate_of"


class ReceiptEntry(BaseModel):
    """One thing that happened to one revision. `detail` is the reason, where there is one.

    `by` is whose key or signature it came with: of what was accepted or taken down, where one was needed.
    """

    model_config = ConfigDict(frozen=True)

    at: datetime
    stage: Stage
    revision: int
    detail: str | None = None
    by: str | None = None


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


def by_field(stage: Stage, epoch: int, revision: int) -> str:
    return f"b:{stage}:{epoch}.{revision}"


def taken_down_by(fields: Mapping[bytes, bytes]) -> str | None:
    """Return who took the article of this hash down last, None for nobody or somebody without a name."""
    versions = [name[len(b"t:retracted:") :] for name in fields if name.startswith(b"t:retracted:")]
    if not versions:
        return None
    return _named(fields.get(b"b:retracted:" + max(versions, key=lambda one: int(one.partition(b".")[0]))))


def _named(value: bytes | None) -> str | None:
    return value.decode("utf-8", "replace") if value else None


def stage_value(at: datetime, detail: str | None = None) -> str:
    millis = int(at.timestamp() * 1000)
    return f"{millis}|{detail}" if detail else str(millis)


# A stage may share its millisecond with the one before it.
_STAGE_ORDER: tuple[Stage, ...] = (
    "accepted", "retracted", "dead_lettered", "replayed", "enriched", "superseded", "indexed",
)  # fmt: skip
# Each stage has the time of whoever wrote it, and clocks differ. What comes first and last of a revision is
# known without them.
_FIRST, _LAST = ("accepted",), ("superseded", "indexed")


def receipt_from_hash(article_id: str, fields: Mapping[bytes, bytes]) -> Receipt | None:
    """Return the receipt that the article's Redis hash tells, or None if nothing was ever accepted."""
    rows: list[_Row] = []
    for name, value in fields.items():
        if not name.startswith(b"t:"):
            continue
        _, stage, version = name.decode().split(":", 2)
        if stage not in _STAGE_ORDER:  # a newer version's
            continue
        epoch, _, revision = version.partition(".")
        millis, _, detail = value.decode().partition("|")
        entry = ReceiptEntry(
            at=datetime.fromtimestamp(int(millis) / 1000, UTC),
            stage=stage,
            revision=int(revision),
            detail=detail or None,
            by=_named(fields.get(b"b:" + name[2:])),
        )
        rows.append(_Row(int(epoch), entry))
    if not rows:
        return None
    latest = max(
        rows, key=lambda row: (row.epoch, row.entry.stage == "retracted", row.entry.revision, row.step)
    )
    return Receipt(
        id=article_id,
        revision=latest.entry.revision,
        status=latest.entry.stage,
        duplicates=int(fields.get(DUPLICATES_FIELD, b"0")),
        duplicate_of=(fields.get(DUPLICATE_OF_FIELD) or b"").decode() or None,
        timeline=_in_order(rows),
    )


class _Row(NamedTuple):
    epoch: int
    entry: ReceiptEntry

    @property
    def part(self) -> int:
        """0 for what begins a revision, 2 for what ends it, 1 for what is between."""
        return 0 if self.entry.stage in _FIRST else 2 if self.entry.stage in _LAST else 1

    @property
    def step(self) -> tuple[int, datetime, int]:
        """Where this is in the life of its revision."""
        return self.part, self.entry.at, _STAGE_ORDER.index(self.entry.stage)


def _in_order(rows: Sequence[_Row]) -> tuple[ReceiptEntry, ...]:
    """Return the entries oldest first, none of them before what must have come before it."""
    shown_at: dict[int, datetime] = {}
    reached: dict[tuple[int, int], datetime] = {}
    for number, row in sorted(enumerate(rows), key=lambda one: one[1].step):
        version = row.epoch, row.entry.revision
        shown_at[number] = max(row.entry.at, reached.get(version, row.entry.at))
        # A takedown comes while the revision is on its way, or long after: nothing waits for it.
        if row.entry.stage != "retracted":
            reached[version] = shown_at[number]
    order = sorted(shown_at, key=lambda number: (rows[number].epoch, shown_at[number], rows[number].step))
    return tuple(rows[number].entry for number in order)
