"""The web page over a real engine: what it shows, and that nothing in an article can get out of its place."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from fastapi import FastAPI

from services.index.api import search_router
from services.index.engine.protocol import SearchEngine
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.web.routes import web_router
from shared.events import Entity, Mention, Related, Sentiment, Topic
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.index.web_document import HOSTILE, Document, assert_harmless, client_of, get, parameters
from tests.support import NOW, article_id, enriched, retracted


def app_of(engine: SearchEngine, keys: ApiKeys | None = None) -> FastAPI:
    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(search_router(engine, metrics, keys))
    app.include_router(web_router(engine, metrics, keys, now=lambda: NOW))
    return app


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def nearly_empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TantivyEngine]:
    """An index that holds two tombstones and no article. Nothing writes to it."""
    engine = TantivyEngine(tmp_path_factory.mktemp("nearly-empty"))
    fill(engine, retracted("gone"), retracted("withheld", withheld=True))
    yield engine
    engine.close()


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app_of(engine)) as client:
        yield client


def fill(engine: TantivyEngine, *events: Any) -> None:
    engine.upsert_many(events, NOW)
    engine.commit()


def entity(label: Any, canonical: str, *spans: tuple[int, int]) -> Entity:
    mentions = tuple(Mention(start=start, end=end) for start, end in spans)
    return Entity(
        text=canonical, label=label, canonical=canonical, count=max(1, len(spans)), mentions=mentions
    )


def stock(engine: TantivyEngine) -> None:
    """Three articles of two sources: the harbour ones mention Aberdeen, one of them is negative."""
    aberdeen, reed = entity("GPE", "Aberdeen"), entity("PERSON", "Ann Reed")
    politics = (Topic(code="11000000", name="politics", score=0.9),)
    bad = Sentiment(label="negative", score=-0.5, confidence=0.8)
    fill(
        engine,
        enriched("a", title="Harbour reopens", source="Wire A", entities=(aberdeen, reed), topics=politics,
                 published_at=NOW - timedelta(hours=3)),
        enriched("b", title="Harbour closed", source="Wire B", entities=(aberdeen,), sentiment=bad,
                 published_at=NOW - timedelta(hours=2)),
        enriched("c", title="Cup final", source="Wire B", published_at=NOW - timedelta(hours=1)),
    )  # fmt: skip


# The list of results


async def test_without_a_query_the_newest_come_first(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/")
    assert page.find("h1")[0][0] == "Latest news"
    assert page.find("p", class_="total")[0][0] == "3 articles"
    assert page.titles() == ["Cup final", "Harbour closed", "Harbour reopens"]
    assert page.find("time")[0] == (
        "1 hour ago",
        {"datetime": "2026-11-25T07:00:00Z", "title": "25 Nov 2026, 07:00 UTC"},
    )


async def test_a_search_marks_what_matched_and_shows_tone_and_names(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=closed")
    assert page.titles() == ["Harbour closed"]
    assert page.find("mark") == [("closed", {})]
    assert page.find("input", name="q")[0][1]["value"] == "closed"
    assert page.find("span", class_="tone")[0][0] == "Tone: negative −0.50"
    name, attrs = page.find("a", class_="name")[0]
    assert name == "Aberdeen" and parameters(attrs["href"]) == {"q": ["closed"], "entity": ["GPE:Aberdeen"]}


async def test_sort_is_offered_only_where_there_is_something_to_rank(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    assert not (await get(client, "/")).find("nav", **{"aria-label": "Sort"})
    page = await get(client, "/?q=harbour&sort=newest")
    chosen = [text for text, attrs in page.find("a", **{"aria-current": "true"})]
    assert chosen == ["Newest"] and page.titles() == ["Harbour closed", "Harbour reopens"]


async def test_facet_counts_respect_every_filter_but_their_own(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?entity=GPE:Aberdeen&source=Wire+A")
    assert page.titles() == ["Harbour reopens"]
    chosen, other = page.toggle("Wire A"), page.toggle("Wire B")
    assert chosen["aria-current"] == "true" and "1 articles" in chosen["text"]
    assert parameters(chosen["href"]) == {"entity": ["GPE:Aberdeen"]}
    assert "aria-current" not in other and "1 articles" in other["text"]
    assert parameters(other["href"]) == {"entity": ["GPE:Aberdeen"], "source": ["Wire A", "Wire B"]}
    assert "1 articles" in page.toggle("Aberdeen")["text"]


async def test_a_filter_written_otherwise_is_the_same_facet_value(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?entity=ANN+REED&topic=Politics")
    assert page.titles() == ["Harbour reopens"]
    for label, left in (("Ann Reed", {"topic": ["Politics"]}), ("Politics", {"entity": ["ANN REED"]})):
        toggle = page.toggle(label)
        assert toggle["aria-current"] == "true" and parameters(toggle["href"]) == left


async def test_a_chosen_value_stays_in_its_facet_however_rare(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    fill(
        engine,
        *(enriched(f"{source}{n}", source=f"Wire {source}") for source in "ABCDEFGHIJKL" for n in range(2)),
        enriched("rare", source="Rare Wire"),
    )
    assert (await get(client, "/?source=Rare+Wire")).toggle("Rare Wire")["aria-current"] == "true"


async def test_active_filters_are_chips_that_remove_them(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=harbour&entity=GPE:Aberdeen&topic=11000000&from=2026-11-01")
    chips = {text: parameters(attrs["href"]) for text, attrs in page.find("a", class_="chip")}
    assert [re.sub(r"^Remove the filter |×$", "", text) for text in chips] == [
        "Mentions Aberdeen",
        "Topic politics and government",
        "From 1 Nov 2026",
    ]
    assert [set(left) for left in chips.values()] == [
        {"q", "topic", "from"},
        {"q", "entity", "from"},
        {"q", "entity", "topic"},
    ]
    assert parameters(page.find("a", class_="clear")[0][1]["href"]) == {"q": ["harbour"]}
    hidden = {(a["name"], a["value"]) for _, a in page.find("input", type="hidden")}
    assert {("entity", "GPE:Aberdeen"), ("topic", "11000000")} <= hidden, "a new search keeps the filters"


@pytest.mark.parametrize("query", ["", "q=body&"])
async def test_more_leads_through_all_articles_once(
    engine: TantivyEngine, client: httpx2.AsyncClient, query: str
) -> None:
    fill(
        engine, *(enriched(f"n{n}", title=f"N{n}", published_at=NOW - timedelta(hours=n)) for n in range(25))
    )
    seen: list[str] = []
    path = f"/?{query}"
    for number in range(3):
        page = await get(client, path)
        seen += page.titles()
        assert bool(page.find("a", class_="quiet")) == (number > 0), "the way back to the first page"
        more = page.find("a", rel="next")
        path = more[0][1]["href"] if more else ""
    assert path == "" and sorted(seen) == sorted(f"N{n}" for n in range(25))


async def test_what_was_read_otherwise_than_typed_is_said(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=harbour+(")
    assert "This '(' has no ')'" in page.find("div", class_="notice")[0][0]


async def test_the_timeline_leads_to_the_days_of_what_was_found(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    days = (1, 1, 1, 1, 40)
    fill(engine, *(enriched(f"n{n}", published_at=NOW - timedelta(days=d)) for n, d in enumerate(days)))
    page = await get(client, "/?q=body")
    told = page.find("table")[0][0]
    assert "16 Oct 2026 1 0.00" in told and "24 Nov 2026 4 0.00" in told
    bar = next(attrs for text, attrs in page.find("a", class_="bar") if text.startswith("24 Nov"))
    narrowed = await get(client, bar["href"])
    assert len(narrowed.titles()) == 4
    assert not (await get(client, "/?q=nothing")).find("figure")


async def test_a_search_for_one_name_tells_what_is_known_of_it(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    fill(engine, enriched("d", title="Aberdeen waits", entities=(entity("GPE", "Aberdeen"),)))
    for path, linked in (("/?q=aberdeen", True), ("/?entity=GPE:Aberdeen", False)):
        page = await get(client, path)
        card = page.find("section", class_="entity-card")[0][0]
        assert card.startswith("Aberdeen place"), card
        assert "Articles 3" in card and "Ann Reed 1" in card
        assert ("All articles that mention" in card) == linked, path
    beside = next(a["href"] for text, a in page.find("a", class_="name") if text == "Ann Reed 1")
    assert (await get(client, beside)).titles() == ["Harbour reopens"], "both are named"
    assert not (await get(client, "/?q=harbour")).find("section", class_="entity-card")


async def test_a_search_can_be_followed_as_a_feed_and_taken_away(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=harbour&source=Wire+A&sort=newest&size=5")
    same = {"q": ["harbour"], "source": ["Wire A"]}
    feeds = {attrs["type"]: attrs["href"] for _, attrs in page.find("link", rel="alternate")}
    assert {kind: urlsplit(href).path for kind, href in feeds.items()} == {
        "application/rss+xml": "/search.rss",
        "application/atom+xml": "/search.atom",
        "application/feed+json": "/search.json",
    }
    assert [parameters(href) for href in feeds.values()] == [same] * 3
    assert set(feeds.values()) <= {attrs.get("href") for _, attrs in page.find("a")}
    exports = [attrs["href"] for _, attrs in page.find("a", download="")]
    assert [parameters(href) for href in exports] == [
        same | {"format": [kind], "lenient": ["true"]} for kind in ("csv", "ndjson")
    ]


async def test_near_duplicates_stand_under_one_hit_unless_asked_otherwise(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    text = "The harbour of Aberdeen was shut by a storm on Monday, and nobody knows for how long it will be."
    first = article_id("copy0")
    fill(
        engine,
        *(
            enriched(f"copy{n}", title="Harbour shut", body=text, source=f"Wire {n}",
                     related=(Related(kind="duplicate", id=first, why="100% the same"),) if n else (),
                     published_at=NOW - timedelta(hours=9 - n))
            for n in range(8)
        ),
    )  # fmt: skip
    page = await get(client, "/?q=harbour")
    assert len(page.titles()) == 1 and page.find("p", class_="total")[0][0] == "8 articles"
    also = page.find("details", class_="also")[0][0]
    assert also.startswith("Also in 7 other outlets") and also.endswith("and 2 more")
    apart = next(attrs["href"] for text, attrs in page.find("a") if text == "Show near-duplicates apart")
    copies = await get(client, apart)
    assert len(copies.titles()) == 8 and not copies.find("details", class_="also")
    together = next(attrs["href"] for text, attrs in copies.find("a") if text.startswith("Put near"))
    assert parameters(together) == {"q": ["harbour"]}


async def test_an_empty_index_says_how_to_submit(client: httpx2.AsyncClient) -> None:
    page = await get(client, "/")
    assert page.find("h2")[0][0] == "No articles yet"
    assert "curl http://127.0.0.1:8001/v1/articles" in page.find("pre")[0][0]


async def test_a_search_without_results_suggests_others(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=habrour+closed&topic=11000000")
    assert page.find("h2")[0][0] == "Nothing matches"
    hrefs = {text: parameters(attrs["href"]) for text, attrs in page.find("a")}
    assert hrefs["Search without the filters"] == {"q": ["habrour closed"]}
    assert hrefs["Look for any of the words"]["q"] == ["habrour OR closed"]
    assert hrefs["Allow for another spelling"]["q"] == ["habrour~1 closed~1"]
    near = await get(client, "/?q=habrour~1+closed~1")
    assert near.titles() == ["Harbour closed"]


async def test_a_misspelt_search_is_asked_what_was_meant(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    stock(engine)
    page = await get(client, "/?q=habrour&source=Wire+B")
    meant = page.find("p", class_="meant")[0][0]
    assert meant == "Did you mean harbour? 1 article"
    href = next(attrs["href"] for text, attrs in page.find("a") if text == "harbour")
    assert parameters(href) == {"q": ["harbour"], "source": ["Wire B"]}
    assert (await get(client, href)).titles() == ["Harbour closed"]
    assert not (await get(client, "/?q=zzzzzzzzzz")).find("p", class_="meant")


# The article


async def test_an_article_says_what_was_not_read_in_its_language(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    language = {"code": "de", "confidence": 0.9}
    fill(engine, enriched("a", language=language, unsupported=("entities", "sentiment", "keyphrases")))
    page = await get(client, f"/articles/{article_id('a')}")
    assert [text for text, _ in page.find("span", class_="quiet")] == ["Tone and names not read for German"]
    assert not page.find("span", class_="tone")
    assert not (await get(client, "/")).find("span", class_="tone")


async def test_an_article_shows_its_text_with_the_entities_marked(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    body = "Ann Reed spoke.\n\nIn Aberdeen, 😀 Reed left."
    where = body.index("Aberdeen"), body.index("Aberdeen") + 8
    last = body.rindex("Reed"), body.rindex("Reed") + 4
    names = (
        Entity.model_validate(
            {**entity("PERSON", "Ann Reed", (0, 8), last).model_dump(),
             "sentiment": {"score": 0.2, "confidence": 0.5, "mentions": 2}}
        ),
        entity("GPE", "Aberdeen", where),
    )  # fmt: skip
    fill(
        engine,
        enriched("a", title="Reed speaks", body=body, entities=names, authors=("Jo Li", "Al Wu"),
                 url="https://wire.example/1"),
    )  # fmt: skip
    page = await get(client, f"/articles/{article_id('a')}")
    assert [text for text, _ in page.find("p", dir="auto")] == [
        "Ann Reed spoke.",
        "In Aberdeen, 😀 Reed left.",
    ]
    reed = {
        "class": "entity person positive",
        "href": "/?entity=PERSON%3AAnn+Reed",
        "data-tip": "person · Ann Reed · tone +0.20",
    }
    place = {
        "class": "entity place ",
        "href": "/?entity=GPE%3AAberdeen",
        "data-tip": "place · Aberdeen",
    }
    assert page.find("a", class_="entity") == [("Ann Reed", reed), ("Aberdeen", place), ("Reed", reed)]
    assert "By Jo Li and Al Wu" in page.find("p", class_="byline")[0][0]
    assert page.find("a", class_="button")[0][1] == {
        "class": "button",
        "href": "https://wire.example/1",
        "rel": "noopener noreferrer nofollow",
    }
    assert [text for text, _ in page.find("a", href=f"/v1/articles/{article_id('a')}")] == ["As JSON"]


async def test_quotes_name_their_speaker_and_lead_into_the_text(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    body = "Ann Reed came.\n\n“We sail,” she said. Police said the port was shut."
    said, reported = body.index("We sail"), body.index("the port")
    quotes = (
        {"text": "We sail,", "start": said, "end": said + 8, "kind": "direct", "cue": "said",
         "speaker": "Ann Reed"},
        {"text": "the port was shut", "start": reported, "end": len(body) - 1, "kind": "indirect",
         "cue": "said", "speaker": "Police"},
        {"text": "No one knows", "start": 10**6, "end": 10**6 + 3, "kind": "direct", "cue": "said"},
    )  # fmt: skip
    fill(engine, enriched("a", body=body, entities=(entity("PERSON", "Ann Reed", (0, 8)),), quotes=quotes))
    page = await get(client, f"/articles/{article_id('a')}")
    assert [text for text, _ in page.find("p", dir="auto", id="p2")] == [body.split("\n")[2]]
    assert [text for text, _ in page.find("span", class_="said")] == [
        "We sail,", "the port was shut", "No one knows",
    ]  # fmt: skip
    assert [text for text, _ in page.find("q")] == ["We sail,", "No one knows"]
    assert len(page.find("a", href="#p2")) == 3
    assert ("Ann Reed", {"href": "/?entity=PERSON%3AAnn+Reed"}) in page.find("a")
    assert "speaker unclear" in page.find("span", class_="meta")[2][0]


async def test_related_links_say_why_and_leave_out_what_is_gone(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    related = (
        Related(kind="cited", url="https://out.example/x", title="The report", why="linked from the article"),
        Related(kind="cited", url="javascript:alert(1)", title="A trap", why="linked from the article"),
        Related(kind="duplicate", id=article_id("twin"), title="Twin", why="98% the same"),
        Related(kind="similar", id=article_id("gone"), title="Gone", why="shares: pier"),
    )
    fill(engine, enriched("a", related=related), enriched("twin"), enriched("gone"), retracted("gone"))
    page = await get(client, f"/articles/{article_id('a')}")
    links = {text: attrs.get("href") for text, attrs in page.find("a")}
    assert (
        links["The report"] == "https://out.example/x" and links["Twin"] == f"/articles/{article_id('twin')}"
    )
    assert "Gone" not in links and "A trap" not in links
    assert page.find("span", class_="unlinked") == [("A trap", {"class": "unlinked", "dir": "auto"})]
    metas = [text for text, _ in page.find("span", class_="meta")]
    assert metas[0].endswith("out.example · linked from the article")
    assert any("98% the same" in text for text in metas)


async def test_an_article_stands_in_the_course_of_its_story(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    hours = {"a": 2, "b": 1, "c": 3}
    story = [
        enriched(name, story_id="s1", published_at=NOW - timedelta(hours=ago)) for name, ago in hours.items()
    ]
    fill(engine, *story, enriched("d", story_id="s2"))
    page = await get(client, f"/articles/{article_id('a')}")
    line = page.find("ol", class_="story")[0][0]
    assert line.index("Title of c") < line.index("Title of a") < line.index("Title of b")
    assert page.find("li", class_="here")[0][0].startswith("Title of a") and "Title of d" not in line
    assert {"href": "/stories/s1"} in [attrs for _, attrs in page.find("a")]
    assert not (await get(client, f"/articles/{article_id('d')}")).find("ol", class_="story")


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        (f"/articles/{article_id('never')}", 404, "No article"),
        ("/articles/XYZ", 404, "No article has such an id"),
        (f"/articles/{article_id('gone')}", 410, "taken down on 2026-11-25"),
        (f"/articles/{article_id('withheld')}", 410, "withheld by its publisher"),
        ("/?size=many&q=harbour", 400, "Size: "),
        ("/?sentiment=angry", 400, "sentiment"),
        ("/?from=soon", 400, "From: write a date"),
        ("/?cursor=nonsense", 400, "Start again from the first"),
        (f"/?source={'x' * 10_001}", 414, "10,000 characters"),
        ("/static/wireroom.css", 404, "No such file"),
    ],
)
async def test_what_goes_wrong_is_a_page(
    nearly_empty: TantivyEngine, path: str, status: int, says: str
) -> None:
    async with client_of(app_of(nearly_empty)) as client:
        page = await get(client, path, status)
    text = " ".join(page.find("main")[0][0].split())
    assert says.lower() in text.lower() and "query/" not in text
    if "q=harbour" in path:
        assert page.find("input", name="q")[0][1]["value"] == "harbour", "the search can be mended"


async def test_a_failing_engine_is_a_page_without_internals(engine: TantivyEngine) -> None:
    class Broken:
        aggregations = None

        def search(self, _: object) -> None:
            raise RuntimeError("secret path /var/lib/index")

    async with client_of(app_of(Broken())) as client:  # type: ignore[arg-type]
        page = await get(client, "/", 500)
    assert page.find("h1")[0][0] == "Something went wrong"
    assert "secret" not in page.find("body")[0][0]


# Hostile articles


async def test_nothing_in_an_article_gets_out_of_its_place(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    names = tuple(
        entity(label, HOSTILE, (0, 5), (3, 9), (2, 1), (4, 10**6)) for label in ("PERSON", "ORG", "DATE")
    )
    related = (
        Related(kind="cited", url="javascript:alert(1)", title=HOSTILE, why=HOSTILE),
        Related(kind="cited", url="https://a b/", title=HOSTILE, why=HOSTILE),
    )
    fill(
        engine,
        enriched(
            "a", title=HOSTILE, body=HOSTILE * 3, source=HOSTILE, authors=(HOSTILE,), entities=names,
            related=related, url="javascript:alert(1)", story_id=HOSTILE,
            topics=(Topic(code=HOSTILE, name=HOSTILE, score=1),),
            keyphrases=({"text": HOSTILE, "score": 1},),
            quotes=({"text": HOSTILE, "start": 0, "end": 9, "kind": "direct", "cue": HOSTILE,
                     "speaker": HOSTILE},),
            published_at=datetime.fromisoformat("9999-12-31T23:59:59-12:00"),
        ),
    )  # fmt: skip
    paths = [
        "/",
        f"/articles/{article_id('a')}",
        httpx2.URL("/", params={"q": "alert evil"}),
        httpx2.URL("/", params={"q": HOSTILE, "source": HOSTILE, "topic": HOSTILE, "story": HOSTILE}),
        httpx2.URL("/", params={"q": HOSTILE, "size": HOSTILE}),
        httpx2.URL("/", params={"from": HOSTILE}),
    ]
    for path in paths:
        response = await client.get(path)
        assert response.headers["content-type"].startswith("text/html")
        assert_harmless(response.text)
        if response.status_code == 200:
            assert "{{ 7*7 }}" in response.text, "shown as it is"
    marks = Document((await client.get(paths[2])).text).find("mark")
    assert {text.lower() for text, _ in marks} == {"alert", "evil"}


async def test_a_title_of_a_megabyte_is_cut(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    fill(engine, enriched("a", title="word " * 200_000, source="s" * 100_000, body="b" * 500_000))
    for path in ("/", "/?q=word", f"/articles/{article_id('a')}"):
        response = await client.get(path)
        assert response.status_code == 200 and len(response.content) < 1_000_000
        heading = Document(response.text).find("h1" if "articles" in path else "h2", dir="auto")[0][0]
        assert 200 < len(heading) <= 301 and heading.endswith("…")


# Who may read, and files


async def test_a_key_may_come_as_the_password_that_browsers_ask_for(engine: TantivyEngine) -> None:
    stock(engine)
    keys = ApiKeys.parse(f"desk {hash_api_key('k1')}\nold {hash_api_key('k2')} revoked", "WIREROOM_READ_KEYS")
    async with client_of(app_of(engine, keys)) as client:
        for path in ("/", f"/articles/{article_id('a')}", "/v1/search"):
            for password, status in (("k1", 200), ("k2", 401), ("k3", 401), ("", 401)):
                basic = base64.b64encode(f"anyone:{password}".encode()).decode()
                response = await client.get(path, headers={"authorization": f"Basic {basic}"})
                assert response.status_code == status, (path, password)
            for bad in ("Basic", "Basic %%%", "Basic /w==", "Basic é"):
                header = {b"authorization": bad.encode("latin-1")}
                assert (await client.get(path, headers=header)).status_code == 401, bad
            assert (await client.get(path, headers={"authorization": "Bearer k1"})).status_code == 200
        response = await client.get("/")
        assert response.status_code == 401 and "Harbour" not in response.text
        assert response.headers["www-authenticate"].startswith('Basic realm="')
        style = Document(response.text).find("link", rel="stylesheet")[0][1]["href"]
        assert (await client.get(style)).status_code == 200, "the page that asks for the key has its style"


async def test_static_files_are_kept_for_ever_under_the_hash_of_their_content(
    client: httpx2.AsyncClient,
) -> None:
    page = await get(client, "/")
    addresses = {
        **{attrs["href"]: "text/css; charset=utf-8" for _, attrs in page.find("link", rel="stylesheet")},
        **{attrs["src"]: "text/javascript; charset=utf-8" for _, attrs in page.find("script")},
        page.find("link", rel="icon")[0][1]["href"]: "image/svg+xml",
    }
    assert len(addresses) >= 6
    for href, media_type in addresses.items():
        assert re.fullmatch(r"/static/[\w.]+\.[0-9a-f]{12}\.\w+", href)
        response = await client.get(href)
        assert response.headers["content-type"] == media_type
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
        if media_type.startswith("text/css"):
            assert "url(" not in response.text and "@import" not in response.text, "nothing from elsewhere"


async def test_pages_answer_head(client: httpx2.AsyncClient) -> None:
    assert (await client.head("/")).status_code == 200
