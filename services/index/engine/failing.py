"""Calls that break inside Tantivy: told as what they are, and followed by a look at the files."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from services.index.engine.protocol import CommitFailed, IndexFailed
from shared.logging import get_logger

log = get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
# How Tantivy's errors begin or end when bytes are not what was written; they come as ValueError.
_SIGNS_OF_DAMAGE = ("corrupt", "io error", "unexpected end of file")
_DISK_FULL = "os error 28"


class _Suspected(Protocol):
    suspect: bool


E = TypeVar("E", bound=_Suspected)


def failing_openly(call: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Set `suspect` after a panic or an error that speaks of damage, and raise IndexFailed for it.

    A panic of Rust is a BaseException in Python: nothing that catches Exception would answer the request.
    CommitFailed stays what it is, since it has the batch delivered again.
    """

    @wraps(call)
    def calling(self: E, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(self, *args, **kwargs)
        except BaseException as error:
            if not may_be_damage(error):
                raise
            self.suspect = True
            log.error("the index failed", call=call.__name__, error=str(error)[:300])
            if isinstance(error, CommitFailed):
                raise
            raise IndexFailed(f"the index failed to answer: {str(error)[:100]}") from error

    return calling


def may_be_damage(error: BaseException | None) -> bool:
    """Tell whether files that are not as they were written would explain `error`."""
    if isinstance(error, CommitFailed):
        return may_be_damage(error.__cause__)
    if isinstance(error, IndexFailed) or is_panic(error):
        return True
    said = str(error).lower()
    return (
        isinstance(error, ValueError)
        and any(sign in said for sign in _SIGNS_OF_DAMAGE)
        and _DISK_FULL not in said
    )


def is_panic(error: BaseException | None) -> bool:
    # pyo3 makes this class when it is first needed; there is no module to import it from.
    return type(error).__name__ == "PanicException"


def despite_damage(step: Callable[[], None]) -> None:
    """Take a step of clearing away an index that has been replaced; its failure is logged and no more."""
    try:
        step()
    except BaseException as error:
        if not is_panic(error) and not isinstance(error, ValueError | OSError):
            raise
        log.warning("the replaced index could not be cleared away properly", error=str(error)[:300])
