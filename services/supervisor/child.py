"""One supervised process: started again on any exit, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.supervisor.backoff import Backoff
from services.supervisor.log_lines import MAX_LINE_CHARS, LogLine, parse_line

LEASH = Path(__file__).with_name("leash.py")
RECENT_LINES = 12
LAST_LINES_S = 1.0

Report = Callable[[LogLine], None]


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """What to run. `orphan_signal` is what the kernel sends it if the supervisor itself is killed.

    Services get SIGKILL, so that a new supervisor finds their ports free at once (delivery is at least
    once: nothing is lost); Redis gets SIGTERM, so that it closes its append-only file.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    orphan_signal: signal.Signals = signal.SIGKILL


@dataclass(slots=True)
class Child:
    spec: ChildSpec
    report: Report
    on_start: Callable[[], None] = lambda: None
    backoff: Backoff = field(default_factory=Backoff)
    exits: int = 0
    exit_code: int | None = None
    process: asyncio.subprocess.Process | None = None
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=RECENT_LINES))
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        running = self.process is not None and self.process.returncode is None
        return self.process.pid if running and self.process is not None else None

    def start(self) -> None:
        self._task = asyncio.create_task(self._keep_alive(), name=f"keep {self.spec.name} alive")

    async def stop(self, timeout_s: float) -> bool:
        """Send SIGTERM, wait, then SIGKILL the whole process group. Return whether SIGTERM was enough."""
        self._stopping.set()
        if self._task is None:
            return True
        self.signal(signal.SIGTERM)
        done, _ = await asyncio.wait({self._task}, timeout=timeout_s)
        if done:
            return True
        self.kill()
        await self._task
        return False

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def kill(self) -> None:
        """Kill the child and whatever it started, now."""
        self._stopping.set()
        if self.pid is not None:
            _kill_group(self.pid)

    async def _keep_alive(self) -> None:
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            started = clock()
            code = await self._run_once()
            if self._stopping.is_set():
                return
            self.exits, self.exit_code = self.exits + 1, code
            delay_s = self.backoff.delay_after(clock() - started)
            self._tell("warning", f"exited ({exit_reason(code)}), starting it again in {delay_s:g} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay_s)

    async def _run_once(self) -> int:
        leash = (sys.executable, "-I", "-S", str(LEASH), str(int(self.spec.orphan_signal)), str(os.getpid()))
        # A pipe of our own: asyncio's wait() returns only once its pipes are closed as well, and a helper
        # that outlives a crashed service holds them open.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *leash,
                *self.spec.argv,
                env=dict(self.spec.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,  # Ctrl-C in the terminal reaches the supervisor alone
            )
        except OSError as error:
            os.close(reading)
            self._tell("error", f"cannot be started: {error}")
            return 127
        finally:
            os.close(writing)
        self.process = process
        self.on_start()
        if self._stopping.is_set():  # told to stop while it was being started
            self.signal(signal.SIGTERM)
        pump = asyncio.create_task(self._read_lines(reading))
        code = await process.wait()
        _kill_group(process.pid)  # its helpers, if it left any
        await asyncio.wait({pump}, timeout=LAST_LINES_S)
        pump.cancel()
        return code

    async def _read_lines(self, descriptor: int) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(descriptor, "rb", 0)
        )
        try:
            rest = b""
            while chunk := await reader.read(65_536):
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > MAX_LINE_CHARS:
                    lines, rest = [*lines, rest], b""
                for raw in lines:
                    self._take(raw)
            self._take(rest)
        finally:
            pipe.close()

    def _take(self, raw: bytes) -> None:
        line = parse_line(self.spec.name, raw)
        if line is not None:
            values = " ".join(f"{name}={value}" for name, value in line.values.items())
            self.recent.append(f"{line.message} {values}".rstrip())
            self.report(line)

    def _tell(self, level: str, message: str) -> None:
        self.report(LogLine(self.spec.name, level, message))


def _kill_group(leader_pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader_pid, signal.SIGKILL)


def exit_reason(code: int) -> str:
    """Return an exit code in words: `code 1`, or `SIGKILL` when a signal ended the process."""
    if code >= 0:
        return f"code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
