"""Keeps the operators' entity edits in DATA/archive/entity-edits.json, beside the articles they are for."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError

from services.index.entity_edits import MAX_EDITS, EditTable, EntityEdit, EntityEditInput, IndexableEvent
from shared.durable import write_durably
from shared.errors import ConfigurationError, WireroomError

FILE = "entity-edits.json"


class EditRefused(WireroomError):
    """The edit cannot be taken; the message says why."""


class _Content(BaseModel):
    """`last_id` outlives the edit that had it, so that no id means two edits."""

    last_id: int = 0
    edits: tuple[EntityEdit, ...] = ()


class EntityEdits:
    """All edits, in force for whatever is indexed from the return of `add` or `remove` on. Any threads."""

    def __init__(self, directory: Path) -> None:
        """Raises ConfigurationError when the file is there and cannot be read."""
        self._path = directory / FILE
        self._lock = threading.Lock()
        try:
            self._content = _Content.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            self._content = _Content()
        except (OSError, ValidationError) as error:
            raise ConfigurationError(
                f"the entity edits in {self._path} cannot be read; restore the file from a backup, or move "
                f"it away to go on without them: {error}"
            ) from error
        self.table = EditTable(self._content.edits)

    def apply(self, event: IndexableEvent) -> IndexableEvent:
        return self.table.event(event)

    def add(self, given: EntityEditInput, made_at: datetime) -> EntityEdit:
        """Return the edit as made. It takes the place of one that takes the same entities.

        Raises EditRefused, and OSError when it cannot be written down: then it is not in force.
        """
        with self._lock:
            edit = EntityEdit(**given.model_dump(), id=self._content.last_id + 1, made_at=made_at)
            same = (given.name.casefold(), given.label)
            kept = tuple(e for e in self._content.edits if (e.name.casefold(), e.label) != same)
            if len(kept) >= MAX_EDITS:
                raise EditRefused(f"there are {MAX_EDITS:,} edits already: undo some that are not needed")
            if EditTable((*kept, edit)).circular(edit):
                raise EditRefused(f"other edits turn {given.to_name} into {given.name}: undo those first")
            self._write(_Content(last_id=edit.id, edits=(*kept, edit)))
            return edit

    def remove(self, edit_id: int) -> bool:
        """Undo an edit and tell whether it was there. Raises OSError when that cannot be written down."""
        with self._lock:
            kept = tuple(edit for edit in self._content.edits if edit.id != edit_id)
            if len(kept) == len(self._content.edits):
                return False
            self._write(_Content(last_id=self._content.last_id, edits=kept))
            return True

    def _write(self, content: _Content) -> None:
        write_durably(self._path, content.model_dump_json(indent=1, exclude_none=True) + "\n")
        self._content = content
        self.table = EditTable(content.edits)
