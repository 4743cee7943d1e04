"""The pages of stories over a real engine: the list, one story in its course, and hostile ones."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from services.index.engine.tantivy_engine import TantivyEngine
from shared.events import Entity
from tests.index.web_document import HOSTILE, assert_harmless, client_of, get, pages_of, parameters
from tests.support import NOW, article_id, enriched


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(pages_of(engine)) as client:
        yield client


def fill(engine: TantivyEngine, *events: Any) -> None:
    engine.upsert_many(events, NOW)
    engine.commit()


def harbour(engine: TantivyEngine) -> None:
    """A story of three articles of two outlets over two days, and an article that is alone."""
    aberdeen = (Entity(text="Aberdeen", label="GPE", canonical="Aberdeen", count=1),)
    told = (
        ("a", "Harbour of Aberdeen shut by storm", "Wire A", 30),
        ("b", "Harbour of Aberdeen still shut", "Wire B", 26),
        ("c", "Harbour of Aberdeen opens again", "Wire A", 2),
    )
    fill(
        engine,
        *(
            enriched(name, title=title, source=source, story_id="s1", entities=aberdeen,
                     body=f"{title}, said the port in words of its own {name * 30}.",
                     published_at=NOW - timedelta(hours=ago))
            for name, title, source, ago in told
        ),
        enriched("d", title="Cup final", story_id="s2"),
    )  # fmt: skip


async def test_stories_are_listed_with_their_articles_outlets_and_names(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    harbour(engine)
    page = await get(client, "/stories")
    titles = page.titles()
    assert len(titles) == 1 and titles[0].startswith("Harbour of Aberdeen"), "one article makes no story"
    card = page.find("article", class_="card")[0][0]
    assert "3 articles" in card and "latest 2 hours ago" in card and "Wire A and Wire B" in card
    name = page.find("a", class_="name")[0]
    assert name[0] == "Aberdeen"
    assert parameters(name[1]["href"]) == {"entity": ["GPE:Aberdeen"], "story": ["s1"]}
    assert page.find("a", **{"aria-current": "page"})[0][0] == "Stories"


async def test_stories_can_be_searched_and_sorted(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    harbour(engine)
    page = await get(client, "/stories?q=aberdeen&sort=size")
    assert page.find("h1")[0][0] == "Stories about “aberdeen”"
    assert page.find("a", **{"aria-current": "true"})[0][0] == "Largest first"
    assert {"href": "/?q=aberdeen"} in [attrs for _, attrs in page.find("a")]
    nothing = await get(client, "/stories?q=zebra")
    assert nothing.find("h2")[0][0] == "No stories among these articles"
    assert "This '(' has no ')'" in (await get(client, "/stories?q=(aberdeen")).find("div", role="note")[0][0]


async def test_pages_of_stories_lead_through_all_of_them_once(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    fill(
        engine,
        *(
            enriched(f"{n}-{m}", title=f"Event number {n}", story_id=f"s{n}", body=f"{n} {m} " * 20,
                     published_at=NOW - timedelta(hours=n))
            for n in range(15) for m in range(2)
        ),
    )  # fmt: skip
    seen: list[str] = []
    path = "/stories"
    while path:
        page = await get(client, path)
        seen += [attrs["href"] for _, attrs in page.find("a") if attrs["href"].startswith("/stories/s")]
        more = page.find("a", rel="next")
        path = more[0][1]["href"] if more else ""
    assert sorted(seen) == sorted(f"/stories/s{n}" for n in range(15))


async def test_a_story_is_told_from_its_beginning_day_by_day(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    harbour(engine)
    page = await get(client, "/stories/s1")
    assert [text for text, _ in page.find("h2") if "Nov" in text] == ["24 Nov 2026", "25 Nov 2026"]
    assert [text for text, _ in page.find("h3")] == [
        "Harbour of Aberdeen shut by storm",
        "Harbour of Aberdeen still shut",
        "Harbour of Aberdeen opens again",
    ]
    outlets = page.find("ul", class_="counts")[1][0]
    assert outlets == "Wire A 2 Wire B 1"
    assert page.find("a", href=f"/articles/{article_id('a')}")


async def test_the_chart_of_a_story_narrows_to_its_articles_of_a_time(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    harbour(engine)
    assert not (await get(client, "/stories/s1")).find("figure"), "three articles need no chart"
    more = [enriched(f"m{n}", title=f"Port {n}", story_id="s1", body=f"{n} " * 30) for n in range(3)]
    fill(engine, *more)
    bars = [attrs for _, attrs in (await get(client, "/stories/s1")).find("a", class_="bar")]
    assert bars and all(parameters(bar["href"])["story"] == ["s1"] for bar in bars)
    assert (await get(client, bars[0]["href"])).titles()


async def test_near_duplicates_stand_under_the_first_of_them(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    text = "The harbour of Aberdeen was shut by a storm on Monday, and nobody knows for how long it will be."
    copy = {"kind": "duplicate", "id": article_id("copy0"), "why": "100% the same"}
    fill(
        engine,
        *(
            enriched(f"copy{n}", title="Harbour shut", source=f"Wire {n}", story_id="s1", body=text,
                     related=(copy,) if n else (),
                     published_at=NOW - timedelta(hours=9 - n))
            for n in range(8)
        ),
    )  # fmt: skip
    page = await get(client, "/stories/s1")
    assert len(page.find("h3")) == 1
    also = page.find("details", class_="also")[0][0]
    assert also.startswith("Also in 7 other outlets") and "and 2 more" in also


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stories/none-such", 404),
        (f"/stories/{'x' * 300}", 404),
        ("/stories?cursor=nonsense", 400),
        ("/stories?sort=loudest", 400),
        ("/stories?from=yesterdayish", 400),
    ],
)
async def test_what_goes_wrong_is_a_page(client: httpx2.AsyncClient, path: str, status: int) -> None:
    await get(client, path, status)


async def test_without_stories_the_page_says_what_one_is(client: httpx2.AsyncClient) -> None:
    page = await get(client, "/stories")
    assert page.find("h2")[0][0] == "No stories yet"


async def test_nothing_in_a_story_gets_out_of_its_place(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    names = (Entity(text=HOSTILE, label="PERSON", canonical=HOSTILE, count=1),)
    fill(
        engine,
        *(
            enriched(name, title=f"{HOSTILE} {name}", body=f"{name} {HOSTILE}" * 9, source=HOSTILE,
                     entities=names, story_id="../<script>?x=#y")
            for name in "ab"
        ),
    )  # fmt: skip
    listed = await client.get("/stories")
    assert_harmless(listed.text)
    href = next(part for part in listed.text.split('"') if part.startswith("/stories/"))
    assert href == "/stories/..%2F%3Cscript%3E%3Fx%3D%23y"
    assert_harmless((await client.get(httpx2.URL("/stories", params={"q": HOSTILE, "story": HOSTILE}))).text)
