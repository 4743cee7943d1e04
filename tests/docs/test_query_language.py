"""docs/query-language.md is true: its examples find something, and its faults are read as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from services.index.engine.protocol import Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.nodes import Field
from services.index.query.parser import (
    MAX_CHARS,
    MAX_CLAUSES,
    MAX_DEPTH,
    MAX_OPEN_CLAUSES,
    QuerySyntaxError,
    parse,
)
from services.index.query.writing import write
from tests.conftest import ROOT
from tests.index.articles import NOW, enriched
from tests.index.contract_articles import ARTICLES, day

TEXT = (ROOT / "docs" / "query-language.md").read_text(encoding="utf-8")
EXAMPLES, FAULTS = TEXT.split("## Faults")
_CELL = re.compile(r"\s*(?<!\\)\|\s*")
ASKED_AT = day(15)


def rows(part: str) -> list[list[str]]:
    lines = [line for line in part.splitlines() if line.startswith("| `")]
    return [[cell.replace("\\|", "|") for cell in _CELL.split(line)[1:-1]] for line in lines]


def queries() -> list[str]:
    """Return the first cell of each row, and what other cells offer beside it as a whole query."""
    found = [row[0].strip("`") for row in rows(EXAMPLES)]
    spans = [span for row in rows(EXAMPLES) for span in row[1].split("`")[1::2]]
    return found + [span for span in spans if re.search(r"\w[ :]+[\w!&|\[-]|-\w+\*", span)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path_factory.mktemp("documented"))
    engine.upsert_many([enriched(key, **fields) for key, fields in ARTICLES.items()], NOW)  # type: ignore[arg-type]
    engine.commit()
    yield engine
    engine.close()


@pytest.mark.parametrize("text", queries())
def test_documented_query_finds_something(text: str, engine: TantivyEngine) -> None:
    parsed = parse(text, lenient=False, now=ASKED_AT)
    assert parsed.warnings == ()
    assert engine.search(Query(parsed.node)).hits


@pytest.mark.parametrize("row", rows(FAULTS), ids=lambda row: row[0].strip("`"))
def test_documented_fault_is_refused_or_read_as_it_says(row: list[str]) -> None:
    text, fault, reading = row
    with pytest.raises(QuerySyntaxError) as caught:
        parse(text.strip("`"), lenient=False)
    assert caught.value.message.startswith(fault)
    parsed = parse(text.strip("`"), lenient=True)
    if reading.startswith("`"):
        assert write(parsed.node) == reading.strip("`")
    else:
        assert reading == "as it stands, so it finds nothing" and parsed.warnings


def test_every_field_and_limit_is_documented() -> None:
    for field in Field:
        assert f"`{field.value}:" in EXAMPLES, field
    assert f"at most {MAX_CHARS} characters, {MAX_CLAUSES} words and {MAX_DEPTH} parentheses" in TEXT
    assert f"and {MAX_OPEN_CLAUSES} `*` and `~`" in TEXT
