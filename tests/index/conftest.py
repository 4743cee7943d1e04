"""An open engine of each kind, empty, for the contract suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.index.engine.protocol import SearchEngine
from services.index.engine.tantivy_engine import TantivyEngine

ENGINES: dict[str, Callable[[Path], SearchEngine]] = {"tantivy": TantivyEngine}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchEngine]:
    opened = ENGINES[request.param](tmp_path)
    yield opened
    opened.close()
