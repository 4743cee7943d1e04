"""The generated pages of docs/ agree with the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.cli.reference import generated_files

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.mark.parametrize(("name", "text"), generated_files().items(), ids=lambda value: value[:30])
def test_a_generated_page_is_up_to_date(name: str, text: str) -> None:
    path = DOCS / name
    assert path.is_file() and path.read_text(encoding="utf-8") == text, (
        "run `./run reference docs` and commit"
    )
