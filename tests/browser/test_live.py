"""The live wire in a browser: articles come and go by themselves, and wait while it is paused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.news import HOSTILE, fill, wait_for
from tests.support import article_id, enriched, retracted

pytestmark = pytest.mark.browser

ROWS = "#wire li > a"


@pytest.fixture(scope="module")
def news(site: Site) -> Site:
    fill(site)
    return site


def test_articles_appear_as_they_come_in_and_go_when_taken_down(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(f"{news.url}/live?q=harbour")
    page.get_by_text("Live", exact=True).nth(1).wait_for()
    assert page.locator(ROWS).count() == 3
    news.publish(enriched("n1", title=f"Harbour news {HOSTILE}", source=HOSTILE), enriched("n2", title="Cup"))
    page.locator(ROWS).get_by_text("Harbour news").wait_for()
    assert page.locator(ROWS).first.inner_text() == f"Harbour news {HOSTILE}"
    assert page.locator(ROWS).count() == 4, "what does not match stays out"
    page.locator("#news").get_by_text("New: Harbour news").wait_for(state="attached")
    news.publish(enriched("n1", revision=2, title="Harbour news, corrected"))
    page.locator(ROWS).get_by_text("corrected").wait_for()
    assert page.locator(ROWS).count() == 4, "a correction takes the place of what it corrects"
    news.publish(retracted("n1", revision=2))
    page.locator(ROWS).get_by_text("corrected").wait_for(state="detached")
    assert page.title() != "owned"
    news.assert_quiet()
    page.close()


def test_a_paused_wire_holds_what_comes_in(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(f"{news.url}/live")
    page.locator("#state.on").wait_for()
    before = page.locator(ROWS).count()
    page.get_by_role("button", name="Pause").click()
    assert page.locator("#state").inner_text() == "Paused"
    news.publish(enriched("p1", title="While it was paused"), enriched("p2", title="And another"))
    page.get_by_role("button", name="2 new articles").wait_for()
    assert page.locator(ROWS).count() == before
    page.get_by_role("button", name="2 new articles").click()
    assert page.locator(ROWS).count() == before + 2
    news.assert_quiet()
    page.close()


def test_without_scripts_the_page_comes_again_by_itself(news: Site, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = news.watch(context.new_page())
    page.goto(f"{news.url}/live")
    assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "15"
    assert "every 15 seconds" in page.locator("#state").inner_text()
    news.publish(enriched("q1", title="Seen on the next load"))
    wait_for(f"{news.url}/articles/{article_id('q1')}")
    page.reload()
    assert "Seen on the next load" in page.locator(ROWS).all_inner_texts()
    news.assert_quiet()
    context.close()
