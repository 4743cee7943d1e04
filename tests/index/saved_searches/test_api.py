"""`/v1/saved-searches` over HTTP: shapes, refusals, secrets, and who may write."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from standardwebhooks import Webhook

from services.index.saved_searches import searches
from services.index.saved_searches.api import saved_searches_router
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.saved_searches.conftest import Receiver, World
from tests.support import article_id, enriched, retracted

BASE = "/v1/saved-searches"
SECRET = "whsec_" + "A" * 32
KEYS = ApiKeys.parse(f"desk {hash_api_key('wr_key')}", "WIREROOM_READ_KEYS")


def client_of(world: World, keys: ApiKeys | None = None) -> httpx2.AsyncClient:
    app = FastAPI()
    install_http(app, metrics=Metrics(), limits=Limits())
    app.include_router(saved_searches_router(world.saved.service, keys, loopback_only=keys is None))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8003")


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(world) as client:
        yield client


async def made(client: httpx2.AsyncClient, **fields: Any) -> dict[str, Any]:
    answer = await client.post(BASE, json={"name": "Storms", "q": "storm"} | fields)
    assert answer.status_code == 201, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def test_a_search_is_saved_shown_listed_and_forgotten(client: httpx2.AsyncClient) -> None:
    answer = await client.post(
        BASE,
        json={
            "name": " Storms ",
            "q": '"storm surge" OR hurricane',
            "source": ["Test Wire"],
            "language": ["EN"],
            "webhook_url": "https://hooks.example.com/x",
        },
    )
    assert answer.status_code == 201
    document = answer.json()
    assert answer.headers["location"] == f"/v1/saved-searches/{document['id']}"
    secret = document.pop("webhook_secret")
    assert secret.startswith("whsec_")
    assert (document["name"], document["language"], document["status"]) == ("Storms", ["en"], "active")
    shown = (await client.get(f"{BASE}/{document['id']}")).json()
    assert document.items() <= shown.items()
    assert "webhook_secret" not in shown and secret not in str(shown)
    assert (shown["matches"], shown["pending"], shown["last_delivery"]) == (0, 0, None)
    assert (await client.get(BASE)).json() == {"saved_searches": [shown], "total": 1, "next_cursor": None}
    assert (await client.delete(f"{BASE}/{document['id']}")).status_code == 204
    for method in ("GET", "DELETE"):
        assert (await client.request(method, f"{BASE}/{document['id']}")).status_code == 404


async def test_the_list_has_pages(client: httpx2.AsyncClient) -> None:
    ids = [(await made(client, name=f"Number {n}"))["id"] for n in range(5)]
    seen, cursor = [], None
    for _ in range(3):
        params = {"size": "2"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get(BASE, params=params)).json()
        seen += [one["id"] for one in page["saved_searches"]]
        cursor = page["next_cursor"]
    assert seen == ids and cursor is None


async def test_a_faulty_query_is_refused_with_a_caret(client: httpx2.AsyncClient) -> None:
    answer = await client.post(BASE, json={"name": "x", "q": "storm AND ("})
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["type"] == "/problems/query-syntax" and problem["detail"].endswith("^")
    assert problem["errors"][0]["pointer"] == "/q" and isinstance(problem["errors"][0]["position"], int)
    search = await made(client)
    assert (await client.patch(f"{BASE}/{search['id']}", json={"q": '"open'})).status_code == 400


BAD: dict[str, dict[str, Any]] = {
    "no name": {"name": " "},
    "a long name": {"name": "x" * 201},
    "a number for a query": {"q": 5},
    "an unknown field": {"sources": ["x"]},
    "a tone that is none": {"sentiment": ["angry"]},
    "too many values": {"source": ["x"] * 51},
    "a long URL": {"webhook_url": "https://e.example/" + "x" * 2000},
}


@pytest.mark.parametrize("fields", BAD.values(), ids=BAD)
async def test_what_does_not_fit_is_refused(client: httpx2.AsyncClient, fields: dict[str, Any]) -> None:
    answer = await client.post(BASE, json={"name": "x", "q": "x"} | fields)
    assert answer.status_code == 422 and answer.json()["errors"]


REFUSED = {
    "another scheme": "ftp://e.example/",
    "a cloud's credentials": "http://169.254.169.254/latest/meta-data/",
    "a private address": "http://192.168.1.1/",
    "an IPv4 address in an IPv6 one": "http://[::ffff:169.254.169.254]/",
    "a user in it": "https://user:hunter2@e.example/",
    "another port": "https://e.example:8443/",
    "no URL": "hooks",
    "a number in disguise": "http://2130706433/",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=REFUSED)
async def test_receivers_that_may_not_be_sent_to_are_refused(client: httpx2.AsyncClient, url: str) -> None:
    search = await made(client)
    for answer in (
        await client.post(BASE, json={"name": "x", "webhook_url": url}),
        await client.patch(f"{BASE}/{search['id']}", json={"webhook_url": url}),
    ):
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"][0]["pointer"] == "/webhook_url"
        assert "hunter2" not in answer.text


@pytest.mark.parametrize("secret", ["short", "whsec_", "whsec_!!", "whsec_" + "A" * 30, "whsec_" + "A" * 120])
async def test_a_secret_that_is_none_is_refused_without_being_repeated(
    client: httpx2.AsyncClient, secret: str
) -> None:
    answer = await client.post(
        BASE, json={"name": "x", "webhook_url": "https://e.example/", "webhook_secret": secret}
    )
    assert answer.status_code == 400 and answer.json()["errors"][0]["pointer"] == "/webhook_secret"
    assert len(secret) < 10 or secret not in answer.text


async def test_there_is_an_end_to_how_many_are_saved(
    client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MAX_SEARCHES", 2)
    await made(client)
    last = await made(client)
    assert (await client.post(BASE, json={"name": "x"})).status_code == 409
    await client.delete(f"{BASE}/{last['id']}")
    await made(client)


async def test_a_change_leaves_the_rest_as_it_is(client: httpx2.AsyncClient, world: World) -> None:
    search = await made(client, source=["Test Wire"], topic=["weather"])
    changed = (await client.patch(f"{BASE}/{search['id']}", json={"q": "flood", "topic": []})).json()
    assert (changed["q"], changed["source"], changed["topic"]) == ("flood", ["Test Wire"], [])
    assert changed["name"] == "Storms" and "webhook_secret" not in changed
    await world.store(enriched("a", title="A flood"), enriched("b", title="A storm"))
    page = (await client.get(f"{BASE}/{search['id']}/matches")).json()
    assert [one["article"]["id"] for one in page["matches"]] == [article_id("a")]


async def test_matches_have_pages_and_say_what_is_gone(client: httpx2.AsyncClient, world: World) -> None:
    search = await made(client)
    for name in "abc":
        await world.store(enriched(name, title=f"Storm {name}"))
    await world.store(retracted("b"))
    first = (await client.get(f"{BASE}/{search['id']}/matches?size=2")).json()
    rest = (await client.get(f"{BASE}/{search['id']}/matches?cursor={first['next_cursor']}")).json()
    assert rest["next_cursor"] is None
    every = [*first["matches"], *rest["matches"]]
    assert [one["article"].get("title") for one in every] == ["Storm c", None, "Storm a"]
    assert [one["state"] for one in every] == ["matched", "retracted", "matched"]


@pytest.mark.parametrize(
    ("target", "status"),
    [("?cursor=x", 400), ("?size=0", 400), ("/{id}/matches?cursor=x", 400), ("/{id}/deliveries?size=x", 400),
     ("/NOT-AN-ID", 404), ("/%00/matches", 404)],
)  # fmt: skip
async def test_a_parameter_that_cannot_be_read_is_refused_as_in_a_search(
    client: httpx2.AsyncClient, target: str, status: int
) -> None:
    search = (await client.post(BASE, json={"name": "x", "q": "x"})).json()
    answer = await client.get(BASE + target.replace("{id}", search["id"]))
    assert answer.status_code == status and answer.json()["errors"]


async def test_both_secrets_sign_for_a_day_after_a_rotation(
    client: httpx2.AsyncClient, world: World, receiver: Receiver
) -> None:
    search = await made(client, webhook_url=receiver.url, webhook_secret=SECRET)
    assert search["webhook_secret"] == SECRET
    changed = (await client.patch(f"{BASE}/{search['id']}", json={"rotate_secret": True})).json()
    new = changed["webhook_secret"]
    assert new != SECRET and changed["old_secret_until"] is not None
    for name, span in (("a", {"hours": 23}), ("b", {"hours": 2})):
        world.clock.turn(**span)
        await world.store(enriched(name, title="Storm"))
        await world.deliver()
    first, second = receiver.received
    assert len(first.headers["webhook-signature"].split()) == 2
    assert len(second.headers["webhook-signature"].split()) == 1
    at = world.clock.now
    for one, secret in ((first, new), (first, SECRET), (second, new)):
        stamp = at.fromtimestamp(int(one.headers["webhook-timestamp"]), at.tzinfo)
        signature = Webhook(secret).sign(one.webhook_id, stamp, one.body.decode())
        assert signature in one.headers["webhook-signature"].split()
    shown = (await client.get(f"{BASE}/{search['id']}")).json()
    assert new not in str(shown) and SECRET not in str(shown)


async def test_a_webhook_that_is_added_later_gets_a_secret(
    client: httpx2.AsyncClient, world: World, receiver: Receiver
) -> None:
    search = await made(client)
    assert search["webhook_secret"] is None
    changed = (await client.patch(f"{BASE}/{search['id']}", json={"webhook_url": receiver.url})).json()
    assert changed["webhook_secret"].startswith("whsec_")
    removed = (await client.patch(f"{BASE}/{search['id']}", json={"webhook_url": None})).json()
    assert removed["webhook_url"] is None and "webhook_secret" not in removed


async def test_a_test_is_sent_at_once_and_logged(
    client: httpx2.AsyncClient, world: World, receiver: Receiver
) -> None:
    search = await made(client, webhook_url=receiver.url)
    receiver.answer = lambda _: "418 I'm a teapot"
    answer = (await client.post(f"{BASE}/{search['id']}/test")).json()
    assert (answer["outcome"], answer["status"]) == ("rejected", 418)
    [one] = receiver.received
    assert one.type == "test" and one.webhook_id == answer["webhook_id"]
    [logged] = (await client.get(f"{BASE}/{search['id']}/deliveries")).json()["deliveries"]
    assert (logged["type"], logged["status"], logged["article_id"]) == ("test", 418, None)
    without = await made(client)
    assert (await client.post(f"{BASE}/{without['id']}/test")).status_code == 409


async def test_messages_are_sent_again_under_their_ids(
    client: httpx2.AsyncClient, world: World, receiver: Receiver
) -> None:
    search = await made(client)
    await world.store(enriched("a", title="Storm a"))
    path = f"{BASE}/{search['id']}"
    assert (
        await client.post(f"{path}/replay", json={"since": world.clock.now.isoformat()})
    ).status_code == 409
    await client.patch(path, json={"webhook_url": receiver.url})
    world.clock.turn(minutes=1)
    await world.store(enriched("b", title="Storm b"))
    await world.deliver()
    assert len(receiver.received) == 1, "what matched before there was a webhook is not told by itself"
    [told] = receiver.received
    answer = await client.post(f"{path}/replay", json={"webhook_id": told.webhook_id})
    assert (answer.status_code, answer.json()) == (202, {"replayed": 1})
    await world.deliver()
    assert [one.webhook_id for one in receiver.received] == [told.webhook_id] * 2
    since = {"since": "2026-01-01T00:00:00Z"}
    assert (await client.post(f"{path}/replay", json=since)).json() == {"replayed": 2}
    await world.deliver()
    again = receiver.received[2:]
    assert {one.document["data"]["article"]["id"] for one in again} == {article_id("a"), article_id("b")}
    for bad, status in (({}, 422), ({"webhook_id": "msg_x"}, 404), ({"since": "soon"}, 422)):
        assert (await client.post(f"{path}/replay", json=bad)).status_code == status


FOREIGN: dict[str, dict[str, str]] = {
    "another origin": {"origin": "https://evil.example"},
    "a sandboxed page": {"origin": "null"},
    "another port of this machine": {"origin": "http://127.0.0.1:9999"},
    "a browser that says so": {"sec-fetch-site": "cross-site"},
    "a neighbour of the same site": {"sec-fetch-site": "same-site"},
    "a name that leads here": {"host": "evil.example"},
    "a name that looks like here": {"host": "127.0.0.1.evil.example:8003"},
    "a host that is none": {"host": "[::1"},
}


@pytest.mark.parametrize("headers", FOREIGN.values(), ids=FOREIGN)
async def test_pages_of_other_sites_change_nothing(
    client: httpx2.AsyncClient, world: World, headers: dict[str, str]
) -> None:
    search = await made(client, webhook_url="https://hooks.example.com/")
    answers = [
        await client.post(BASE, json={"name": "x"}, headers=headers),
        await client.patch(f"{BASE}/{search['id']}", json={"q": "x"}, headers=headers),
        await client.delete(f"{BASE}/{search['id']}", headers=headers),
        await client.post(f"{BASE}/{search['id']}/replay", json={"webhook_id": "x"}, headers=headers),
        await client.post(f"{BASE}/{search['id']}/test", headers=headers),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    assert (await client.get(f"{BASE}/{search['id']}")).json()["q"] == "storm"


@pytest.mark.parametrize(
    "headers",
    [{}, {"origin": "http://127.0.0.1:8003"}, {"host": "[::1]:8003"}, {"sec-fetch-site": "same-origin"}],
)
async def test_our_own_pages_and_programs_may_write(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    assert (await client.post(BASE, json={"name": "x"}, headers=headers)).status_code == 201


async def test_only_json_is_taken(client: httpx2.AsyncClient) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = await client.post(BASE, content=b'{"name": "x"}', headers={"content-type": kind})
        assert answer.status_code == 415


async def test_with_read_keys_all_of_it_needs_one(world: World) -> None:
    search = world.save()
    async with client_of(world, KEYS) as client:
        for method, path in (
            ("GET", ""),
            ("POST", ""),
            ("GET", f"/{search.id}"),
            ("DELETE", f"/{search.id}"),
        ):
            answer = await client.request(
                method, BASE + path, json={"name": "x"} if method == "POST" else None
            )
            assert answer.status_code == 401
        headers = {"authorization": "Bearer wr_key", "host": "news.example.com"}
        assert (await client.post(BASE, json={"name": "x"}, headers=headers)).status_code == 201
        foreign = headers | {"origin": "https://evil.example"}
        assert (await client.post(BASE, json={"name": "x"}, headers=foreign)).status_code == 403
