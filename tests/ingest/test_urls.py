"""`POST /v1/urls`: from an address to an article on the stream, or a problem that says what was there."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from redis.asyncio import Redis

from shared.http.auth import hash_api_key, new_api_key
from tests.ingest.conftest import Start
from tests.ingest.fetching.pages import BODY, PARAGRAPH, canonical, page
from tests.ingest.test_process import Server
from tests.ingest.test_sources import add, bearer
from tests.shared.fetch.support import WebServer, redirect, response, web_server

Events = Callable[[], Awaitable[list[dict[str, Any]]]]
SHORT = f"<p>{PARAGRAPH}</p>"


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server


@pytest.fixture
async def ingest(start_ingest: Start, web: WebServer) -> httpx2.AsyncClient:
    return await start_ingest(fetch_allow_hosts=web.host, fetch_timeout_s=2)


async def submit(ingest: httpx2.AsyncClient, url: str, **fields: Any) -> httpx2.Response:
    return await ingest.post("/v1/urls", json={"url": url, **fields})


class TestAccepted:
    async def test_the_page_at_an_address_becomes_an_article(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/news/1?utm_source=x"] = response(page())
        answer = await submit(ingest, web.url("/news/1?utm_source=x"))
        assert answer.status_code == 202
        told = answer.json()
        assert (told["revision"], told["status"]) == (1, "accepted")
        assert told["status_url"] == f"/v1/articles/{told['id']}/receipt" == answer.headers["location"]
        (event,) = await events()
        assert event["article"]["canonical_url"] == web.url("/news/1")
        assert PARAGRAPH.strip() in event["article"]["html"]
        assert event["provenance"] == {
            "door": "url",
            "fetched_from": web.url("/news/1?utm_source=x"),
            "versions": {},
        }
        assert (await ingest.get(told["status_url"])).json()["status"] == "accepted"

    async def test_the_same_page_again_is_a_duplicate_and_a_changed_one_a_revision(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        answers = []
        for head, body in (("<script>1</script>", BODY), ("<script>2</script>", BODY), ("", BODY + SHORT)):
            web.answers["/1"] = response(page(head=head, body=body))
            answers.append((await submit(ingest, web.url("/1"))).json())
        assert [(a["status"], a["revision"]) for a in answers] == [
            ("accepted", 1),
            ("duplicate", 1),
            ("accepted", 2),
        ]
        assert len({a["id"] for a in answers}) == 1

    async def test_redirects_canonical_links_amp_and_tracking_lead_to_one_article(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        own = response(page(head=canonical("/news/1") + '<link rel="amphtml" href="/amp/news/1">'))
        amp = response(page(html="amp", body=SHORT * 3, head=canonical("/news/1")))
        web.answers |= {
            "/news/1": own,
            "/news/1?utm_medium=a&fbclid=b": own,
            "/news/1?print=1": own,
            "/n/1": redirect("/news/1", "301 Moved Permanently"),
            "/amp/news/1": amp,
            "/news/1.amp": response(page(body=SHORT, head=canonical("/news/1"))),
        }
        answers = [(await submit(ingest, web.url(path))).json() for path in web.answers]
        assert {a["id"] for a in answers} == {answers[0]["id"]}
        assert [a["status"] for a in answers] == ["accepted"] + ["duplicate"] * (len(answers) - 1)

    async def test_an_amp_page_serves_where_its_article_cannot_be_had(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers |= {
            "/amp/1": response(page(html="⚡", head=canonical("/1"))),
            "/1": response(page("Page not found", SHORT)),
        }
        assert (await submit(ingest, web.url("/amp/1"))).status_code == 202
        (event,) = await events()
        assert event["article"]["canonical_url"] == web.url("/1")
        assert event["provenance"]["fetched_from"] == web.url("/amp/1")

    async def test_a_page_cannot_pose_as_one_of_another_site(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/1"] = response(page(head=canonical("https://www.bbc.co.uk/news/1")))
        assert (await submit(ingest, web.url("/1"))).status_code == 202
        assert (await events())[0]["article"]["canonical_url"] == web.url("/1")

    async def test_fields_that_are_given_go_with_the_article(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        web.answers["/1"] = response(page())
        answer = await submit(
            ingest, web.url("/1"), id="a1", source="Example Wire", keywords=["bali"], desk="asia"
        )
        assert answer.status_code == 202
        article = (await events())[0]["article"]
        assert (article["publisher_id"], article["source"], article["keywords"]) == (
            "a1",
            "Example Wire",
            ["bali"],
        )
        assert article["extra"] == {"desk": "asia"}

    @pytest.mark.parametrize(
        ("content", "headers"),
        [
            (
                page("Grüße").encode("latin-1").replace(b"<meta charset=utf-8>", b""),
                ["content-type: text/html; charset=iso-8859-1"],
            ),
            (page("Grüße").encode(), ["content-type: text/html; charset=iso-8859-1"]),
            (page("Grüße").encode("utf-16"), ["content-type: text/html"]),
            (
                gzip.compress(page("Grüße").encode()),
                ["content-type: application/xhtml+xml", "content-encoding: gzip"],
            ),
            (page("Grüße").encode(), []),
        ],
        ids=["latin-1", "wrongly declared", "utf-16", "gzip", "no type"],
    )
    async def test_a_page_comes_in_any_encoding(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events, content: bytes, headers: list[str]
    ) -> None:
        lines = ["HTTP/1.1 200 OK", f"content-length: {len(content)}", *headers]
        web.answers["/1"] = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
        assert (await submit(ingest, web.url("/1"))).status_code == 202
        assert "<title>Grüße</title>" in (await events())[0]["article"]["html"]

    async def test_a_takedown_holds_until_the_article_is_restored(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/1"] = response(page())
        id_ = (await submit(ingest, web.url("/1"))).json()["id"]
        await ingest.delete(f"/v1/articles/{id_}")
        assert (await submit(ingest, web.url("/1"))).status_code == 409
        restored = await ingest.post("/v1/urls?restore=true", json={"url": web.url("/1")})
        assert (restored.status_code, restored.json()["id"]) == (202, id_)

    async def test_a_source_brings_back_by_address_only_what_it_took_down_itself(
        self, start_ingest: Start, web: WebServer, tmp_path: Path
    ) -> None:
        web.answers["/1"] = response(page())
        made, operator = add(tmp_path / "sources.json"), new_api_key()
        ingest = await start_ingest(
            fetch_allow_hosts=web.host,
            sources_path=tmp_path / "sources.json",
            api_keys=f"alice {hash_api_key(operator)}",
        )

        async def submit_as(key: str | None) -> httpx2.Response:
            body = {"url": web.url("/1")}
            return await ingest.post("/v1/urls?restore=true", json=body, headers=bearer(key))

        id_ = (await submit_as(made.key)).json()["id"]
        await ingest.delete(f"/v1/articles/{id_}", headers=bearer(made.key))
        assert (await submit_as(made.key)).status_code == 202
        await ingest.delete(f"/v1/articles/{id_}", headers=bearer(operator))
        assert (await submit_as(made.key)).status_code == 403
        assert (await submit_as(operator)).status_code == 202


class TestRefused:
    @pytest.mark.parametrize(
        ("answer", "status", "slug", "word"),
        [
            (response(page("Page not found", SHORT)), 422, "soft-404", "no such page"),
            (redirect("/"), 422, "soft-404", "home page"),
            (response(page(body=SHORT + "Subscribe to continue reading")), 422, "paywalled", "subscribers"),
            (response(page("Access denied", SHORT)), 422, "page-blocked", "robots"),
            (response("<html><div id=root></div></html>"), 422, "no-text", "scripts"),
            (response(""), 422, "no-text", "text"),
            (response(status="404 Not Found"), 422, "page-missing", "404"),
            (response(status="410 Gone"), 422, "page-missing", "410"),
            (response(status="402 Payment Required"), 422, "page-refused", "402"),
            (response(status="403 Forbidden"), 422, "page-refused", "403"),
            (response(status="451 Unavailable For Legal Reasons"), 422, "page-refused", "451"),
            (response(b"%PDF-1.7", type_="application/pdf"), 415, "not-html", "application/pdf"),
            (response(b"\xff\xd8\xff", type_="image/jpeg"), 415, "not-html", "image/jpeg"),
            (response("{}", type_="application/json"), 415, "not-html", "application/json"),
            (response(b"%PDF-1.7", type_="text/html"), 415, "not-html", "no text"),
            (response(b"\x00" * 2000), 415, "not-html", "no text"),
            (response(status="500 Internal Server Error"), 502, "fetch-failed", "500"),
            (response(status="304 Not Modified"), 502, "fetch-failed", "304"),
            (redirect("/1"), 502, "fetch-failed", "circle"),
            (redirect("file:///etc/passwd"), 403, "fetch-refused", "Only http"),
            (redirect("http://169.254.169.254/latest/"), 403, "fetch-refused", "WIREROOM_FETCH_ALLOW_HOSTS"),
            (
                response(gzip.compress(bytes(50 << 20)), "content-encoding: gzip"),
                422,
                "page-too-large",
                "bytes",
            ),
            (response(page(body="<br>" * 150_000)), 422, "page-too-large", "elements"),
            (b"garbage\r\n\r\n", 502, "fetch-failed", "not HTTP"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    async def test_what_is_no_article_is_seen_for_what_it_is(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events,
        answer: bytes, status: int, slug: str, word: str,
    ) -> None:  # fmt: skip
        web.answers |= {"/1": answer, "/": response(page())}
        refused = await submit(ingest, web.url("/1"))
        assert refused.headers["content-type"] == "application/problem+json"
        problem = refused.json()
        assert (refused.status_code, problem["type"]) == (status, f"/problems/{slug}")
        assert word in problem["detail"]
        assert await events() == []

    @pytest.mark.parametrize(
        "url",
        ["http://10.0.0.1/", "http://127.0.0.1/", "http://localhost:8001/", "http://169.254.169.254/latest/meta-data/",
         "http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/",
         "http://127.1/", "http://[64:ff9b::7f00:1]/", "http://100.64.0.1/", "http://224.0.0.1/", "http://0.0.0.0/",
         "http://u:p@example.com/", "http://example.com:6379/"],
    )  # fmt: skip
    async def test_a_private_address_is_refused_naming_the_rule(
        self, ingest: httpx2.AsyncClient, url: str
    ) -> None:
        refused = await submit(ingest, url)
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/fetch-refused")

    async def test_robots_txt_is_honoured(self, ingest: httpx2.AsyncClient, web: WebServer) -> None:
        web.answers |= {"/robots.txt": response("User-agent: Wireroom\nDisallow: /1"), "/1": response(page())}
        refused = await submit(ingest, web.url("/1"))
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/robots-disallowed")
        assert web.paths() == ["/robots.txt"]

    @pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many Requests"])
    async def test_a_site_that_wants_a_pause_gets_it_told_on(
        self, ingest: httpx2.AsyncClient, web: WebServer, status: str
    ) -> None:
        web.answers["/1"] = response("", "retry-after: 120", status=status)
        refused = await submit(ingest, web.url("/1"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "120")
        assert refused.json()["type"] == "/problems/host-busy"

    async def test_a_page_that_does_not_come_is_a_504_in_time(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        async def never(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)

        web.answers["/1"] = never
        refused = await submit(ingest, web.url("/1"))
        assert (refused.status_code, refused.json()["type"]) == (504, "/problems/fetch-timeout")

    async def test_a_site_that_is_down_is_a_502(self, start_ingest: Start) -> None:
        async with web_server() as gone:
            pass
        ingest = await start_ingest(fetch_allow_hosts=gone.host)
        refused = await submit(ingest, gone.url("/1?token=secret"))
        assert (refused.status_code, refused.json()["type"]) == (502, "/problems/fetch-failed")
        assert "secret" not in refused.text

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/url"),
            ({"url": 5}, "/url"),
            ({"url": ""}, "/url"),
            ({"url": "ftp://example.com/"}, "/url"),
            ({"url": "example.com"}, "/url"),
            ({"url": "http://exa mple.com/"}, "/url"),
            ({"url": "https://example.com/", "body": "text"}, "/body"),
            ({"url": "https://example.com/", "content_html": "text"}, "/content_html"),
            ({"url": "https://example.com/", "status": "canceled"}, "/status"),
            ({"url": "https://example.com/", "language": 3}, "/language"),
            ([], "/url"),
        ],
    )
    async def test_a_bad_request_is_told_before_anything_is_fetched(
        self, ingest: httpx2.AsyncClient, body: Any, pointer: str
    ) -> None:
        refused = await ingest.post("/v1/urls", json=body)
        assert refused.status_code == 422
        assert pointer in [error["pointer"] for error in refused.json()["errors"]]

    async def test_a_page_larger_than_an_article_may_be_is_refused(
        self, start_ingest: Start, web: WebServer
    ) -> None:
        ingest = await start_ingest(fetch_allow_hosts=web.host, max_body_bytes=10_000)
        web.answers["/1"] = response(page(body=BODY * 10))
        refused = await submit(ingest, web.url("/1"))
        assert (refused.status_code, refused.json()["type"]) == (422, "/problems/page-too-large")

    async def test_a_key_is_needed_where_there_are_keys(self, start_ingest: Start, web: WebServer) -> None:
        ingest = await start_ingest(fetch_allow_hosts=web.host, api_keys=f"desk sha256:{'0' * 64}")
        assert (await submit(ingest, web.url("/1"))).status_code == 401
        assert web.requests == []

    async def test_more_fetches_at_once_than_are_allowed_are_answered_503(
        self, start_ingest: Start, web: WebServer
    ) -> None:
        ingest = await start_ingest(fetch_allow_hosts=web.host, fetch_timeout_s=1, fetch_max_pages_at_once=2)

        async def never(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(30)

        web.answers["/1"] = never
        answers = await asyncio.gather(*(submit(ingest, web.url("/1")) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [503, 503, 504, 504]
        web.answers["/1"] = response(page())
        assert (await submit(ingest, web.url("/1"))).status_code == 202


@pytest.mark.process
async def test_no_secret_of_an_address_is_logged(redis: Redis, redis_url: str, web: WebServer) -> None:
    web.answers |= {"/a?token=secret": redirect("/b?token=secret"), "/c?token=secret": response(page())}
    server = Server(redis_url, WIREROOM_FETCH_ALLOW_HOSTS=web.host)
    try:
        await asyncio.to_thread(server.wait_until_ready)
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=20) as ingest:
            urls = [web.url(f"/{path}?token=secret") for path in "abc"]
            urls += [f"http://user:secret@{web.host}/", "http://10.0.0.1/?token=secret"]
            statuses = [(await submit(ingest, url)).status_code for url in urls]
    finally:
        server.process.terminate()
        _, log = await asyncio.to_thread(server.process.communicate)
    assert statuses == [422, 422, 202, 403, 403]
    assert b"page not taken" in log and b"secret" not in log


async def test_fetches_are_counted(ingest: httpx2.AsyncClient, web: WebServer) -> None:
    web.answers["/1"] = response(page())
    await submit(ingest, web.url("/1"))
    await submit(ingest, web.url("/2"))
    metrics = (await ingest.get("/metrics")).text
    assert 'wireroom_articles_accepted_total{door="url"} 1.0' in metrics
    assert 'wireroom_articles_rejected_total{reason="page-missing"} 1.0' in metrics
    assert 'wireroom_fetches_total{outcome="2xx"} 1.0' in metrics
    assert 'wireroom_fetches_total{outcome="4xx"} 2.0' in metrics
