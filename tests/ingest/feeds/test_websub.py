"""WebSub: the cases of the W3C recommendation, with a hub of the test's own."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from redis.asyncio import Redis

from services.ingest.feeds.store import FeedStore
from services.ingest.feeds.websub.discovery import links_from_headers
from services.ingest.feeds.websub.signature import is_signed
from tests.ingest.conftest import Start
from tests.ingest.feeds.support import add, added_and_polled, feed, feed_response, item, poll, rss
from tests.shared.fetch.support import WebServer, response
from tests.support import eventually

Events = Callable[[], Awaitable[list[dict[str, Any]]]]
PUBLIC = "https://news.example.com"


def signature(method: str, secret: str, body: bytes) -> str:
    """Return the header's value for `body`, as a hub makes it."""
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@pytest.fixture
async def ingest(start_ingest: Start, web: WebServer) -> httpx2.AsyncClient:
    web.answers["/hub"] = response(status="202 Accepted")
    return await start_ingest(fetch_allow_hosts=web.host, public_url=PUBLIC + "/")


def hub_links(web: WebServer) -> tuple[str, ...]:
    return (f'link: <{web.url("/hub")}>; rel="hub", <{web.url("/topic")}>; rel="self"',)


async def asked(web: WebServer, mode: str = "subscribe", count: int = 1) -> dict[str, str]:
    """Return the form of the latest request of `mode` to the hub, once there are `count` of them."""

    async def latest() -> dict[str, str] | None:
        bodies = [request.partition(b"\r\n\r\n")[2] for request in web.requests if b"POST /hub" in request]
        forms = [{name: values[0] for name, values in parse_qs(body.decode()).items()} for body in bodies]
        forms = [form for form in forms if form["hub.mode"] == mode]
        return forms[-1] if len(forms) >= count else None

    found: dict[str, str] = await eventually(latest)
    return found


def intent(form: dict[str, str], **changed: str) -> dict[str, str]:
    """Return the query by which the hub asks whether that was meant."""
    asked_back = {"hub.mode": form["hub.mode"], "hub.topic": form["hub.topic"], "hub.challenge": "c-1",
                  "hub.lease_seconds": "3600"}  # fmt: skip
    return asked_back | {f"hub.{name}": value for name, value in changed.items()}


async def subscribed(ingest: httpx2.AsyncClient, web: WebServer) -> tuple[dict[str, Any], str]:
    """Return a feed with an active subscription, and its secret."""
    web.answers["/topic"] = feed_response(rss(item(1)), *hub_links(web))
    told = await added_and_polled(ingest, web.url("/topic"))
    form = await asked(web)
    answer = await ingest.get(f"/v1/websub/{told['id']}", params=intent(form))
    assert (answer.status_code, answer.text) == (200, "c-1")
    return await feed(ingest, told["id"]), form["hub.secret"]


class TestSubscribing:
    async def test_the_hub_is_asked_with_callback_topic_lease_and_secret(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/topic"] = feed_response(rss(), *hub_links(web))
        told = await added_and_polled(ingest, web.url("/topic"))
        form = await asked(web)
        assert form == {
            "hub.mode": "subscribe",
            "hub.topic": web.url("/topic"),
            "hub.callback": f"{PUBLIC}/v1/websub/{told['id']}",
            "hub.lease_seconds": "864000",
            "hub.secret": form["hub.secret"],
        }
        assert 32 <= len(form["hub.secret"]) < 200
        assert form["hub.secret"] not in (await ingest.get("/v1/feeds")).text
        assert (await feed(ingest, told["id"]))["websub"]["state"] == "pending"

    async def test_links_of_the_feed_count_where_no_header_names_a_hub(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        head = f"<atom:link rel='hub' href='{web.url('/hub')}'/><atom:link rel='self' href='/canonical'/>"
        web.answers["/topic"] = feed_response(rss(head=head))
        await added_and_polled(ingest, web.url("/topic"))
        assert (await asked(web))["hub.topic"] == web.url("/canonical")

    async def test_headers_count_before_links_of_the_feed(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        head = "<atom:link rel='hub' href='https://other.example/'/>"
        web.answers["/topic"] = feed_response(rss(head=head), *hub_links(web))
        told = await added_and_polled(ingest, web.url("/topic"))
        await asked(web)
        assert (await feed(ingest, told["id"]))["websub"]["hub"] == web.url("/hub")

    async def test_without_a_public_address_feeds_are_only_polled(
        self, start_ingest: Start, web: WebServer
    ) -> None:
        ingest = await start_ingest(fetch_allow_hosts=web.host)
        web.answers["/topic"] = feed_response(rss(), *hub_links(web))
        told = await added_and_polled(ingest, web.url("/topic"))
        await poll(ingest, told["id"])
        assert "/hub" not in web.paths()
        assert (await ingest.get("/v1/feeds")).json()["websub"] == {"public_url": None, "enabled": False}

    async def test_a_hub_that_fails_is_told_and_the_feed_is_polled(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        web.answers["/hub"] = response("No room", status="500 Internal Server Error")
        web.answers["/topic"] = feed_response(rss(item(1)), *hub_links(web))
        told = await added_and_polled(ingest, web.url("/topic"))

        async def failed() -> bool:
            websub = (await feed(ingest, told["id"]))["websub"]
            return websub is not None and websub["state"] == "failed" and "500" in websub["error"]

        await eventually(failed)
        assert (await poll(ingest, told["id"]))["state"] == "active"


class TestIntent:
    async def test_what_was_asked_for_is_confirmed_for_the_lease_that_the_hub_gives(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        told, _ = await subscribed(ingest, web)
        assert told["websub"]["state"] == "active"
        until = datetime.fromisoformat(told["websub"]["lease_until"])
        assert timedelta(minutes=59) < until - datetime.now(UTC) < timedelta(minutes=61)

    @pytest.mark.parametrize(
        "changed",
        [
            pytest.param({"topic": "https://evil.example/"}, id="another topic"),
            pytest.param({"mode": "unsubscribe"}, id="an end that nobody wants"),
            pytest.param({"mode": "celebrate"}, id="no such mode"),
            pytest.param({"challenge": ""}, id="no challenge"),
        ],
    )
    async def test_what_was_not_asked_for_is_refused(
        self, ingest: httpx2.AsyncClient, web: WebServer, changed: dict[str, str]
    ) -> None:
        web.answers["/topic"] = feed_response(rss(), *hub_links(web))
        told = await added_and_polled(ingest, web.url("/topic"))
        form = await asked(web)
        answer = await ingest.get(f"/v1/websub/{told['id']}", params=intent(form, **changed))
        assert answer.status_code == 404
        assert (await feed(ingest, told["id"]))["websub"]["state"] == "pending"

    async def test_nobody_can_lengthen_a_lease_unasked(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        told, _ = await subscribed(ingest, web)
        form = await asked(web)
        query = intent(form, lease_seconds="99999999")
        assert (await ingest.get(f"/v1/websub/{told['id']}", params=query)).status_code == 404
        assert (await feed(ingest, told["id"]))["websub"] == told["websub"]

    async def test_a_hub_may_ask_back_before_it_answers(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        async def ask_back_first(writer: asyncio.StreamWriter) -> None:
            form = await asked(web)
            id_ = form["hub.callback"].rpartition("/")[2]
            assert (await ingest.get(f"/v1/websub/{id_}", params=intent(form))).text == "c-1"
            writer.write(response(status="202 Accepted"))
            await writer.drain()

        web.answers |= {"/hub": ask_back_first, "/topic": feed_response(rss(), *hub_links(web))}
        told = await added_and_polled(ingest, web.url("/topic"))
        await eventually(lambda: _is(ingest, told["id"], "active"))

    async def test_a_denial_is_told_with_its_reason_and_the_feed_is_polled(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        told, _ = await subscribed(ingest, web)
        query = {"hub.mode": "denied", "hub.topic": web.url("/topic"), "hub.reason": "not today"}
        assert (await ingest.get(f"/v1/websub/{told['id']}", params=query)).status_code == 200
        websub = (await feed(ingest, told["id"]))["websub"]
        assert (websub["state"], websub["lease_until"]) == ("denied", None) and "not today" in websub["error"]
        web.answers["/topic"] = feed_response(rss(item(2), item(1)), *hub_links(web))
        assert (await poll(ingest, told["id"]))["last_entries"]["new"] == 1

    async def test_leaving_is_confirmed_once_the_feed_was_removed(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        told, _ = await subscribed(ingest, web)
        assert (await ingest.delete(f"/v1/feeds/{told['id']}")).status_code == 204
        form = await asked(web, "unsubscribe")
        assert form["hub.topic"] == web.url("/topic") and "hub.secret" not in form
        answer = await ingest.get(f"/v1/websub/{told['id']}", params=intent(form))
        assert (answer.status_code, answer.text) == (200, "c-1")
        other = intent(form, topic="https://other.example/")
        assert (await ingest.get(f"/v1/websub/{told['id']}", params=other)).status_code == 404
        assert (await ingest.post(f"/v1/websub/{told['id']}", content=b"x")).status_code == 410


async def _is(ingest: httpx2.AsyncClient, id_: str, state: str) -> bool:
    websub = (await feed(ingest, id_))["websub"]
    return websub is not None and websub["state"] == state


class TestRenewal:
    async def test_a_lease_is_renewed_with_the_same_secret_before_it_ends(
        self, ingest: httpx2.AsyncClient, web: WebServer, redis: Redis
    ) -> None:
        told, secret = await subscribed(ingest, web)
        store = FeedStore(redis)
        record = await store.get(told["id"])
        assert record is not None and record.websub is not None
        now = datetime.now(UTC)
        ending = {"asked_at": now - timedelta(minutes=58), "lease_until": now + timedelta(minutes=2)}
        await store.set_websub(told["id"], record.websub.model_copy(update=ending))
        web.answers["/topic"] = feed_response(rss(item(1, "Changed")), *hub_links(web))
        await poll(ingest, told["id"])
        form = await asked(web, count=2)
        assert form["hub.secret"] == secret
        # What is pushed meanwhile is taken still.
        assert await _is(ingest, told["id"], "active")
        assert (await ingest.get(f"/v1/websub/{told['id']}", params=intent(form))).status_code == 200

    async def test_a_lease_that_lasts_is_left_alone(self, ingest: httpx2.AsyncClient, web: WebServer) -> None:
        told, _ = await subscribed(ingest, web)
        web.answers["/topic"] = feed_response(rss(item(1, "Changed")), *hub_links(web))
        await poll(ingest, told["id"])
        assert web.paths().count("/hub") == 1

    async def test_another_hub_is_asked_with_another_secret(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        told, secret = await subscribed(ingest, web)
        links = hub_links(web)[0].replace("/topic", "/topic?new")
        web.answers["/topic"] = feed_response(rss(item(1, "Changed")), links)
        await poll(ingest, told["id"])
        form = await asked(web, count=2)
        assert form["hub.topic"] == web.url("/topic?new") and form["hub.secret"] != secret
        assert await _is(ingest, told["id"], "pending")


class TestPushing:
    @pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
    async def test_what_a_hub_pushes_becomes_articles_once(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events, method: str
    ) -> None:
        told, secret = await subscribed(ingest, web)
        body = rss(item(2), item(1, "Ministers meet, and agree")).encode()
        headers = {"content-type": "application/rss+xml", "x-hub-signature": signature(method, secret, body)}
        for _ in range(2):
            answer = await ingest.post(f"/v1/websub/{told['id']}", content=body, headers=headers)
            assert answer.status_code == 202
        first, edited, second = await events()
        assert (edited["article_id"], edited["revision"]) == (first["article_id"], 2)
        assert second["provenance"]["door"] == "websub"
        # Polling afterwards finds nothing new.
        web.answers["/topic"] = feed_response(body.decode(), *hub_links(web))
        assert (await poll(ingest, told["id"]))["last_entries"]["unchanged"] == 2
        assert len(await events()) == 3
        assert (await feed(ingest, told["id"]))["websub"]["last_push_at"]

    @pytest.mark.parametrize(
        "header",
        [
            pytest.param(None, id="none"),
            pytest.param("sha256=" + "0" * 64, id="wrong"),
            pytest.param("md5=" + "0" * 32, id="unknown method"),
            pytest.param("sha256", id="no digest"),
            pytest.param("sha256=é", id="not ASCII"),
        ],
    )
    async def test_a_push_without_a_right_signature_is_answered_and_left_alone(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events, header: str | None
    ) -> None:
        told, _ = await subscribed(ingest, web)
        headers = {} if header is None else {"x-hub-signature": header.encode()}
        answer = await ingest.post(f"/v1/websub/{told['id']}", content=rss(item(2)).encode(), headers=headers)
        assert answer.status_code == 202
        assert len(await events()) == 1
        metrics = (await ingest.get("/metrics")).text
        assert re.search(r'wireroom_websub_pushes_total\{outcome="unsigned"\} 1\.0', metrics)

    async def test_a_push_of_nothing_readable_has_the_feed_polled(
        self, ingest: httpx2.AsyncClient, web: WebServer, events: Events
    ) -> None:
        told, secret = await subscribed(ingest, web)
        web.answers["/topic"] = feed_response(rss(item(2), item(1)), *hub_links(web))
        body = b"ping"
        headers = {"x-hub-signature": signature("sha256", secret, body)}
        assert (
            await ingest.post(f"/v1/websub/{told['id']}", content=body, headers=headers)
        ).status_code == 202

        async def came() -> bool:
            return len(await events()) == 2

        await eventually(came)

    async def test_pushes_for_feeds_that_are_not_here_end_the_subscription(
        self, ingest: httpx2.AsyncClient, web: WebServer
    ) -> None:
        assert (await ingest.post("/v1/websub/0123456789abcdef", content=b"x")).status_code == 410
        web.answers["/feed"] = feed_response(rss())
        told = await add(ingest, web.url("/feed"))
        assert (await ingest.post(f"/v1/websub/{told['id']}", content=b"x")).status_code == 410

    async def test_callbacks_need_no_key(self, start_ingest: Start, web: WebServer) -> None:
        keys = "desk sha256:" + "0" * 64
        ingest = await start_ingest(fetch_allow_hosts=web.host, api_keys=keys)
        assert (await ingest.get("/v1/feeds")).status_code == 401
        assert (await ingest.post("/v1/websub/0123456789abcdef", content=b"x")).status_code == 410


def test_the_vector_of_the_recommendation_is_signed_right() -> None:
    # RFC 4231's second test case, whose key is text: X-Hub-Signature is HMAC in hexadecimal.
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert is_signed(f"sha256={digest}", "Jefe", b"what do ya want for nothing?")
    assert is_signed(f" SHA256={digest.upper()} ", "Jefe", b"what do ya want for nothing?")
    assert not is_signed(f"sha256={digest}", "Jefe", b"what do ya want for something?")


@pytest.mark.parametrize(
    ("header", "relations"),
    [
        ('<https://h.example/>; rel="hub"', {"hub": ["https://h.example/"]}),
        ("</h>; rel=hub, </s>; rel=self", {"hub": ["https://n.example/h"], "self": ["https://n.example/s"]}),
        ('</h,x>; title="a, b; c"; rel="hub self"', {"hub": ["https://n.example/h,x"], "self": ["https://n.example/h,x"]}),
        ("javascript:x; rel=hub", {}),
        ("<javascript:x>; rel=hub", {}),
        ("<https://h.example/>", {}),
        ("<" * 5000 + ";" * 3000, {}),
    ],
)  # fmt: skip
def test_link_headers_are_read(header: str, relations: dict[str, list[str]]) -> None:
    assert links_from_headers([header], "https://n.example/feed") == relations
