"""The file that holds the sources: read by ingest while it runs, written by `wireroom sources`.

It is replaced as a whole, and only its owner may read it. A writer holds a lock beside it, so that two
changes made at once are both kept.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from shared.durable import write_durably
from shared.errors import ConfigurationError
from shared.http.auth import hash_api_key, new_api_key
from shared.sources import Sources
from shared.sources_place import OPERATOR_FILE

MAX_BYTES = 16 << 20


def read_sources(path: Path) -> Sources:
    """Return the sources; none where there is no file. Raises ConfigurationError when it cannot be read.

    The message names the place in the file, and never what stands there.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return Sources()
    except OSError as error:
        raise ConfigurationError(f"the sources in {path} cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ConfigurationError(f"the sources in {path} take more than {MAX_BYTES >> 20} MB")
    try:
        return Sources.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise ConfigurationError(
            f"the sources in {path} cannot be read: {first['msg']} at {where}. "
            "Restore the file from a copy, or correct it"
        ) from None


@contextmanager
def changing_sources(path: Path) -> Iterator[list[Sources]]:
    """Yield a list of the sources as they are; what it holds at the end is written, if it was changed.

    Raises ConfigurationError when the file cannot be read or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_name(f"{path.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = read_sources(path)
            box = [held]
            yield box
            if box[0] != held:
                content = box[0].model_dump_json(indent=1, exclude_none=True) + "\n"
                write_durably(path, content, private=True)
    except OSError as error:
        raise ConfigurationError(f"the sources in {path} cannot be written: {error.strerror}") from error


def with_operator(sources: Sources, path: Path) -> Sources:
    """Return the sources with a key for this machine's own commands, left beside the file.

    The first source closes an ingest that was open to this machine, and its commands must go on working.
    """
    if sources.operator is not None:
        return sources
    key = new_api_key()
    write_durably(path.with_name(OPERATOR_FILE), f"{key}\n", private=True)
    return sources.model_copy(update={"operator": hash_api_key(key)})
