"""The data directory of one running Wireroom: who owns it, and how other commands find what runs there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from shared.durable import FileLock, HeldElsewhere
from shared.errors import ConfigurationError
from shared.sources_place import FILE

DEFAULT_DATA_DIR = Path(".wireroom/data")
RUN_FILE = "run.json"
LOCK_FILE = "supervisor.lock"


@dataclass(frozen=True, slots=True)
class Instance:
    """What `wireroom up` wrote down about itself; the Redis password is in a file only its owner reads."""

    pid: int
    started_at: str
    data_dir: str
    ingest_url: str
    enrich_url: str
    index_url: str
    redis_url: str
    redis_password_file: str | None = None
    pids: dict[str, int] = field(default_factory=dict)


def default_data_dir() -> Path:
    return Path(os.environ.get("WIREROOM_DATA_DIR") or DEFAULT_DATA_DIR)


def sources_path(file: Path | None = None, data_dir: Path | None = None) -> Path:
    """Return where the sources are: as given, as the environment says, or in the data directory."""
    given = file or (data_dir / FILE if data_dir else None) or os.environ.get("WIREROOM_SOURCES_PATH")
    return Path(given) if given else default_data_dir() / FILE


def write_private(path: Path, text: str) -> None:
    """Write a file in one step that no other user may read, not even for a moment."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def write_instance(instance: Instance) -> None:
    text = json.dumps(asdict(instance), indent=2) + "\n"
    write_private(Path(instance.data_dir) / RUN_FILE, text)


def read_instance(data_dir: Path) -> Instance | None:
    """Return what runs on `data_dir`, or None: nothing was started, or it is gone without saying so."""
    try:
        document: dict[str, Any] = json.loads((data_dir / RUN_FILE).read_text(encoding="utf-8"))
        instance = Instance(**document)
    except (OSError, ValueError, TypeError):
        return None
    return instance if _is_alive(instance.pid) else None


def forget_instance(data_dir: Path) -> None:
    (data_dir / RUN_FILE).unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def owned_data_dir(data_dir: Path) -> Iterator[None]:
    """Hold `data_dir` for this supervisor alone; the kernel lets go of it however the process ends.

    Raises ConfigurationError if it cannot be made or another supervisor holds it.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(data_dir / LOCK_FILE)
    except OSError as error:
        raise ConfigurationError(
            f"cannot use the data directory {data_dir}: {error.strerror}\n"
            "Pass --data-dir with a directory that this user may write."
        ) from error
    except HeldElsewhere as held:
        raise ConfigurationError(
            f"Wireroom already runs on {data_dir} (process {held.holder}).\n"
            "Stop it with Ctrl-C in its terminal, or pass --data-dir to run a second one."
        ) from None
    try:
        yield
    finally:
        lock.release()
