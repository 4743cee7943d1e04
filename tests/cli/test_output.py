"""What the command prints for people."""

from __future__ import annotations

import pytest

from services.cli.output import as_typed


@pytest.mark.parametrize(
    ("advice", "typed"),
    [
        ("`wireroom doctor` shows what is wrong.", "`./run doctor` shows what is wrong."),
        ("wireroom reindex", "./run reindex"),
        ("Set wireroom aside: a wireroom is no command.", "Set wireroom aside: a wireroom is no command."),
    ],
)
def test_advice_names_the_command_as_it_was_typed(
    monkeypatch: pytest.MonkeyPatch, advice: str, typed: str
) -> None:
    monkeypatch.setenv("WIREROOM_COMMAND", "./run")
    assert as_typed(advice) == typed
    monkeypatch.delenv("WIREROOM_COMMAND")
    assert as_typed(advice) == advice
