"""Who may change something where no key is needed: programs and our own pages, by whatever name is ours."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from shared.http.limits import Limits
from shared.http.own_site import OwnSiteOnly
from shared.http.serve import install_http
from shared.metrics import Metrics


def client_of(public_url: str | None = None, *, is_open: bool = True) -> httpx2.AsyncClient:
    app = FastAPI()
    app.add_middleware(
        OwnSiteOnly,
        public_url=public_url,
        setting="WIREROOM_INDEX_PUBLIC_URL",
        is_open=lambda: is_open,
        private=("/private",),
    )
    install_http(app, metrics=Metrics(), limits=Limits())

    @app.api_route("/private/x", methods=["GET"])
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
        assert (await client.get("/private/x", headers={"host": host})).status_code == status


async def test_what_is_private_is_shown_to_whoever_follows_a_link() -> None:
    async with client_of() as client:
        answer = await client.get("/private/x", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 200


async def test_the_name_that_a_service_is_known_by_is_ours() -> None:
    async with client_of("https://News.example.com/wire") as client:
        answer = await client.post("/x", headers={"host": "news.example.com"})
        assert answer.status_code == 200
        answer = await client.post("/x", headers={"host": "evil.example.com"})
        assert answer.status_code == 403 and "WIREROOM_INDEX_PUBLIC_URL" in answer.json()["detail"]
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": "http://127.0.0.1"}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://evil.example", "content-type": "text/plain"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
    ],
)
async def test_a_page_of_another_site_changes_nothing(headers: dict[str, str], status: int) -> None:
    async with client_of() as client:
        assert (await client.post("/x", headers=headers)).status_code == status
        assert (await client.get("/x", headers=headers)).status_code == 200


async def test_where_a_key_is_needed_the_key_decides() -> None:
    async with client_of(is_open=False) as client:
        answer = await client.post("/x", headers={"host": "news.example", "origin": "https://cms.example"})
        assert answer.status_code == 200
