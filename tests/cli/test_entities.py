"""`wireroom entities`: words to edits, and edits to words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from services.cli.backups.files import copy_archive, put_back
from services.cli.backups.manifest import files_of
from services.index.archive import Archive
from services.index.entity_edits import EntityEditInput
from services.index.entity_edits_file import EntityEdits
from tests.support import NOW, enriched

EDIT = {
    "id": 3,
    "action": "rename",
    "name": "USA",
    "label": "GPE",
    "to_name": "United States",
    "made_at": "2026-11-25T08:00:00Z",
}


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (
            ("merge", "USA", "org:America", "GPE:United States"),
            [
                {"action": "rename", "name": "USA", "to_name": "United States", "to_label": "GPE"},
                {"action": "rename", "name": "America", "label": "ORG", "to_name": "United States",
                 "to_label": "GPE"},
            ],
        ),
        (("rename", "Bob: a life", "Bob"), [{"action": "rename", "name": "Bob: a life", "to_name": "Bob"}]),
        (("relabel", "Tesla", "org"), [{"action": "relabel", "name": "Tesla", "to_label": "ORG"}]),
        (("block", "GPE:Fruitful"), [{"action": "block", "name": "Fruitful", "label": "GPE"}]),
    ],
    ids=["merge", "rename", "relabel", "block"],
)  # fmt: skip
def test_what_is_said_is_sent(api, wireroom, words, sent) -> None:
    api.answer = lambda _: (201, EDIT)
    done = wireroom("entities", *words, "--index-url", api.url)
    assert done.code == 0, done.err
    assert [json.loads(request.body) for request in api.requests] == sent
    assert "GPE:USA → United States" in done.out and "wireroom reindex" in done.out


def test_edits_are_listed(api, wireroom) -> None:
    api.answer = lambda _: (200, {"entity_edits": [EDIT, {"id": 4, "action": "block", "name": "Fruitful"}]})
    done = wireroom("entities", "list", "--index-url", api.url)
    assert "3  GPE:USA → United States" in done.out and "4  Fruitful is no entity" in done.out


def test_undoing_names_the_edit_that_is_not_there(api, wireroom) -> None:
    api.answer = lambda request: (
        (204, b"") if request.path.endswith("/3") else (404, {"detail": "no such edit"})
    )
    done = wireroom("entities", "undo", "3", "9", "--index-url", api.url)
    assert done.code == 1 and "edit 3 undone" in done.out and "no such edit" in done.err


def test_a_merge_needs_two_names(api, wireroom) -> None:
    assert wireroom("entities", "merge", "USA", "--index-url", api.url).code == 2
    assert api.requests == []


def test_a_backup_brings_the_edits_back(tmp_path: Path) -> None:
    archive = Archive(tmp_path / "data")
    archive.append([enriched()], NOW)
    archive.close()
    EntityEdits(archive.path).add(EntityEditInput(action="block", name="Fruitful"), NOW)
    (tmp_path / "backup").mkdir()
    copy_archive(tmp_path / "data", tmp_path / "backup" / "archive")
    EntityEdits(archive.path).add(EntityEditInput(action="block", name="Later"), NOW)
    (tmp_path / "backup" / "index").mkdir()
    (tmp_path / "restored").mkdir()
    put_back(tmp_path / "backup", files_of(tmp_path / "backup"), tmp_path / "restored")
    restored = EntityEdits(tmp_path / "restored" / "archive")
    assert [edit.name for edit in restored.table.edits] == ["Fruitful"]
