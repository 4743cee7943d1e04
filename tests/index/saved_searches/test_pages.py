"""The pages of saved searches: made, changed, tested, paused, replayed and deleted with forms alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from services.index.saved_searches.records import SavedSearch
from services.index.web.routes import web_router
from services.index.web.saved_page import SavedDesk
from shared.http.limits import Limits
from shared.http.serve import install_http
from tests.index.saved_searches.conftest import Receiver, World
from tests.index.web_document import HOSTILE, Document, assert_harmless, get, parameters
from tests.support import article_id, enriched, retracted

OWN = {"origin": "http://127.0.0.1:8003", "sec-fetch-site": "same-origin"}


@pytest.fixture
async def client(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    install_http(app, metrics=world.metrics, limits=Limits())
    saved = SavedDesk(world.saved.service, loopback_only=True)
    app.include_router(web_router(world.engine, world.metrics, None, now=world.clock, saved=saved))
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8003") as client:
        yield client


async def send(
    client: httpx2.AsyncClient, path: str, status: int = 303, **fields: Any
) -> tuple[Document, str]:
    """Return the page that the form leads to, and its address."""
    answer = await client.post(path, data=fields or {"x": ""}, headers=OWN)
    assert answer.status_code == status, answer.text[:600]
    if status == 303:
        href = answer.headers["location"]
        return await get(client, href), href
    return Document(answer.text), path


def only(world: World) -> SavedSearch:
    (search,) = world.saved.searches.all()
    return search


def told(page: Document) -> str:
    return page.find("div", role="status")[0][0]


async def test_the_form_takes_over_text_and_filters_but_no_dates(client: httpx2.AsyncClient) -> None:
    page = await get(client, "/saved/new?q=storm&source=Wire+A&entity=GPE:Lyon&from=2026-01-01&sort=newest")
    fields = {attrs.get("name"): attrs.get("value", "") for _, attrs in page.find("input")}
    assert (fields["name"], fields["q"], fields["source"]) == ("storm", "storm", "Wire A")
    assert fields["entity"] == "GPE:Lyon" and not {"from", "sort"} & set(fields)
    assert "Dates are left out" in page.find("p", id="text-help")[0][0]
    assert [text for text, _ in page.find("ul", class_="chips-of")] == ["Source Wire A Mentions Lyon"]


async def test_a_search_is_made_and_its_secret_shown_once(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    typed = {"name": "Storms", "q": "storm", "source": "Wire A", "webhook_url": receiver.url}
    page, _ = await send(client, "/saved", 201, **typed)
    search = only(world)
    assert (search.name, search.q, search.filters.source) == ("Storms", "storm", ("Wire A",))
    assert page.find("code", id="secret")[0][0] == search.secret
    again = await get(client, f"/saved/{search.id}")
    assert search.secret and search.secret not in str(again.texts) and again.find("h1")[0][0] == "Storms"
    listed = await get(client, "/saved")
    assert listed.find("span", class_="badge")[0][0] == "Active"
    assert "to 127.0.0.1" in listed.find("ol", class_="searches")[0][0]


async def test_matches_and_deliveries_are_shown_and_sent_again(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    await world.store(
        enriched("a", title="Storm at sea"), enriched("b", title="Storm on land"), enriched("c")
    )
    await world.deliver()
    page = await get(client, f"/saved/{search.id}")
    rows = [text for text, _ in page.find("ol", class_="rows")]
    assert "Storm at sea" in rows[0] and "Storm on land" in rows[0] and "Title of c" not in rows[0]
    assert page.find("a", href=f"/articles/{article_id('a')}")
    feeds = [attrs["href"] for _, attrs in page.find("link", rel="alternate")]
    assert feeds == [f"/search.{kind}?saved={search.id}" for kind in ("rss", "atom", "json")]
    assert [text for text, _ in page.find("td")].count("delivered (204)") == 2
    again = [attrs["value"] for _, attrs in page.find("input", name="webhook_id")]
    after, href = await send(client, f"/saved/{search.id}/replay", webhook_id=again[0])
    assert told(after) == "1 message will be sent again." and href.endswith("#deliveries")
    await world.deliver()
    assert [one.webhook_id for one in receiver.received].count(again[0]) == 2
    after, _ = await send(client, f"/saved/{search.id}/replay")
    assert told(after) == "2 messages will be sent again."
    await world.store(retracted("a"))
    gone = await get(client, f"/saved/{search.id}")
    assert "An article that is gone" in gone.find("ol", class_="rows")[0][0]


async def test_a_test_message_tells_how_it_went(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    page, _ = await send(client, f"/saved/{search.id}/test")
    assert told(page) == "Test message: delivered (204)." and receiver.types == ["test"]
    await receiver.stop()
    page, _ = await send(client, f"/saved/{search.id}/test")
    assert told(page) == "Test message: no connection."
    none = world.save("No hook")
    await send(client, f"/saved/{none.id}/test", 409)


async def test_a_search_is_paused_made_active_changed_and_deleted(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    search = world.save(source=["Wire A"], webhook_url=receiver.url)
    page, _ = await send(client, f"/saved/{search.id}/pause")
    assert world.current(search).status == "paused" and page.find("span", class_="badge")[0][0] == "Paused"
    await send(client, f"/saved/{search.id}/enable")
    assert world.current(search).status == "active"
    form = await get(client, f"/saved/{search.id}/change")
    fields = {attrs["name"]: attrs["value"] for _, attrs in form.find("input") if "name" in attrs}
    assert fields["source"] == "Wire A" and fields["webhook_url"] == receiver.url
    sent = {"name": "Gales", "q": "gale", "source": "Wire A", "webhook_url": ""}
    page, _ = await send(client, f"/saved/{search.id}/change", **sent)
    changed = world.current(search)
    assert (changed.name, changed.q, changed.webhook_url) == ("Gales", "gale", None)
    assert changed.filters.source == ("Wire A",) and told(page) == "Changed."
    page, _ = await send(client, f"/saved/{search.id}/delete")
    assert told(page) == "Deleted." and not world.saved.searches.all()
    await get(client, f"/saved/{search.id}", 404)


async def test_a_new_secret_is_shown_once(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    search = world.save(webhook_url=receiver.url)
    page, _ = await send(client, f"/saved/{search.id}/rotate", 200)
    changed = world.current(search)
    assert changed.secret != search.secret and changed.old_secret == search.secret
    assert page.find("code", id="secret")[0][0] == changed.secret


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "", "q": "storm"}, "name:"),
        ({"name": "x", "q": "storm ("}, "this '(' has no ')'"),
        ({"name": "x", "q": "storm", "webhook_url": "ftp://a.example/"}, ""),
        ({"name": "x", "q": "storm", "webhook_url": "http://169.254.169.254/"}, ""),
        ({"name": "x", "q": "storm", "sentiment": "angry"}, "sentiment:"),
    ],
    ids=str,
)
async def test_what_cannot_be_saved_comes_back_with_what_is_wrong(
    world: World, client: httpx2.AsyncClient, fields: dict[str, str], says: str
) -> None:
    page, _ = await send(client, "/saved", 400, **fields)
    assert says.lower() in page.find("div", role="alert")[0][0].lower()
    kept = {attrs["id"]: attrs["value"] for _, attrs in page.find("input") if attrs.get("id")}
    assert (kept["name"], kept["text"]) == (fields["name"], fields["q"]), "nothing that was typed is lost"
    assert not world.saved.searches.all()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://127.0.0.1:8003", "sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example", "host": "evil.example", "sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
async def test_a_form_on_a_page_of_others_does_nothing(
    world: World, client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    search = world.save()
    for path, fields in (("/saved", {"name": "x", "q": "y"}), (f"/saved/{search.id}/delete", {"x": ""})):
        answer = await client.post(path, data=fields, headers=headers)
        assert answer.status_code == 403, path
    assert world.saved.searches.all() == [search]


async def test_pages_lead_through_all_searches_and_matches(world: World, client: httpx2.AsyncClient) -> None:
    for n in range(53):
        world.save(f"Search {n}", "nothing")
    page = await get(client, "/saved")
    assert len(page.find("h2")) >= 50 and page.find("p", class_="total")[0][0] == "53"
    following = await get(client, page.find("a", rel="next")[0][1]["href"])
    assert "Search 52" in following.find("ol")[0][0] and not following.find("a", rel="next")
    search = world.save()
    await world.store(*(enriched(f"m{n}", title=f"Storm {n}") for n in range(23)))
    first = await get(client, f"/saved/{search.id}")
    second = await get(client, first.find("a", rel="next")[0][1]["href"])
    seen = [re.findall(r"Storm \d+", page.find("ol", class_="rows")[0][0]) for page in (first, second)]
    assert [len(page) for page in seen] == [20, 3] and len({*seen[0], *seen[1]}) == 23


@pytest.mark.parametrize("path", ["/saved/none", "/saved/none/change", "/saved/0123456789abcdef"])
async def test_an_unknown_search_is_a_page(client: httpx2.AsyncClient, path: str) -> None:
    await get(client, path, 404)


async def test_what_the_address_says_was_done_is_not_believed_beyond_its_words(
    world: World, client: httpx2.AsyncClient
) -> None:
    search = world.save()
    for query in (
        "done=tested&outcome=<b>",
        "done=replayed&count=9999999",
        "done=hacked",
        "before=x",
        "count=²",
    ):
        page = await get(client, f"/saved/{search.id}?{query}")
        assert not page.find("div", role="status"), query


async def test_without_saved_searches_the_page_says_what_they_are_for(client: httpx2.AsyncClient) -> None:
    assert (await get(client, "/saved")).find("h2")[0][0] == "Let the news find you"
    page = await get(client, "/?q=storm")
    assert not page.find("a", href="/saved/new?q=storm"), "nothing found is nothing to save from"


async def test_a_search_leads_to_the_form_that_saves_it(world: World, client: httpx2.AsyncClient) -> None:
    await world.store(enriched("a", title="Storm"))
    page = await get(client, "/?q=storm&source=Test+Wire&sort=newest")
    save = next(attrs["href"] for text, attrs in page.find("a") if text == "Save this search")
    assert parameters(save) == {"q": ["storm"], "source": ["Test Wire"]}


async def test_nothing_in_a_saved_search_gets_out_of_its_place(
    world: World, client: httpx2.AsyncClient, receiver: Receiver
) -> None:
    search = world.save(HOSTILE.replace("\x00", ""), "alert", entity=[HOSTILE.replace("\x00", "")],
                        webhook_url=f"{receiver.url}?x=%3Cscript%3E")  # fmt: skip
    everything = world.save("all", "")
    await world.store(enriched("a", title=f"alert {HOSTILE}", source=HOSTILE))
    for path in ("/saved", f"/saved/{search.id}", f"/saved/{search.id}/change", f"/saved/{everything.id}"):
        assert_harmless((await client.get(path)).text)
    asked = {"q": HOSTILE, "source": HOSTILE, "entity": HOSTILE}
    new = await client.get(httpx2.URL("/saved/new", params=asked))
    assert_harmless(new.text)
    sent = {"name": HOSTILE, "q": f"({HOSTILE}", "webhook_url": HOSTILE}
    refused = await client.post("/saved", data=sent, headers=OWN)
    assert_harmless(refused.text)
