"""Ending one service as a rolling restart does, and what the log says of it."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

from bench.chaos.world import Result, World

EXIT_LIMIT_S = 20.0


async def end_service(world: World, result: Result, service: str, *, died_before: bool = False) -> None:
    """SIGTERM one service and wait for its successor, as in a rolling restart.

    `died_before`: it has ended in other ways in this run, so only the time that it takes counts.
    """
    victims = world.stack.signal(service, signal.SIGTERM)
    began = time.monotonic()

    async def gone() -> bool:
        return not any(map(_is_alive, victims.values()))

    took = await world.until(gone, EXIT_LIMIT_S)
    if result.expect(took is not None, f"{service} had not exited {EXIT_LIMIT_S:g} s after SIGTERM"):
        result.worst(f"{service}_exit_s", time.monotonic() - began)
    await world.until(world.stack.ready, 40, 0.2)
    if died_before:
        return
    exits = [line for line in log_lines(world) if line.get("service", "").partition("-")[0] == service]
    codes = [words for line in exits if (words := _exit_words(str(line.get("event", ""))))]
    result.expect(
        bool(codes) and set(codes) == {"code 0"},
        f"{service} exited with {codes or 'nothing that was logged'}",
    )


def _is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _exit_words(message: str) -> str:
    found = re.match(r"exited \(([^)]*)\)", message)
    return found[1] if found else ""


def log_lines(world: World) -> list[dict[str, str]]:
    lines = []
    for line in world.stack.log_file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            lines.append(document)
    return lines
