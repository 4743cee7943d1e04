"""The private Redis of `wireroom up`: finding a server, its configuration, and one left over from before."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from shared.errors import ConfigurationError

MIN_VERSION = (6, 2)
MIN_MEMORY_BYTES = 256 * 1024**2
MAX_MEMORY_BYTES = 4 * 1024**3
STALE_STOP_S = 20.0
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

INSTALL_HINT = (
    "Install one (Debian, Ubuntu: `apt-get install redis-server`; Fedora: `dnf install valkey`), set "
    "WIREROOM_REDIS_SERVER to a binary, or set WIREROOM_REDIS_URL to a Redis that already runs."
)


def find_redis_server() -> str:
    """Return the path of the server to run. Raises ConfigurationError if there is none that will do."""
    wanted = os.environ.get("WIREROOM_REDIS_SERVER")
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise ConfigurationError(
                f"WIREROOM_REDIS_SERVER: {wanted} is not an executable file.\n{INSTALL_HINT}"
            )
    else:
        found = shutil.which("redis-server") or shutil.which("valkey-server")
        if found is None:
            raise ConfigurationError(f"no redis-server or valkey-server found.\n{INSTALL_HINT}")
    version = server_version(found)
    if version is not None and version < MIN_VERSION:
        told = ".".join(map(str, version))
        raise ConfigurationError(f"{found} is version {told}; Wireroom needs 6.2 or newer.\n{INSTALL_HINT}")
    return str(Path(found).absolute())


def server_version(path: str) -> tuple[int, ...] | None:
    """Return the version of a server binary, or None if it does not say."""
    try:
        done = subprocess.run(  # noqa: S603  # the operator names the binary
            [path, "--version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    for word in done.stdout.split():
        if word.startswith("v="):
            return version_tuple(word[2:])
    return None


def version_tuple(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())


def memory_limit_bytes(available_bytes: int) -> int:
    """Return `maxmemory`: a quarter of the machine, within bounds that suit a laptop.

    With less than 6 GB of memory, that is too little for a full backlog beside a full corpus (`wireroom
    doctor` says so): ingest then answers 503 before the backlog's high-water mark, and nothing is lost.
    """
    return max(MIN_MEMORY_BYTES, min(available_bytes // 4, MAX_MEMORY_BYTES))


def machine_memory_bytes(limit_file: Path = CGROUP_LIMIT) -> int:
    """Return the memory this process may use: the machine's, or less in a container."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(machine, int(limit_file.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no such limit, or the word "max"
        return machine


@dataclass(frozen=True, slots=True)
class RedisConfig:
    """Where the private Redis lives and listens."""

    directory: Path
    port: int
    password: str
    max_memory_bytes: int

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def password_file(self) -> Path:
        return self.directory / "password"

    @property
    def config_file(self) -> Path:
        return self.directory / "redis.conf"

    @property
    def pid_file(self) -> Path:
        return self.directory / "redis.pid"

    def render(self) -> str:
        """Return the configuration file; every directive is known to Redis 6.2 and to Valkey."""
        return "\n".join(
            (
                "# Written by `wireroom up` at each start.",
                "bind 127.0.0.1",
                f"port {self.port}",
                "protected-mode yes",
                f"requirepass {self.password}",
                f"dir {_quoted(self.directory)}",
                f"pidfile {_quoted(self.pid_file)}",
                "daemonize no",
                'logfile ""',
                "loglevel notice",
                "always-show-logo no",
                "databases 1",
                'save ""',
                "# What ingest answered 202 for is on disk before the answer is sent.",
                "appendonly yes",
                "appendfsync always",
                "no-appendfsync-on-rewrite no",
                "# A torn last command after a power cut was never acknowledged.",
                "aof-load-truncated yes",
                "# Never make room by losing entries: writes fail instead, and ingest answers 503.",
                "maxmemory-policy noeviction",
                f"maxmemory {self.max_memory_bytes}",
                "",
            )
        )


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def stop_stale_server(config: RedisConfig) -> int | None:
    """Stop a Redis that an earlier supervisor left running in our directory, and return its process id.

    Only a process whose working directory is that directory counts: process ids are used again.
    """
    try:
        pid = int(config.pid_file.read_text(encoding="ascii"))
        works_in = Path(f"/proc/{pid}/cwd").resolve(strict=True)
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except (OSError, ValueError):
        return None
    if works_in != config.directory.resolve() or not any(word in command for word in (b"redis", b"valkey")):
        return None
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STALE_STOP_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    if Path(f"/proc/{pid}").exists():
        os.kill(pid, signal.SIGKILL)
    return pid
