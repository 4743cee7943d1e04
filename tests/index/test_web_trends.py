"""The page of trends over a real engine: what rises, where it leads, and what is said when nothing does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest

from services.index.engine.tantivy_engine import TantivyEngine
from shared.events import ArticleEnriched, Entity
from tests.index.web_document import HOSTILE, assert_harmless, client_of, get, pages_of, parameters
from tests.support import NOW, enriched


@pytest.fixture
async def client(engine: TantivyEngine) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(pages_of(engine)) as client:
        yield client


def article(name: str, hours_ago: float, canonical: str, label: str = "GPE") -> ArticleEnriched:
    words = " ".join(f"{name}{n}" for n in range(40))
    named = {"text": canonical, "label": label, "canonical": canonical, "count": 1}
    return enriched(
        name, title=f"{canonical} {name}", body=words, source=f"Wire {name}",
        entities=(Entity.model_validate(named),),
        published_at=NOW - timedelta(hours=hours_ago),
    )  # fmt: skip


def rising_lyon(engine: TantivyEngine, name: str = "Lyon") -> None:
    """Every third hour somebody writes about Paris; and since this morning many do about Lyon."""
    always = [article(f"p{n}", 1 + 3 * n, "Paris") for n in range(120)]
    engine.upsert_many([*always, *(article(f"l{n}", 1 + n, name) for n in range(9))], NOW)
    engine.commit()


async def test_what_rises_is_shown_with_what_was_expected_and_what_drives_it(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    rising_lyon(engine)
    page = await get(client, "/trends")
    rows = page.find("article")
    assert len(rows) == 1, "Paris is always there"
    assert rows[0][0].startswith("Lyon place new 9 articles, 0") and "Lyon l0 Wire l0" in rows[0][0]
    bars = [attrs for _, attrs in page.find("rect")]
    assert [bar["width"] for bar in bars] == ["200.0", bars[1]["width"]] and float(bars[1]["width"]) < 20
    link = next(attrs for text, attrs in page.find("a", class_="name"))
    assert parameters(link["href"]) == {
        "entity": ["GPE:Lyon"],
        "from": ["2026-11-24T08:01:00Z"],
        "to": ["2026-11-25T08:01:00Z"],
    }
    found = await get(client, link["href"])
    assert found.find("p", class_="total")[0][0] == "9 articles"


async def test_kinds_and_times_can_be_chosen(engine: TantivyEngine, client: httpx2.AsyncClient) -> None:
    rising_lyon(engine)
    for path, rises in (("?kind=people", False), ("?kind=places&window=24h", True), ("?window=7d", False)):
        page = await get(client, f"/trends{path}")
        assert bool(page.find("article")) == rises, path
        chosen = {
            parameters(a["href"]).get("window", [""])[0]
            for _, a in page.find("a", **{"aria-current": "true"})
        }
        assert chosen == set(parameters(f"/x{path}").get("window", ["24h"])), "choices keep each other"


async def test_when_all_news_is_old_the_page_leads_to_its_time(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([article("a", 24 * 40, "Paris")], NOW)
    engine.commit()
    page = await get(client, "/trends")
    assert page.find("h2")[0][0] == "Nothing rises"
    then = next(attrs["href"] for text, attrs in page.find("a") if text.startswith("the week up to 16 Oct"))
    assert parameters(then) == {"to": ["2026-10-16"], "window": ["7d"]}
    await get(client, then)


@pytest.mark.parametrize("query", ["window=1y", "kind=cats", "from=yesterdayish"])
async def test_what_cannot_be_asked_is_a_page(client: httpx2.AsyncClient, query: str) -> None:
    await get(client, f"/trends?{query}", 400)


async def test_nothing_in_a_trend_gets_out_of_its_place(
    engine: TantivyEngine, client: httpx2.AsyncClient
) -> None:
    rising_lyon(engine, HOSTILE)
    for path in (
        httpx2.URL("/trends"),
        httpx2.URL("/trends", params={"q": f"l1 OR {HOSTILE}", "source": HOSTILE}),
    ):
        response = await client.get(path)
        assert_harmless(response.text)
    assert "{{ 7*7 }}" in (await client.get("/trends")).text, "shown as it is"
