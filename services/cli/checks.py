"""What `wireroom doctor` looks at on this machine and in Redis. Each check says how to mend what it found."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from services.supervisor.ports import is_free
from services.supervisor.redis_server import MIN_VERSION, find_redis_server, server_version, version_tuple
from shared.errors import ConfigurationError, WireroomError

State = Literal["ok", "warn", "fail"]

PYTHON_FROM, PYTHON_BELOW = (3, 11), (3, 14)
FAIL_FREE_BYTES = 200 * 1024**2
WARN_FREE_BYTES = 2 * 1024**3
FULL_SHARE = 0.8
MAX_CLOCK_SKEW_S = 2.0
# In Redis, measured: an article in the corpus; an enriched event of an article of some 4 kB.
CORPUS_ARTICLE_BYTES = 2_800
BACKLOG_ENTRY_BYTES = 25_000
# No clock that is right shows a time before this was written.
WRITTEN_AT = datetime(2025, 11, 1, tzinfo=UTC)
LIBRARIES = {
    "ingest": ("fastapi", "faststream", "standardwebhooks", "httpx2", "lxml", "nh3", "protego"),
    "enrich": ("trafilatura", "lxml", "py3langid", "threadpoolctl", "rensa", "numpy"),
    "index": ("tantivy", "zstandard", "standardwebhooks", "httpx2"),
}


@dataclass(frozen=True, slots=True)
class Check:
    """`mend` is the command or step that helps; empty when all is well."""

    name: str
    state: State
    found: str
    mend: str = ""


def check_python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if PYTHON_FROM <= sys.version_info[:2] < PYTHON_BELOW:
        return Check("Python", "ok", version)
    return Check("Python", "fail", f"{version} is not 3.11, 3.12 or 3.13", "Install Python 3.11 to 3.13.")


def check_libraries() -> Iterator[Check]:
    for service, modules in LIBRARIES.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            mend = f"pip install 'wireroom[{service}]'"
            yield Check(f"Libraries of {service}", "fail", f"missing: {', '.join(missing)}", mend)
        else:
            yield Check(f"Libraries of {service}", "ok", "installed")


def check_redis_server(external: bool) -> Check:
    """The binary that `wireroom up` runs; not needed where WIREROOM_REDIS_URL names a Redis."""
    try:
        path = find_redis_server()
    except ConfigurationError as error:
        first, _, mend = str(error).partition("\n")
        return Check("Redis server", "ok" if external else "fail", first, "" if external else mend)
    version = server_version(path)
    return Check("Redis server", "ok", f"{path} {'.'.join(map(str, version or ()))}".strip())


def check_ports(ports: dict[str, int]) -> Iterator[Check]:
    """For a Wireroom that does not run here: could it?"""
    for service, port in ports.items():
        if is_free(port):
            yield Check(f"Port {port}", "ok", f"free for {service}")
        else:
            mend = f"`ss -ltnp 'sport = :{port}'` shows who; or `wireroom up --{service}-port PORT`"
            yield Check(f"Port {port}", "warn", f"in use, {service} cannot have it", mend)


def check_data_dir(data_dir: Path) -> Iterator[Check]:
    existing = next((path for path in (data_dir, *data_dir.absolute().parents) if path.is_dir()), Path("/"))
    if not os.access(existing, os.W_OK | os.X_OK):
        yield Check(
            "Data directory", "fail", f"{existing} is not writable", "Pass --data-dir, or change its owner."
        )
        return
    made = "" if data_dir.is_dir() else " (not made yet)"
    yield Check("Data directory", "ok", f"{data_dir}{made}")
    free = shutil.disk_usage(existing).free
    found = f"{free / 1024**3:,.1f} GB free"
    if free < FAIL_FREE_BYTES:
        yield Check("Disk", "fail", found, "Free some space: Redis stops when its disk is full.")
    elif free < WARN_FREE_BYTES:
        yield Check("Disk", "warn", found, "Free some space before it runs out.")
    else:
        yield Check("Disk", "ok", found)


def check_index(data_dir: Path) -> Iterator[Check]:
    """Is the index whole, and could it be rebuilt? All of both is read."""
    try:
        home = importlib.import_module("services.index.engine.home").IndexHome(data_dir)
        checksums = importlib.import_module("services.index.engine.checksums")
        reading = importlib.import_module("services.index.archive_reading")
    except ModuleNotFoundError:
        return  # said already: the libraries of index are missing
    current = None
    try:
        current = home.current()
        if current is not None:
            checksums.require_intact(current)
            yield Check("Index", "ok", f"{current.name}, its files match their checksums")
    except (WireroomError, OSError, ValueError) as error:
        yield Check("Index", "fail", str(error), "wireroom reindex")
    yield from _check_archive(data_dir, reading, needed=current is not None)


def _check_archive(data_dir: Path, reading: Any, *, needed: bool) -> Iterator[Check]:
    directory = data_dir / "archive"
    reader = reading.ArchiveReader(directory)
    try:
        size = reader.remaining_bytes()
        records = sum(1 for _ in reader.lines())
    except OSError as error:
        yield Check("Archive", "fail", f"is not readable: {error}", f"chown -R $USER {data_dir}")
        return
    if reader.damaged_frames:
        names = ", ".join(reading.segment_path(directory, n).name for n in sorted(reader.damaged_segments))
        yield Check(
            "Archive",
            "fail",
            f"{reader.damaged_frames:,} parts of it are damaged, in {names}; {records:,} records are whole",
            "Put those files back from a backup, before the index is made anew without what they held.",
        )
    elif size:
        yield Check("Archive", "ok", f"{records:,} records, {size / 1024**2:,.1f} MB, all of it readable")
    elif needed:
        yield Check("Archive", "warn", "is missing, the index cannot be rebuilt", "Restore it from a copy.")


def check_clock(now: datetime) -> Check:
    if now < WRITTEN_AT:
        return Check("Clock", "fail", f"{now:%Y-%m-%d %H:%M} UTC is in the past", "timedatectl set-ntp true")
    return Check("Clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")


def check_models(models_dir: Path | None) -> Check:
    """Load what enrich loads. The models ship with it; WIREROOM_MODELS_DIR names others."""
    try:
        models = importlib.import_module("services.enrich.pipeline").Models.load(models_dir)
    except ModuleNotFoundError as error:
        return Check(
            "Models", "warn", f"cannot be loaded without {error.name}", "pip install 'wireroom[enrich]'"
        )
    except (WireroomError, OSError, ValueError) as error:
        return Check("Models", "fail", str(error), "Restore them: git checkout -- services/enrich/models")
    return Check("Models", "ok", ", ".join(f"{step} {version}" for step, version in models.versions.items()))


def check_redis(client: Any) -> Iterator[Check]:
    """Check a Redis that answers: version, durability, memory, clock. `client` is a redis.Redis."""
    info = client.info()
    version = str(info.get("redis_version", "0"))
    if version_tuple(version) < MIN_VERSION:
        yield Check(
            "Redis", "fail", f"version {version} is older than 6.2", "Install Redis 6.2 or newer, or Valkey."
        )
    else:
        yield Check("Redis", "ok", f"version {version}, up {int(info.get('uptime_in_seconds', 0)):,} s")
    yield from _check_durability(client)
    yield from _check_memory(client, info)
    seconds, micros = client.time()
    skew_s = abs(datetime.now(UTC).timestamp() - (seconds + micros / 1e6))
    if skew_s > MAX_CLOCK_SKEW_S:
        yield Check("Clock of Redis", "warn", f"{skew_s:.1f} s away from ours", "Keep both by NTP.")


# What each setting must be, what happens else, and whether that loses articles.
_REQUIRED: tuple[tuple[str, str, State, str], ...] = (
    ("appendonly", "yes", "fail", "a restart would lose articles"),
    ("appendfsync", "always", "warn", "a power cut would lose the last second"),
    ("maxmemory-policy", "noeviction", "fail", "articles would vanish when memory is full"),
)


def _check_durability(client: Any) -> Iterator[Check]:
    from redis.exceptions import RedisError

    try:
        settings = {name: client.config_get(name).get(name) for name, *_ in _REQUIRED}
    except RedisError as error:
        yield Check(
            "Redis durability", "warn", f"CONFIG GET is not allowed: {error}", "Check redis.conf by hand."
        )
        return
    wrong = False
    for name, wanted, state, why in _REQUIRED:
        if settings[name] != wanted:
            wrong = True
            yield Check(
                f"Redis {name}", state, f"{settings[name]}: {why}", f"redis-cli CONFIG SET {name} {wanted}"
            )
    if not wrong:
        yield Check("Redis durability", "ok", "append-only file synced on each write, no eviction")


def _check_memory(client: Any, info: dict[str, Any]) -> Iterator[Check]:
    used, limit = int(info.get("used_memory", 0)), int(info.get("maxmemory", 0))
    if limit == 0:
        yield Check(
            "Redis memory", "warn", "no limit: the kernel may kill it", "redis-cli CONFIG SET maxmemory 2gb"
        )
        return
    found = f"{used / 1024**2:,.0f} of {limit / 1024**2:,.0f} MB used"
    if used > limit * FULL_SHARE:
        yield Check("Redis memory", "warn", found, "Raise maxmemory, or let the backlog drain.")
    else:
        yield Check("Redis memory", "ok", found)


def needed_memory_bytes(corpus_articles: int, high_water_entries: int) -> int:
    """Return the memory that a full corpus and a full backlog take in Redis."""
    return corpus_articles * CORPUS_ARTICLE_BYTES + high_water_entries * BACKLOG_ENTRY_BYTES


def check_redis_room(client: Any, corpus_articles: int, high_water_entries: int) -> Iterator[Check]:
    """Would Redis be full before the backlog is? Nothing is lost then: ingest answers 503 all the earlier."""
    limit = int(client.info("memory").get("maxmemory", 0))
    if limit == 0:
        return  # said already: there is no limit
    needed = needed_memory_bytes(corpus_articles, high_water_entries)
    found = f"{corpus_articles:,} articles of corpus and {high_water_entries:,} of backlog"
    if limit >= needed:
        yield Check("Redis room", "ok", f"enough for {found}")
        return
    mebibytes = -(-needed // 1024**2)
    yield Check(
        "Redis room",
        "warn",
        f"{limit / 1024**2:,.0f} MB are too little for {found}, which take {mebibytes:,} MB",
        f"Set maxmemory in its redis.conf (at once: redis-cli CONFIG SET maxmemory {mebibytes}mb), "
        "or lower WIREROOM_HIGH_WATER_ENTRIES (with WIREROOM_LOW_WATER_ENTRIES) or WIREROOM_CORPUS_ARTICLES.",
    )
