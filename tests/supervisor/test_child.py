from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.supervisor.backoff import Backoff
from services.supervisor.child import Child, ChildSpec, exit_reason
from services.supervisor.log_lines import LogLine

ROOT = Path(__file__).resolve().parents[2]


async def eventually(condition: Callable[[], bool], timeout_s: float = 10.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.01)


def _child(code: str, lines: list[LogLine], **options: object) -> Child:
    spec = ChildSpec("worker", (sys.executable, "-c", code), os.environ.copy())
    return Child(spec, lines.append, backoff=Backoff(first_s=0.01, longest_s=0.02), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise SystemExit(0)", "code 0"),
        ("raise SystemExit(3)", "code 3"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
    ],
    ids=["success", "failure", "killed"],
)
async def test_child_is_started_again_on_any_exit(code: str, reason: str) -> None:
    lines: list[LogLine] = []
    child = _child(code, lines)
    child.start()
    await eventually(lambda: child.exits >= 3)
    assert await child.stop(5)
    assert f"exited ({reason}), starting it again in 0.01 s" in [line.message for line in lines]
    exits = child.exits
    await asyncio.sleep(0.1)
    assert child.exits == exits, "a stopped child stays stopped"


async def test_each_start_is_told() -> None:
    starts: list[int] = []
    child = _child("", [], on_start=lambda: starts.append(1))
    child.start()
    await eventually(lambda: len(starts) >= 2)
    await child.stop(5)


async def test_a_command_that_cannot_be_started_is_retried() -> None:
    lines: list[LogLine] = []
    spec = ChildSpec("worker", ("/nowhere/at/all",), os.environ.copy())
    child = Child(spec, lines.append, backoff=Backoff(first_s=0.01))
    child.start()
    await eventually(lambda: child.exits >= 2)
    await child.stop(5)
    assert any("/nowhere/at/all" in line.message for line in lines)


async def test_a_polite_child_stops_by_itself() -> None:
    lines: list[LogLine] = []
    code = (
        "import signal, sys\nsignal.signal(15, lambda *_: sys.exit('drained'))\n"
        "print('up', flush=True)\nsignal.pause()"
    )
    child = _child(code, lines)
    child.start()
    await eventually(lambda: any(line.message == "up" for line in lines))
    assert await child.stop(5)
    assert lines[-1].message == "drained"


async def test_a_stubborn_child_is_killed_with_what_it_started() -> None:
    lines: list[LogLine] = []
    code = (
        "import signal, subprocess, sys\nsignal.signal(15, signal.SIG_IGN)\n"
        "helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(helper.pid, flush=True)\nhelper.wait()"
    )
    child = _child(code, lines)
    child.start()
    await eventually(lambda: bool(lines))
    helper = int(lines[0].message)
    assert not await child.stop(0.2)
    await eventually(lambda: not _runs(helper))


async def test_a_crash_that_leaves_a_helper_behind_is_restarted_and_cleaned_up() -> None:
    lines: list[LogLine] = []
    code = (
        "import os, subprocess, sys\n"
        "helper = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(helper.pid, flush=True)\nos.kill(os.getpid(), 9)"
    )
    child = _child(code, lines)
    child.start()
    await eventually(lambda: child.exits >= 2)
    await child.stop(5)
    helpers = [int(line.message) for line in lines if line.message.isdigit()]
    await eventually(lambda: not any(map(_runs, helpers)))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_output_of_any_kind_is_taken_line_by_line() -> None:
    lines: list[LogLine] = []
    code = "import sys\nsys.stdout.write('x' * 100_000 + '\\nlast, without a newline')\nsys.stdout.flush()"
    child = _child(code, lines)
    child.start()
    await eventually(lambda: child.exits >= 1)
    await child.stop(5)
    messages = [line.message for line in lines]
    assert "last, without a newline" in messages
    assert max(map(len, messages)) <= 16_384
    assert len(child.recent) <= 12


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
@pytest.mark.process
async def test_children_die_with_a_killed_supervisor() -> None:
    code = """
import asyncio, os, sys
from services.supervisor.child import Child, ChildSpec
async def main():
    command = (sys.executable, "-c", "import time; time.sleep(60)")
    child = Child(ChildSpec("c", command, dict(os.environ)), print)
    child.on_start = lambda: print(child.process.pid, flush=True)
    child.start()
    await asyncio.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        pid = int(supervisor.stdout.readline())
        # Once it has become its command, the leash is on.
        await eventually(lambda: Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"-c"])
        supervisor.kill()
    await eventually(lambda: not _runs(pid))


@pytest.mark.parametrize(
    ("code", "words"), [(0, "code 0"), (-9, "SIGKILL"), (-64, "SIGRTMAX"), (-99, "signal 99")]
)
def test_exit_codes_are_told_in_words(code: int, words: str) -> None:
    assert exit_reason(code) == words
