"""Other versions of the code: a copy that is changed, and a name that points now to one, now to another.

What a stack runs is found under that name, so a service that is started again runs what it points to then:
that is what a deployment does.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.chaos.stack import ROOT

CODE = ("services", "shared")


@dataclass(frozen=True, slots=True)
class Patch:
    """A replacement in one file; `old` must be there, or the copy would be the same version as ours."""

    file: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Trees:
    """Copies under `directory`; `current` is the name that points to one of them."""

    directory: Path

    @property
    def current(self) -> Path:
        return self.directory / "current"

    def make(self, name: str, patches: Iterable[Patch] = ()) -> None:
        """Copy our code and change it. Raises ValueError for a patch that does not fit."""
        tree = self.directory / name
        for part in CODE:
            shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
        for patch in patches:
            path = tree / patch.file
            text = path.read_text(encoding="utf-8")
            if patch.old not in text:
                raise ValueError(f"{patch.file} no longer says {patch.old!r}: mend this patch")
            path.write_text(text.replace(patch.old, patch.new), encoding="utf-8")

    def point_to(self, name: str) -> None:
        """Have `current` name that copy from now on."""
        draft = self.directory / "next"
        draft.symlink_to(self.directory / name, target_is_directory=True)
        draft.replace(self.current)
