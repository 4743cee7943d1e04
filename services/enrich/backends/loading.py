"""Finds the backends that the settings name and loads them; a missing one stops the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Any, TypeVar

from services.enrich.backends import gliner_backend, spacy_backend
from services.enrich.backends.builtin import BuiltinEntities, BuiltinRelated, BuiltinSentiment
from services.enrich.backends.protocol import BackendOptions, Info, Load
from shared.errors import ConfigurationError

BUILTIN = "builtin"
GROUPS = ("entities", "sentiment", "related")
OWN: dict[str, dict[str, Load]] = {
    "entities": {BUILTIN: BuiltinEntities.load, "spacy": spacy_backend.load, "gliner": gliner_backend.load},
    "sentiment": {BUILTIN: BuiltinSentiment.load},
    "related": {BUILTIN: BuiltinRelated.load},
}
Result = TypeVar("Result")


class UnsoundBackend(RuntimeError):
    """A plug-in gave something else than one result an article."""


def load_backend(part: str, name: str, options: BackendOptions) -> Any:
    """Return the backend called `name` for a part of GROUPS.

    Raises ConfigurationError, naming the setting, when there is none or it cannot be loaded.
    """
    setting = f"WIREROOM_{part.upper()}_BACKEND"
    own = OWN[part].get(name)
    if own is not None:
        return own(options)
    found = _plug_ins(part)
    if name not in found:
        known = ", ".join([*OWN[part], *sorted(found)])
        raise ConfigurationError(
            f"{setting}: there is no backend {name!r} here, only {known}. Install what has the "
            f"entry point {name!r} in the group wireroom.{part}."
        )
    try:
        backend = found[name].load()(options)
        info = backend.info()
    except ConfigurationError:
        raise
    except Exception as error:  # a plug-in may fail in any way, and all of them are the operator's to mend
        raise ConfigurationError(
            f"{setting}: {name} ({found[name].value}) cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(info, Info) or not callable(getattr(backend, "process_batch", None)):
        raise ConfigurationError(
            f"{setting}: {name} ({found[name].value}) lacks info() or process_batch(): see docs/plugins.md"
        )
    return backend


def _plug_ins(part: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"wireroom.{part}")}


def one_each(
    results: Sequence[Result], items: Sequence[object], who: Callable[[], object]
) -> Sequence[Result]:
    """Return the results if there is one an item. Raises UnsoundBackend: some would get those of others."""
    if len(results) != len(items):
        raise UnsoundBackend(f"{who()} gave {len(results)} results for {len(items)} items")
    return results
