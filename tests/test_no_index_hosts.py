"""Where packages come from is the user's choice: nothing committed names an index or pins a local path."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# Put together here so that this file does not name them either.
HOSTS = tuple(
    ".".join(parts)
    for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"))
)
SETTINGS = re.compile(
    r"--(?:extra-)?index-url[ =]\S|--find-links|--trusted-host"
    r"|UV_(?:DEFAULT_)?INDEX|PIP_(?:EXTRA_)?INDEX_URL|PIP_FIND_LINKS"
)
LOCKS = ("requirements.lock", "requirements-dev.lock")


def tracked_files() -> list[Path]:
    """Return the files of the repository; without git, those of the folder but for what tools made."""
    git = shutil.which("git")
    if git is not None and (ROOT / ".git").exists():
        listed = subprocess.run(
            [
                git,
                "-c",
                f"safe.directory={ROOT}",
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    else:
        ignored = set((ROOT / ".gitignore").read_text(encoding="utf-8").replace("/", "").split()) | {".git"}
        files = [file for file in ROOT.rglob("*") if ignored.isdisjoint(file.relative_to(ROOT).parts)]
    return [file for file in files if file.is_file() and file.suffix != ".pyc"]


def test_no_tracked_file_names_an_index_host() -> None:
    offenders = [
        f"{file.relative_to(ROOT)}: {host}"
        for file in tracked_files()
        for host in HOSTS
        if host.encode() in file.read_bytes()
    ]
    assert offenders == []


def test_no_tracked_file_sets_an_index() -> None:
    offenders = [
        f"{file.relative_to(ROOT)}: {match.group()}"
        for file in tracked_files()
        if file != Path(__file__).resolve()
        for match in SETTINGS.finditer(
            file.read_bytes().decode("utf-8", "replace").replace("--no-emit-index-url", "")
        )
    ]
    assert offenders == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_is_pinned_and_hashed(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    requirements = [
        block for block in re.split(r"\n(?=[a-z0-9])", text.replace("\\\n", " ")) if not block.startswith("#")
    ]
    assert len(requirements) > 40
    for requirement in requirements:
        assert re.match(r"[a-z0-9._-]+(\[[a-z,]+\])?==[^ ;]+", requirement), requirement.splitlines()[0]
        assert "--hash=sha256:" in requirement, requirement.splitlines()[0]
    assert not re.search(r"(?m)^-|file:|://", re.sub(r"#.*", "", text))


def test_the_two_locks_agree_on_every_shared_package() -> None:
    pins = [
        dict(re.findall(r"(?m)^([a-z0-9._-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", (ROOT / lock).read_text()))
        for lock in LOCKS
    ]
    runtime, dev = pins
    assert runtime == {name: dev.get(name) for name in runtime}
