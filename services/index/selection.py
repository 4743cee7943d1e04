"""Which articles match a query, asked of the index's files while its service may be running or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tantivy import Index

from services.index.engine.analysis import register_analyzers
from services.index.engine.compiling import Compiler
from services.index.engine.home import IndexHome, require_schema
from services.index.engine.protocol import IndexUnusable
from services.index.engine.rows import View, ids_at, whole_keys
from services.index.engine.schema import build_schema
from services.index.query.parser import parse

_PAGE = 5000


def matching_ids(data_dir: Path, text: str) -> Iterator[str]:
    """Yield the ids of all articles that match, newest first, as of the latest commit.

    Raises QuerySyntaxError for a query with any fault: reading around it could take far too many. Raises
    IndexUnusable when there is no index.
    """
    node = parse(text, lenient=False).node
    directory = IndexHome(data_dir).current()
    if directory is None:
        raise IndexUnusable(f"there is no index in {data_dir / 'index'}")
    require_schema(directory)
    index = Index(build_schema(), path=str(directory))
    register_analyzers(index)
    index.config_reader("manual")
    index.reload()
    searcher = index.searcher()
    compiler = Compiler(build_schema())
    view = View(searcher, compiler, compiler.compile(node))
    left = view.base
    while rows := view.newest(left, _PAGE + 1):
        page = whole_keys(rows, _PAGE)
        yield from ids_at(searcher, [row.address for row in page])
        left = compiler.below(view.base, int(page[-1].value))
