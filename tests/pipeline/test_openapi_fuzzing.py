"""Every operation of both services' OpenAPI, asked with what its schema allows and with what it does not.

Whatever comes in, there is an answer below 500, soon, and an error is a problem document. The services are
processes over a real Redis; operations are those of docs/api, which tests/test_reference.py keeps true.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from tests.conftest import ROOT
from tests.pipeline.conftest import Stack, start_stack, stop_stack

pytestmark = pytest.mark.process

EXAMPLES = 12
SLOWEST_S = 10.0
# What a page elsewhere answers is told as a gateway does.
ALLOWED = {("ingest", "/v1/urls"): (502, 504)}
# It answers for as long as the client listens; tests/index has its own tests with what is hostile.
ENDLESS = {("index", "GET", "/v1/stream")}


def _cases() -> list[Any]:
    """Each operation with requests its schema allows, and with others where it says what those would be."""
    return [
        pytest.param(
            service, operation, mode, id=f"{service} {operation.method.upper()} {operation.path} {name}"
        )
        for service, operation in _operations()
        for name, mode in (("allowed", GenerationMode.POSITIVE), ("refused", GenerationMode.NEGATIVE))
        if mode is GenerationMode.POSITIVE or _constrains(operation)
    ]


def _constrains(operation: Any) -> bool:
    """A request can only break what is said of parameters or of a body of JSON."""
    said = operation.definition.raw
    bodies = said.get("requestBody", {}).get("content", {})
    return bool(said.get("parameters")) or "application/json" in bodies


def _operations() -> Iterator[tuple[str, Any]]:
    for service in ("ingest", "index"):
        document = json.loads((ROOT / "docs" / "api" / f"{service}.openapi.json").read_text())
        schema = schemathesis.openapi.from_dict(document)
        for found in schema.get_all_operations():
            operation = found.ok()
            if (service, operation.method.upper(), operation.path) not in ENDLESS:
                yield service, operation


@pytest.fixture(scope="module")
def own_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A Wireroom of this module's own: what is asked of it may erase and rebuild."""
    stack = start_stack(tmp_path_factory.mktemp("fuzzed") / "data")
    yield stack
    assert stop_stack(stack) == 0


def _token(data_dir: Path | None) -> str:
    assert data_dir is not None
    return (data_dir / "index" / "admin.token").read_text().strip()


@pytest.mark.parametrize(("service", "operation", "mode"), _cases())
def test_no_request_is_answered_with_a_server_error(
    own_stack: Stack, service: str, operation: Any, mode: GenerationMode
) -> None:
    base_url = own_stack.ingest_url if service == "ingest" else own_stack.index_url
    headers = {"authorization": f"Bearer {_token(own_stack.data_dir)}"} if service == "index" else {}

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Case) -> None:
        answer = case.call(base_url=base_url, headers=headers, timeout=SLOWEST_S)
        what = f"{case.method} {case.formatted_path} {case.query} {str(case.body)[:300]}"
        if answer.status_code not in ALLOWED.get((service, operation.path), ()):
            assert answer.status_code < 500, f"{answer.status_code} to {what}: {answer.text[:500]}"
        if answer.status_code >= 400:
            kind = answer.headers.get("content-type", [""])[0]
            assert kind.startswith("application/problem+json"), f"{answer.status_code} {kind} to {what}"

    ask()
