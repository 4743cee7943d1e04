"""Searches as feeds, over HTTP: valid, complete, inert, and cheap to ask for again."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import feedparser
import httpx2
import pytest
from lxml import etree

from services.index.engine.tantivy_engine import TantivyEngine
from services.ingest.feeds.formats.parse import parse_feed
from shared.events import Image, Language, Related, Topic
from shared.http.auth import ApiKeys, hash_api_key
from tests.index.feeds_out.checks import ATOM, CHECKS
from tests.index.feeds_out.conftest import client_of
from tests.support import NOW, article_id, enriched, retracted

FORMATS = ("rss", "atom", "json")
MEDIA_TYPES = {
    "rss": "application/rss+xml; charset=utf-8",
    "atom": "application/atom+xml; charset=utf-8",
    "json": "application/feed+json; charset=utf-8",
}
BODY = "Xi & Blinken met <today>.\nIn Beijing.\n\nIt was the first visit in five years."
FULL: dict[str, Any] = {
    "title": "Xi & Blinken: “<talks>” end",
    "body": BODY,
    "url": "https://e.example/a?x=1&y=2",
    "source": "Al Jazeera & Co",
    "authors": ("Ann O’Neil", "Bo <bo@e.example>"),
    "published_at": datetime(2026, 11, 24, 23, 30, tzinfo=UTC),
    "language": Language(code="en", confidence=1),
    "topics": (Topic(code="11000000", name="politics and government", score=0.9),),
    "image": Image(url="https://e.example/a.jpg", caption="Xi <left>", credit="AFP & co"),
    "story_id": "story-1",
}
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</title></item><item><title>x",
    "javascript:alert(1)",
    "\x00\x01\x0b\x1b[31m\ufffe\uffff",
    "\u202egnp.exe\u2066",
)


def fill(engine: TantivyEngine, *events: Any, at: datetime = NOW) -> None:
    engine.upsert_many(events, at)
    engine.commit()


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("content", ["summary", "full"])
async def test_a_feed_holds_to_its_specification(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str, content: str
) -> None:
    fill(engine, enriched("a", **FULL), enriched("b", url=None, source=None), enriched("c", title=""))
    response = await client.get(f"/search.{extension}", params={"content": content, "size": 2})
    assert response.status_code == 200
    assert response.headers["content-type"] == MEDIA_TYPES[extension]
    assert response.headers["cache-control"] == "public, max-age=60"
    CHECKS[extension](response.content)


@pytest.mark.parametrize("extension", FORMATS)
async def test_a_feed_of_nothing_holds_to_its_specification(
    client: httpx2.AsyncClient, extension: str
) -> None:
    response = await client.get(f"/search.{extension}", params={"q": "nothing"})
    assert response.status_code == 200
    CHECKS[extension](response.content)


@pytest.mark.parametrize("extension", FORMATS)
async def test_our_own_ingest_reads_everything_back(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str
) -> None:
    fill(engine, enriched("a", **FULL))
    response = await client.get(f"/search.{extension}?content=full&q=xi")
    feed = parse_feed(response.content, content_type=response.headers["content-type"], url=None)
    assert feed.self_url == f"http://index.example:8003/search.{extension}?content=full&q=xi"
    assert feed.link == "http://index.example:8003/?q=xi"
    (entry,) = feed.entries
    assert entry.guid and entry.guid.replace("-", "") == f"urn:uuid:{article_id('a')}"
    assert entry.link == FULL["url"]
    # What stands between < and > in RSS's title is taken for a tag by readers only if HTML has it.
    assert entry.title == FULL["title"]
    assert entry.content == (
        "<p>Xi &amp; Blinken met &lt;today&gt;.<br>In Beijing.</p>"
        "<p>It was the first visit in five years.</p>"
    )
    assert entry.published_at == FULL["published_at"] and entry.updated_at == NOW
    assert entry.authors[0] == "Ann O’Neil" and entry.authors[1].startswith("Bo")
    assert entry.categories == ("politics and government",)
    assert entry.language == "en"
    assert entry.image and entry.image.url == "https://e.example/a.jpg"
    if extension != "json":
        assert (entry.image.caption, entry.image.credit) == ("Xi <left>", "AFP & co")
        assert entry.source == "Al Jazeera & Co"
    else:
        kept = response.json()["items"][0]["_wireroom"]
        assert kept["source"] == "Al Jazeera & Co"
        assert (kept["image_caption"], kept["image_credit"]) == ("Xi <left>", "AFP & co")


@pytest.mark.parametrize("extension", ["rss", "atom"])
async def test_a_reader_of_others_reads_it_without_complaint(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str
) -> None:
    fill(engine, enriched("a", **FULL), enriched("b"))
    response = await client.get(f"/search.{extension}?content=full")
    parsed = feedparser.parse(response.content, response_headers=dict(response.headers))
    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == {"rss": "rss20", "atom": "atom10"}[extension]
    entry = next(entry for entry in parsed.entries if entry.link == FULL["url"])
    assert entry.id == f"urn:uuid:{entry.id.removeprefix('urn:uuid:')}"
    assert entry.author.startswith("Ann O’Neil") or "Ann O’Neil" in str(entry.authors)
    assert entry.tags[0].get("label") == "politics and government" or entry.tags[0].term
    assert entry.published_parsed[:5] == (2026, 11, 24, 23, 30)
    assert any(link.rel == "enclosure" and link.href.endswith("a.jpg") for link in entry.links)
    assert "&lt;today&gt;" in entry.content[0].value


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.parametrize("payload", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_is_inert_in_every_field(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str, payload: str
) -> None:
    event = enriched(
        "a",
        title=payload,
        body=f"{payload}\n\n{payload}",
        url=f"https://e.example/{payload}" if "javascript" not in payload else payload,
        source=payload,
        authors=(payload,),
        topics=(Topic(code=payload, name=payload, score=0.5),),
        image=Image(url="javascript:alert(1)", caption=payload, credit=payload),
        story_id=payload,
    )
    fill(engine, event)
    response = await client.get(f"/search.{extension}", params={"content": "full", "language": "en"})
    CHECKS[extension](response.content)
    assert "javascript:alert(1)" not in str(links_of(extension, response.content))
    for html in html_of(extension, response.content):
        tags = {element.tag for element in etree.HTML(html or "<p>").iter()}
        assert tags <= {"html", "body", "p", "br"}, html
    if extension != "json":
        assert b"<script" not in response.content and b"<img" not in response.content


def links_of(extension: str, content: bytes) -> list[str]:
    if extension == "json":
        return [
            value
            for item in json.loads(content)["items"]
            for value in map(item.get, ("url", "image"))
            if value
        ]
    root = etree.fromstring(content)
    links = [each.text or "" for each in root.iter("link", "guid")]
    return links + [
        str(value) for each in root.iter() for key, value in each.attrib.items() if key in ("href", "url")
    ]


def html_of(extension: str, content: bytes) -> list[str]:
    """Return what readers take for HTML."""
    if extension == "json":
        return [item["content_html"] for item in json.loads(content)["items"]]
    root = etree.fromstring(content)
    elements = root.iter("description", "{http://purl.org/rss/1.0/modules/content/}encoded", f"{ATOM}content")
    return [each.text or "" for each in elements if each.getparent().tag != "channel"]


@pytest.mark.parametrize("q", ["<b>&\"'", "\ud800\x00", "é" * 500, 'un"closed (', "foo:bar AND"])
@pytest.mark.parametrize("extension", FORMATS)
async def test_hostile_searches_make_valid_feeds(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str, q: str
) -> None:
    response = await client.get(f"/search.{extension}", params={"q": q.encode("utf-8", "surrogatepass")})
    assert response.status_code == 200
    CHECKS[extension](response.content)


async def test_the_newest_come_first_and_the_next_page_goes_on(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    fill(
        engine,
        *(enriched(str(n), title=f"T{n}", published_at=NOW - timedelta(hours=n)) for n in range(5)),
    )
    titles: list[str] = []
    url = "/search.json?size=2"
    while url:
        feed = (await client.get(url)).json()
        titles += [item["title"] for item in feed["items"]]
        url = feed.get("next_url", "")
    assert titles == ["T0", "T1", "T2", "T3", "T4"]


@pytest.mark.parametrize("extension", FORMATS)
async def test_a_feed_that_has_not_changed_is_not_sent_again(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str
) -> None:
    fill(engine, enriched("a"), enriched("b"))
    first = await client.get(f"/search.{extension}")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    for headers in ({"if-none-match": f'"other", W/{etag}'}, {"if-modified-since": modified}):
        again = await client.get(f"/search.{extension}", headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag and "cache-control" in again.headers
    changed = {"if-none-match": '"other"', "if-modified-since": modified}
    assert (await client.get(f"/search.{extension}", headers=changed)).status_code == 200


@pytest.mark.parametrize(
    "event",
    [enriched("c"), enriched("a", revision=2, title="Corrected"), retracted("a")],
    ids=["new", "corrected", "taken down"],
)
async def test_a_change_of_any_article_makes_it_another_feed(
    engine: TantivyEngine, client: httpx2.AsyncClient, event: Any
) -> None:
    fill(engine, enriched("a"), enriched("b"))
    etag = (await client.get("/search.rss")).headers["etag"]
    fill(engine, event, at=NOW + timedelta(minutes=1))
    again = await client.get("/search.rss", headers={"if-none-match": etag})
    assert again.status_code == 200 and again.headers["etag"] != etag


async def test_no_date_of_change_is_given_while_the_same_second_may_bring_another(
    engine: TantivyEngine,
) -> None:
    fill(engine, enriched("a"))
    async with client_of(engine, now=NOW + timedelta(seconds=1)) as client:
        assert "last-modified" not in (await client.get("/search.rss")).headers


async def test_ids_stay_the_same_for_all_revisions_and_at_all_addresses(engine: TantivyEngine) -> None:
    ids = set()
    for revision, public_url in ((1, None), (2, "https://news.example/wire/")):
        fill(engine, enriched("a", revision=revision, url=None))
        async with client_of(engine, public_url=public_url) as client:
            for extension in FORMATS:
                content = (await client.get(f"/search.{extension}")).content
                ids.add(parse_feed(content, content_type=None, url=None).entries[0].guid)
    assert len(ids) == 1


async def test_links_begin_with_the_public_address(engine: TantivyEngine) -> None:
    fill(engine, enriched("a", url=None))
    async with client_of(engine, public_url="https://news.example/wire/") as client:
        feed = (await client.get("/search.json?q=title")).json()
    assert feed["feed_url"] == "https://news.example/wire/search.json?q=title"
    assert feed["items"][0]["url"] == f"https://news.example/wire/articles/{article_id('a')}"


@pytest.mark.parametrize("host", ['e"><script>', "a b", "x@y", "e.example/path", "[::1", "a:b:c"])
async def test_a_host_that_is_none_is_not_believed(
    engine: TantivyEngine, client: httpx2.AsyncClient, host: str
) -> None:
    fill(engine, enriched("a"))
    feed = (await client.get("/search.json", headers={"host": host})).json()
    assert feed["feed_url"].startswith("http://index.example:8003/")


async def test_its_own_address_holds_no_parameter_it_does_not_know(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    feed = (await client.get("/search.json?key=secret&q=a&source=X&source=Y")).json()
    assert feed["feed_url"].endswith("/search.json?q=a&source=X&source=Y")
    assert "secret" not in str(feed)


async def test_what_was_read_otherwise_than_typed_is_said(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    feed = (await client.get("/search.json", params={"q": '"unclosed'})).json()
    plain = (await client.get("/search.json", params={"q": "unclosed"})).json()
    assert len(feed["description"]) > len(plain["description"]) + 10


async def test_a_saved_search_is_a_feed_under_its_name(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    fill(engine, enriched("a", title="The pier"), enriched("b", title="A bridge"))
    for extension in FORMATS:
        response = await client.get(f"/search.{extension}?saved=abc")
        CHECKS[extension](response.content)
        feed = parse_feed(response.content, content_type=None, url=None)
        assert feed.title == "Piers & <docks> – Wireroom"
        assert feed.self_url == f"http://index.example:8003/search.{extension}?saved=abc"
        assert feed.link == "http://index.example:8003/?q=pier&language=en"
        assert [entry.title for entry in feed.entries] == ["The pier"]
    assert (await client.get("/search.rss?saved=gone")).status_code == 404
    assert (await client.get("/search.rss?saved=abc&q=x")).status_code == 400


@pytest.mark.parametrize("extension", FORMATS)
async def test_near_duplicates_are_links_of_the_newest(
    engine: TantivyEngine, client: httpx2.AsyncClient, extension: str
) -> None:
    copy = Related(kind="duplicate", id=article_id("a"), score=0.9, why="nearly the same text")
    fill(
        engine,
        enriched(
            "a", title="First", url="https://a.example/1", source="A", published_at=NOW - timedelta(hours=1)
        ),
        enriched("b", title="Copy", url="https://b.example/1", related=(copy,), published_at=NOW),
    )
    response = await client.get(f"/search.{extension}")
    CHECKS[extension](response.content)
    (entry,) = parse_feed(response.content, content_type=None, url=None).entries
    assert entry.title == "Copy"
    if extension == "json":
        links = response.json()["items"][0]["_wireroom"]["duplicates"]
        assert links == [{"url": "https://a.example/1", "title": "A: First"}]
    else:
        assert [(link.url, link.rel, link.title) for link in entry.links] == [
            ("https://a.example/1", "related", "A: First")
        ]
    apart = await client.get(f"/search.{extension}?collapse=false")
    assert len(parse_feed(apart.content, content_type=None, url=None).entries) == 2


async def test_a_date_from_the_future_does_not_pin_an_entry(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    fill(engine, enriched("a", published_at=datetime(2099, 1, 1, tzinfo=UTC)))
    item = (await client.get("/search.json")).json()["items"][0]
    assert item["date_published"] == item["date_modified"]


async def test_full_texts_end_where_a_feed_would_be_too_large(
    engine: TantivyEngine, client: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.index.feeds_out.building.MAX_BODY_CHARS", 1_500)
    fill(engine, *(enriched(str(n), body="word " * 200) for n in range(3)))
    items = (await client.get("/search.json?content=full")).json()["items"]
    assert [("content_html" in item, "content_text" in item) for item in items] == [
        (True, False), (False, True), (False, True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "value"), [("size", "101"), ("content", "all"), ("cursor", "x"), ("from", "yesterday-ish")]
)
async def test_a_wrong_parameter_is_named(client: httpx2.AsyncClient, parameter: str, value: str) -> None:
    response = await client.get("/search.rss", params={parameter: value})
    assert response.status_code == 400
    assert parameter in response.json()["errors"][0]["pointer"]


async def test_a_reader_gives_the_key_as_a_password(engine: TantivyEngine) -> None:
    keys = ApiKeys.parse(f"desk {hash_api_key('s3cret')}", "WIREROOM_READ_KEYS")
    async with client_of(engine, keys) as client:
        refused = await client.get("/search.rss")
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic ")
        taken = await client.get("/search.rss", auth=("anyone", "s3cret"))
        assert taken.status_code == 200 and taken.headers["cache-control"].startswith("private")
        assert (await client.get("/search.rss?key=s3cret")).status_code == 401


async def test_head_answers_without_a_body(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    response = await client.head("/search.atom")
    assert response.status_code == 200 and response.headers["etag"]
