"""What Redis does between a submit and its answer, from strace."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

_CALL = re.compile(r"(?:\[pid +\d+\] |\d+ +)?(?P<name>read|writev?|fsync|fdatasync)\((?P<rest>.*)")
SETTLE_S = 1.0


def unsynced_replies(lines: Iterable[str]) -> tuple[int, int]:
    """Return how many submits were answered, and how many of them before a sync. Pure.

    Redis reads commands, writes the append-only file, syncs it, and then writes the replies: a reply is
    early if there was no fsync or fdatasync since its submit was read.
    """
    replies = unsynced = 0
    synced = True
    for line in lines:
        found = _CALL.match(line)
        if found is None:
            continue
        name, rest = found["name"], found["rest"]
        if name == "read" and "EVALSHA" in rest and "articles.raw" in rest:
            synced = False
        elif name in ("fsync", "fdatasync"):
            synced = True
        elif name.startswith("write") and r"$8\r\naccepted\r\n" in rest:
            replies += 1
            unsynced += not synced
    return replies, unsynced


async def traced_redis(pid: int, output: Path) -> Callable[[], Awaitable[list[str]]] | None:
    """Begin to trace; return what ends it and gives its lines, None where tracing is not possible."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    process = await asyncio.create_subprocess_exec(
        *(strace, "-f", "-p", str(pid), "-s", "4096"),
        *("-e", "trace=read,write,writev,fsync,fdatasync", "-o", str(output)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    await asyncio.sleep(SETTLE_S)
    if process.returncode is not None:
        return None

    async def end() -> list[str]:
        process.send_signal(signal.SIGINT)
        await process.wait()
        text = await asyncio.to_thread(output.read_text, encoding="utf-8", errors="replace")
        return text.splitlines()

    return end
