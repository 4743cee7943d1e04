"""IPTC's newsinjson test suite: what is valid is accepted, what is not is refused naming the field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conformance import conformance_files, why_absent

SUITE = ("ninjs", "test_suite")
VALID = conformance_files(*SUITE, pattern="should_pass/*.json")
INVALID = conformance_files(*SUITE, pattern="should_fail/*.json")
# Besides the documents there is an extension of the standard, in a folder of its own.
EXAMPLES = [
    path for path in conformance_files("ninjs", "examples", pattern="*.json") if "extension" not in str(path)
]

pytestmark = pytest.mark.skipif(not VALID, reason=why_absent(*SUITE))


def name_of(path: Path) -> str:
    return "-".join(path.parts[-3:])


def fields_of(document: Any) -> set[str]:
    """Return all names in a document."""
    if isinstance(document, dict):
        return {*document, *(name for value in document.values() for name in fields_of(value))}
    return {name for value in document for name in fields_of(value)} if isinstance(document, list) else set()


@pytest.mark.parametrize("path", [*VALID, *EXAMPLES], ids=name_of)
async def test_a_valid_document_is_accepted(path: Path, ingest: httpx2.AsyncClient) -> None:
    answer = await ingest.post("/v1/articles", content=path.read_bytes())
    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("path", INVALID, ids=name_of)
async def test_an_invalid_document_is_refused_with_the_field_named(
    path: Path, ingest: httpx2.AsyncClient
) -> None:
    answer = await ingest.post("/v1/articles", content=path.read_bytes())
    assert answer.status_code == 422, answer.text
    names = fields_of(json.loads(path.read_bytes())) | {"name", "uri", "value", "type"}
    for error in answer.json()["errors"]:
        field = [part for part in error["pointer"].split("/") if part and not part.isdecimal()][-1]
        assert field in names and field in error["detail"]


async def test_a_batch_of_them_comes_out_the_same(ingest: httpx2.AsyncClient) -> None:
    lines = [json.dumps(json.loads(path.read_bytes())) for path in (*VALID, *INVALID)]
    answer = (await ingest.post("/v1/articles/batch", content="\n".join(lines))).json()
    assert (answer["accepted"] + answer["duplicates"], answer["rejected"]) == (len(VALID), len(INVALID))
