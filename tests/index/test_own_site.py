"""Who may change something where no key is needed: programs and our own pages, by whatever name is ours."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from services.index.own_site import KnownHosts
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics


def client_of(public_url: str | None = None) -> httpx2.AsyncClient:
    app = FastAPI()
    app.add_middleware(KnownHosts, public_url=public_url)
    install_http(app, metrics=Metrics(), limits=Limits())

    @app.api_route("/x", methods=["GET", "POST", "DELETE"])
    async def x() -> str:
        return "x"

    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8003", 200),
        ("localhost:8003", 200),
        ("[::1]:8003", 200),
        ("192.168.1.5:8003", 200),
        ("index:8003", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8003", 403),
        ("[::1", 403),
        ("", 403),
    ],
)
async def test_nothing_is_changed_under_a_name_that_others_could_lead_here(host: str, status: int) -> None:
    async with client_of() as client:
        for method in ("POST", "DELETE"):
            answer = await client.request(method, "/x", headers={"host": host})
            assert answer.status_code == status, answer.text
        assert (await client.get("/x", headers={"host": host})).status_code == 200


async def test_the_name_that_a_service_is_known_by_is_ours() -> None:
    async with client_of("https://News.example.com/wire") as client:
        answer = await client.post("/x", headers={"host": "news.example.com"})
        assert answer.status_code == 200
        answer = await client.post("/x", headers={"host": "evil.example.com"})
        assert answer.status_code == 403 and "WIREROOM_INDEX_PUBLIC_URL" in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"
