"""Examples of a page of the documentation: commands and programs, each with the output the page says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.conftest import ROOT

_EXAMPLE = re.compile(r"```(sh|python)\n(.*?)```\n\n```text\n(.*?)```\n", re.DOTALL)
# What differs from run to run.
VARYING = (
    (re.compile(r"\bwr_[\w-]{20,}"), "wr_…"),
    (re.compile(r"\bwhsec_[\w+/=-]{20,}"), "whsec_…"),
    (re.compile(r'"at":"[^"]*"'), '"at":"2026-11-25T08:00:00.000000Z"'),
    (re.compile(r"(?i)(retry-after: |again in )\d+"), r"\g<1>60"),
    (re.compile(r"[ \t\r]+$", re.MULTILINE), ""),
)


def settled(output: str, varying: Iterable[tuple[re.Pattern[str], str]] = VARYING) -> str:
    for pattern, replacement in varying:
        output = pattern.sub(replacement, output)
    return output.strip("\n") + "\n"


def run_example(language: str, code: str, environment: dict[str, str], directory: Path) -> str:
    """Return what it prints to stdout; it has to succeed."""
    argv = ["sh", "-e", "-c", code] if language == "sh" else [sys.executable, "-c", code]
    done = subprocess.run(argv, env=environment, cwd=directory, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_page(page: Path, output_of: Callable[[str, str], str]) -> None:
    """Run the examples in their order; `output_of` takes language and code. UPDATE_DOCS=1 writes the page."""
    text = page.read_text(encoding="utf-8")
    assert len(_EXAMPLE.findall(text)) == text.count("```text"), "each output belongs to an example"

    def with_output(match: re.Match[str]) -> str:
        language, code, _ = match.groups()
        return f"```{language}\n{code}```\n\n```text\n{output_of(language, code)}```\n"

    found = _EXAMPLE.sub(with_output, text)
    if os.environ.get("UPDATE_DOCS"):
        page.write_text(found, encoding="utf-8")
    assert found == text


@pytest.fixture
def command_directory(tmp_path: Path) -> Path:
    """A directory for PATH in which `wireroom` is this checkout's."""
    command = tmp_path / "bin" / "wireroom"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m services.cli "$@"\n')
    command.chmod(0o755)
    return command.parent
