"""Reads that break inside Tantivy: told as what they are, and followed by a look at the files."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from services.index.engine.protocol import IndexFailed
from shared.logging import get_logger

log = get_logger(__name__)

P = ParamSpec("P")
R = TypeVar("R")
# How Tantivy's errors begin or end when bytes are not what was written; they come as ValueError.
_SIGNS_OF_DAMAGE = ("corrupt", "io error", "unexpected end of file")


class _Suspected(Protocol):
    suspect: bool


E = TypeVar("E", bound=_Suspected)


def failing_openly(read: Callable[Concatenate[E, P], R]) -> Callable[Concatenate[E, P], R]:
    """Raise IndexFailed for a panic or an error that speaks of damage, and set `suspect`.

    A panic of Rust is a BaseException in Python: nothing that catches Exception would answer the request.
    """

    @wraps(read)
    def reading(self: E, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return read(self, *args, **kwargs)
        except BaseException as error:
            if not _may_be_damage(error):
                raise
            self.suspect = True
            log.error("the index failed to answer", read=read.__name__, error=str(error)[:300])
            raise IndexFailed(f"the index failed to answer: {str(error)[:100]}") from error

    return reading


def _may_be_damage(error: BaseException) -> bool:
    if type(error).__name__ == "PanicException":
        return True
    return isinstance(error, ValueError) and any(sign in str(error).lower() for sign in _SIGNS_OF_DAMAGE)
