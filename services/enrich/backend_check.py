"""Loads the backends that the settings name, as an enrich worker would, and gives each an article.

    python -m services.enrich.backend_check

`wireroom doctor` runs this as a process of its own: a plug-in may take what memory it likes, print, or crash.
Prints a line of JSON before each part, {"part", "backend"}, and one after it with "info" or "error" in it,
and "memory_mb", what that part took; the last line has the process's peak "memory_mb" alone. Nothing is
written to Redis: related articles are prepared and not placed.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any, TextIO

from services.enrich.backends.configured import backend_name, options_for
from services.enrich.backends.loading import GROUPS, load_backend, one_each
from services.enrich.backends.protocol import ArticleText
from services.enrich.settings import EnrichSettings
from services.enrich.steps.language import load_identifier
from services.enrich.steps.topics import TopicModel
from shared.errors import WireroomError
from shared.events import Entity, Mention
from shared.memory import peak_memory_mb, resident_memory_mb
from shared.runtime.connection import connect
from shared.settings import load_settings

TEXT = "Ann Reed opened the harbour of Port Ellen on Monday. “It is the best day of my life,” she said."
ENTITY = Entity(
    text="Ann Reed", label="PERSON", canonical="Ann Reed", count=1, mentions=(Mention(start=0, end=8),)
)
ARTICLE = ArticleText(
    "0" * 32, "Harbour opens", TEXT, "en", datetime(2026, 1, 1, tzinfo=UTC), entities=(ENTITY,)
)


def check(part: str, settings: EnrichSettings) -> dict[str, Any]:
    """Return {"info", "memory_mb"} or {"error"}."""
    before = resident_memory_mb()
    try:
        redis = connect(settings) if part == "related" else None  # connects when it is used, which it is not
        backend = load_backend(part, backend_name(part, settings), options_for(part, settings, redis))
        info = backend.info()
        language = "en" if info.reads("en") else min(info.languages)
        article = ARTICLE._replace(language=language, entities=() if part == "entities" else ARTICLE.entities)
        if part == "related":
            backend.prepare(article)
        else:
            one_each(backend.process_batch([article]), [article], backend.info)
    except WireroomError as error:
        return {"error": str(error)}
    except Exception as error:  # a plug-in may fail in any way
        setting = f"WIREROOM_{part.upper()}_BACKEND"
        return {"error": f"{setting}: it fails on an article: {type(error).__name__}: {error}"}
    return {"info": str(info), "memory_mb": max(resident_memory_mb() - before, 0)}


def run(settings: EnrichSettings, out: TextIO) -> None:
    def say(**fields: Any) -> None:
        print(json.dumps(fields), file=out, flush=True)

    load_identifier()
    TopicModel.load(settings.models_dir)
    for part in GROUPS:
        named = {"part": part, "backend": backend_name(part, settings)}
        say(**named)
        say(**named, **check(part, settings))
    say(memory_mb=peak_memory_mb())


def main() -> None:
    """Raises ConfigurationError at settings that no service would start with."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a plug-in prints is no answer
    run(load_settings(EnrichSettings), out)


if __name__ == "__main__":
    main()
