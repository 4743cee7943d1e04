"""What `wireroom doctor` says of the backends that the settings name: do they load, and what do they take?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

from services.cli.checks import Check

BACKEND_SETTINGS: Final = tuple(f"WIREROOM_{part}_BACKEND" for part in ("ENTITIES", "SENTIMENT", "RELATED"))
TIMEOUT_S: Final = 180.0
MAX_SAID_CHARS: Final = 300
_HELP: Final = "Install or correct it (docs/plugins.md), or unset WIREROOM_{part}_BACKEND to use what ships."


def check_backends(timeout_s: float = TIMEOUT_S) -> Iterator[Check]:
    """Load them in a process of their own, which may crash or hang without harm to this one."""
    command = (sys.executable, "-m", "services.enrich.backend_check")
    try:
        done = subprocess.run(command, capture_output=True, timeout=timeout_s, check=False)  # noqa: S603  # our own module
        out, said, ended = done.stdout, done.stderr, _ending(done.returncode)
    except subprocess.TimeoutExpired as expired:
        out, said, ended = expired.stdout or b"", b"", f"is not ready after {timeout_s:.0f} s"
    yield from judge(out, said, ended)


def judge(out: bytes, said: bytes = b"", ended: str = "") -> Iterator[Check]:
    """Read what services.enrich.backend_check printed. `ended` says how it ended if not well."""
    beginning: dict[str, Any] | None = None
    for line in out.splitlines():
        row = json.loads(line)
        if "part" not in row:
            yield Check("Enrich worker", "ok", f"takes {row['memory_mb']:,} MB with these models")
            return
        done = "info" in row or "error" in row
        beginning = None if done else row
        if done:
            yield _check(row)
    words = said.decode("utf-8", "replace").strip().rpartition("\n")[2][:MAX_SAID_CHARS]
    found = " ".join(filter(None, (ended or "ended early", f"({words})" if words else "")))
    if beginning is None:
        yield Check("Backends", "fail", found, "wireroom doctor says more of what enrich needs above.")
    else:
        yield _check({**beginning, "error": f"{beginning['backend']} {found}"})


def _ending(code: int) -> str:
    if code == 0:
        return ""
    return f"crashed with signal {-code}" if code < 0 else f"ended with exit code {code}"


def _check(row: dict[str, Any]) -> Check:
    name = f"Backend for {row['part']}"
    if "error" in row:
        return Check(name, "fail", row["error"], _HELP.format(part=row["part"].upper()))
    return Check(name, "ok", f"{row['info']}, takes {row['memory_mb']:,} MB")
