"""Reading Tantivy's meta.json as strictly as its missing checksum demands: which files make up an index.

Tantivy takes a segment without the key "deletes" for one that has none, so that one flipped byte in it would
bring back all its superseded revisions.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt, ValidationError

from services.index.engine.protocol import IndexUnusable

META = "meta.json"
_SUFFIXES = ("fast", "fieldnorm", "idx", "pos", "store", "term")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Deletes(_Part):
    """Tantivy writes none for a segment without deletions, and ignores the file of one that says 0."""

    num_deleted_docs: PositiveInt
    opstamp: NonNegativeInt


class Segment(_Part):
    """`deletes` is always written, as null when there are none."""

    segment_id: UUID
    max_doc: NonNegativeInt
    deletes: Deletes | None

    @property
    def live_documents(self) -> int:
        return self.max_doc - (self.deletes.num_deleted_docs if self.deletes else 0)

    def file_names(self) -> list[str]:
        names = [f"{self.segment_id.hex}.{suffix}" for suffix in _SUFFIXES]
        if self.deletes:
            names.append(f"{self.segment_id.hex}.{self.deletes.opstamp}.del")
        return names


class Meta(_Part):
    """Of the rest, Tantivy compares the schema with ours, and a false opstamp does no harm: it was tried."""

    segments: list[Segment]

    @property
    def documents(self) -> int:
        """How many documents the segments hold, deleted ones included."""
        return sum(segment.max_doc for segment in self.segments)

    @property
    def live_documents(self) -> int:
        return sum(segment.live_documents for segment in self.segments)

    def file_names(self) -> list[str]:
        return [name for segment in self.segments for name in segment.file_names()]


def read_meta(directory: Path) -> Meta | None:
    """Return what meta.json says, None when there is none. Raises IndexUnusable when it is damaged."""
    path = directory / META
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise IndexUnusable(f"{path} cannot be read ({error})") from error
    try:
        return Meta.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise IndexUnusable(f"{path} is damaged: {where}: {first['msg']}") from error
