"""What every service's HTTP side does: problems, limits, security headers, counts, health, docs."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from shared.http.direct import DirectRoute
from shared.http.docs import docs_router
from shared.http.health import health_router
from shared.http.limits import LimitRequests, Limits
from shared.http.problems import FieldError, Problem, json_pointer, problem_response
from shared.http.serve import install_http
from shared.metrics import Metrics

structlog.configure(
    processors=[structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
    cache_logger_on_first_use=False,
)


class Thing(BaseModel):
    size: int


async def well() -> str | None:
    return None


async def unwell() -> str | None:
    return "the index is closed"


async def broken() -> str | None:
    raise ValueError("secret")


async def stuck() -> str | None:
    await asyncio.sleep(60)
    return None


CHECKS = {"a": well, "b": unwell, "c": broken, "d": stuck}


def make_app(metrics: Metrics) -> FastAPI:
    app = FastAPI(title="Things <&>", docs_url=None, redoc_url=None)
    install_http(app, metrics=metrics, limits=Limits(max_body_bytes=1000, by_path={"/large": 5000}))

    app.include_router(health_router(CHECKS, metrics, timeout_s=0.05))
    app.include_router(docs_router(app))

    @app.post("/things/{number}", summary="Make a <thing>")
    async def make(number: int, thing: Thing) -> Thing:
        return thing

    @app.post("/large")
    async def large(request: Request) -> int:
        return len(await request.body())

    @app.get("/boom")
    async def boom() -> None:
        raise RuntimeError("secret")

    @app.get("/half")
    async def half() -> Response:
        async def body() -> AsyncIterator[bytes]:
            yield b"x"
            raise RuntimeError("secret")

        return StreamingResponse(body())

    @app.get("/framed")
    async def framed() -> Response:
        return Response("x", headers={"Content-Security-Policy": "default-src 'self'"})

    async def direct(request: Request) -> Response:
        if request.query_params:
            raise Problem(409, "taken", "It is taken.", errors=[FieldError("/a", "b")], headers={"x-a": "b"})
        return Response(await request.body())

    app.router.add_api_route("/direct/{id}", direct, methods=["POST"], route_class_override=DirectRoute)
    return app


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
async def client(metrics: Metrics) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=make_app(metrics), raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://things") as opened:
        yield opened


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "slug"),
    [
        ("GET", "/nowhere", None, 404, "not-found"),
        ("DELETE", "/things/1", None, 405, "method-not-allowed"),
        ("GET", "/direct/1", None, 405, "method-not-allowed"),
        ("POST", "/things/one", b'{"size":1}', 422, "invalid-request"),
        ("POST", "/things/1", b'{"size":"x"}', 422, "invalid-request"),
        ("POST", "/things/1", b"{", 422, "invalid-request"),
        ("POST", "/direct/1?x", b"", 409, "taken"),
        ("POST", "/things/1", b"x" * 1001, 413, "body-too-large"),
        ("POST", "/large", b"x" * 5001, 413, "body-too-large"),
        ("GET", "/boom", None, 500, "internal"),
    ],
)
async def test_every_failure_is_a_problem_document(
    client: httpx2.AsyncClient, method: str, path: str, body: bytes | None, status: int, slug: str
) -> None:
    response = await client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert (document["type"], document["status"]) == (f"/problems/{slug}", status)
    assert document["title"] and document["detail"]
    assert "secret" not in response.text
    assert response.headers["x-content-type-options"] == "nosniff"


async def test_a_validation_problem_points_at_each_field(client: httpx2.AsyncClient) -> None:
    response = await client.post("/things/one", json={"size": "x"})
    assert [error["pointer"] for error in response.json()["errors"]] == ["path/number", "/size"]


async def test_a_failure_midway_breaks_the_answer_off(client: httpx2.AsyncClient) -> None:
    with pytest.raises(RuntimeError):
        await client.get("/half")


async def test_405_says_what_is_allowed(client: httpx2.AsyncClient) -> None:
    response = await client.delete("/things/1")
    assert response.headers["allow"] == "POST"
    assert "POST" in response.json()["detail"]


async def test_a_path_may_take_more_than_others(client: httpx2.AsyncClient) -> None:
    assert (await client.post("/large", content=b"x" * 5000)).text == "5000"


async def test_a_body_without_length_is_counted_too(client: httpx2.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    response = await client.post("/direct/1", content=chunks())
    assert response.status_code == 413
    assert response.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("coding", "status"), [("gzip", 415), ("br, gzip", 415), ("identity", 200), ("", 200)]
)
async def test_only_bodies_as_they_are_are_taken(
    client: httpx2.AsyncClient, coding: str, status: int
) -> None:
    response = await client.post("/direct/1", content=b"x", headers={"content-encoding": coding})
    assert response.status_code == status


async def test_a_page_may_set_its_own_policy(client: httpx2.AsyncClient) -> None:
    response = await client.get("/framed")
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert response.headers["x-frame-options"] == "DENY"
    default = (await client.get("/livez")).headers["content-security-policy"]
    assert "default-src 'none'" in default


async def test_requests_are_counted_by_template_and_never_by_path(
    client: httpx2.AsyncClient, metrics: Metrics
) -> None:
    for path in ("/direct/1", "/direct/2", "/nowhere/3"):
        await client.post(path)
    await client.request("BREW", "/direct/1")
    text = metrics.exposition().decode()
    assert '{method="POST",route="/direct/{id}",status="200"} 2.0' in text
    assert '{method="POST",route="none",status="404"} 1.0' in text
    assert '{method="other",route="/direct/{id}",status="405"} 1.0' in text
    assert "/direct/1" not in text


async def run_limited(messages: list[Message | float], limits: Limits) -> list[Message]:
    """Return what is sent when an application reads its whole body, delivered after the given pauses."""
    sent: list[Message] = []
    queue = list(messages)

    async def receive() -> Message:
        if not queue:
            await asyncio.sleep(60)
        head = queue.pop(0)
        if isinstance(head, float):
            await asyncio.sleep(head)
            return await receive()
        return head

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except Exception:
            body = b"swallowed"  # a framework may catch it: the limit holds all the same
        await Response(body)(scope, receive, send)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await LimitRequests(app, limits)(scope, receive, send)
    return sent


def part(body: bytes, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "status"),
    [
        pytest.param([part(b"a"), 0.05, part(b"b", False)], 200, id="in time"),
        pytest.param([part(b"a")], 408, id="stops"),
        pytest.param([part(b"a"), 0.3, part(b"b", False)], 408, id="one long pause"),
        pytest.param([*[part(b"a"), 0.09] * 6, part(b"b", False)], 408, id="many short pauses"),
        pytest.param([part(b"a" * 11, False)], 413, id="too large at once"),
        pytest.param([*[part(b"aa")] * 6, part(b"", False)], 413, id="too large in parts"),
    ],
)
async def test_a_body_has_limits_of_size_and_time(messages: list[Message | float], status: int) -> None:
    limits = Limits(max_body_bytes=10, idle_timeout_s=0.15, body_timeout_s=0.4, min_bytes_per_s=0.1)
    sent = await run_limited(messages, limits)
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [status]
    assert sent[-1].get("more_body", False) is False
    if status != 200:
        document = b"".join(message.get("body", b"") for message in sent)
        assert json.loads(document)["status"] == status


@pytest.mark.parametrize(("drop", "status"), [(b"a", 408), (b"a" * 100, 200)], ids=["drops", "a slow line"])
async def test_a_body_must_keep_up_a_least_rate(drop: bytes, status: int) -> None:
    limits = Limits(max_body_bytes=10_000, idle_timeout_s=0.15, body_timeout_s=10, min_bytes_per_s=500)
    messages: list[Message | float] = [*[part(drop), 0.05] * 8, part(b"b", False)]
    sent = await run_limited(messages, limits)
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [status]


async def test_waiting_for_a_client_to_hang_up_has_no_limit() -> None:
    limits = Limits(idle_timeout_s=0.05, body_timeout_s=0.05)
    waited: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        waited.append(await receive())

    messages: list[Message] = [part(b"", False), {"type": "http.disconnect"}]

    async def receive() -> Message:
        await asyncio.sleep(0 if len(messages) == 2 else 0.15)
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await LimitRequests(app, limits)(scope, receive, send)
    assert waited == [{"type": "http.disconnect"}]


async def test_readyz_lists_each_check_and_what_is_wrong(client: httpx2.AsyncClient) -> None:
    response = await client.get("/readyz")
    assert response.status_code == 503
    assert response.json() == {
        "status": "not ready",
        "checks": {
            "a": "ok",
            "b": "the index is closed",
            "c": "the check itself failed: ValueError",
            "d": "no answer within 0.05 s",
        },
        "not_ready": ["b", "c", "d"],
    }


async def test_livez_and_metrics_answer(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "live"}
    assert "# HELP wireroom_http_requests_total" in (await client.get("/metrics")).text


async def test_the_docs_page_lists_operations_and_loads_nothing(client: httpx2.AsyncClient) -> None:
    response = await client.get("/docs")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "Make a &lt;thing&gt;" in response.text
    assert "Things &lt;&amp;&gt;" in response.text
    assert not re.search(r"https?://|src=|<script", response.text)


@pytest.mark.parametrize(
    ("location", "pointer"),
    [((), ""), (("a", 0, "b"), "/a/0/b"), (("a/b", "c~d"), "/a~1b/c~0d"), (("~1",), "/~01")],
)
def test_pointers_follow_rfc_6901(location: tuple[str | int, ...], pointer: str) -> None:
    assert json_pointer(location) == pointer


def test_a_problem_may_quote_any_text() -> None:
    response = problem_response(Problem(400, "x", "lone \ud800 surrogate and \u2028"))
    assert json.loads(response.body)["detail"] == "lone \ud800 surrogate and \u2028"


def test_a_problem_lists_no_more_errors_than_help() -> None:
    problem = Problem(422, "x", "y", errors=[FieldError(f"/{n}", "z") for n in range(1000)])
    assert len(problem.document()["errors"]) == 50
