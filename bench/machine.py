"""What the figures were measured on, and how much processor time a process has used."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.failures import ProcessGone
from services.supervisor.redis_server import find_redis_server, server_version

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_seconds_from_stat(stat: str) -> float:
    """Return user plus system time, of all threads, from the text of /proc/PID/stat (proc(5))."""
    # The second field is the command in brackets and may hold spaces and brackets itself.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def cpu_seconds(pid: int) -> float:
    """Raises ProcessGone."""
    try:
        return cpu_seconds_from_stat(Path(f"/proc/{pid}/stat").read_text(encoding="utf-8"))
    except OSError as error:
        raise ProcessGone(f"process {pid} has exited while it was being measured") from error


def cpu_by_service(pids: Mapping[str, int]) -> dict[str, float]:
    """Return processor seconds by service; `enrich` and `enrich-2` are one service. Raises ProcessGone."""
    seconds: dict[str, float] = {}
    for name, pid in pids.items():
        service = name.partition("-")[0]
        seconds[service] = seconds.get(service, 0.0) + cpu_seconds(pid)
    return seconds


def busy_seconds_from_stat(stat: str) -> float:
    """Return processor seconds of everything on the machine, stolen ones too, from the text of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, stat.split("\n", 1)[0].split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def busy_seconds() -> float:
    return busy_seconds_from_stat(Path("/proc/stat").read_text(encoding="ascii"))


def difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value - before.get(name, 0.0), 3) for name, value in after.items()}


def describe() -> dict[str, Any]:
    """Return the machine, what runs on it, and how busy others keep it now."""
    redis = find_redis_server()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu_model(),
        "python": platform.python_version(),
        "redis": ".".join(map(str, server_version(redis) or ())) or "unknown",
        "revision": _revision(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


def _revision() -> str:
    """Return the commit that was measured, or "unknown" outside a Git checkout."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "unknown"
