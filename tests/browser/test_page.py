"""The web page in a real Chromium: searching, filtering and reading, by pointer, by keys, without scripts."""

from __future__ import annotations

import re
import sys
from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.news import HOSTILE, fill
from tests.support import article_id

pytestmark = pytest.mark.browser

TITLES = "h2[dir=auto]"
# The first contentful paint in milliseconds since the navigation began, as soon as it has happened.
PAINTED = """new Promise(done => new PerformanceObserver((list, observer) => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) { observer.disconnect(); done(paint.startTime); }
}).observe({ type: "paint", buffered: true }))"""


@pytest.fixture(scope="module")
def news(site: Site) -> Site:
    fill(site)
    return site


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_reader_searches_filters_and_reads(news: Site, chromium: Any, width: int, scripts: bool) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800}, java_script_enabled=scripts)
    page = news.watch(context.new_page())
    page.goto(news.url)
    assert page.locator(TITLES).count() == 7
    page.get_by_label("Search the news").fill("harbour")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/?q=harbour")
    assert page.locator(f"{TITLES} mark").all_inner_texts() == ["Harbour"] * 3

    page.locator("#filters").get_by_role("link", name="Wire A").click()
    page.wait_for_url("**source=Wire+A")
    page.get_by_text("1 article", exact=True).first.wait_for()
    assert page.locator(TITLES).all_inner_texts() == ["Harbour reopens"]
    assert page.locator("#filters .toggle[aria-current]").count() == 1
    page.get_by_label("Search the news").fill("reopens")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url(re.compile(r"/\?q=reopens&source=Wire(\+|%20)A$"))
    page.get_by_role("link", name="Remove the filter Source Wire A").click()
    page.wait_for_url("**/?q=reopens")
    page.locator(".chips").wait_for(state="detached")

    page.get_by_role("link", name="Harbour reopens").click()
    page.wait_for_url("**/articles/*")
    assert page.locator("h1").inner_text() == "Harbour reopens"
    assert page.locator("a.entity.person").first.inner_text() == "Ann Reed"
    assert page.locator(".body p").count() == 2
    page.locator(".entities a").first.click()
    page.wait_for_url("**/?entity=PERSON*")
    assert page.locator(".entity-card h2 bdi").inner_text() == "Ann Reed"

    page.goto(news.url)
    page.get_by_role("link", name="Cup final").first.click()
    assert page.locator("h1").inner_text() == f"Cup final {HOSTILE}"
    assert page.title() != "owned"
    news.assert_quiet()
    context.close()


def test_results_change_in_place_and_the_way_back_is_kept(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(f"{news.url}/?q=harbour")
    page.evaluate("window.sameDocument = true")
    page.locator("#filters").get_by_role("link", name="Wire B").click()
    page.wait_for_url("**source=Wire+B")
    page.get_by_text("2 articles", exact=True).first.wait_for()
    assert page.evaluate("window.sameDocument"), "the page was not loaded anew"
    assert page.title() == "harbour – Wireroom"
    feed = page.locator("head link[type='application/rss+xml']")
    assert feed.get_attribute("href") == "/search.rss?q=harbour&source=Wire+B"
    assert page.locator("#told").inner_text() == "2 articles", "a screen reader is told"
    assert page.evaluate("document.activeElement.textContent").startswith("Wire B"), "focus stays"
    page.go_back()
    page.wait_for_url("**/?q=harbour")
    page.get_by_text("3 articles", exact=True).first.wait_for()
    news.assert_quiet()
    page.close()


@pytest.mark.parametrize(
    "path", ["/stories", "/live", "/trends", f"/articles/{article_id('a')}", "/operator"]
)
def test_a_search_from_any_page_is_styled_as_one(news: Site, chromium: Any, path: str) -> None:
    page = news.watch(chromium.new_page())
    page.goto(news.url + path)
    page.keyboard.press("/")
    page.keyboard.type("reopens")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=reopens")
    page.locator(f"{TITLES} mark").wait_for()
    assert page.locator(".toggle").first.evaluate("toggle => getComputedStyle(toggle).display") == "grid"
    news.assert_quiet()
    page.close()


def test_a_bar_of_the_timeline_narrows_the_search(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(news.url)
    page.locator(".timeline a.bar").first.click()
    page.wait_for_url("**from=*")
    page.get_by_text("1 article", exact=True).first.wait_for()
    assert page.locator(TITLES).all_inner_texts() == ["Harbour closed"]
    page.get_by_text("Clear all").click()
    page.wait_for_url("**/")
    news.assert_quiet()
    page.close()


def test_keys_lead_through_the_page(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(f"{news.url}/?q=harbour")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    titles = page.locator(TITLES).all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.locator(":focus").inner_text() == titles[1]
    page.keyboard.press("k")
    assert page.locator(":focus").inner_text() == titles[0]
    page.keyboard.press("?")
    assert page.get_by_role("dialog").is_visible()
    page.keyboard.press("j")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog").is_visible()
    page.keyboard.press("/")
    page.keyboard.type("jk?/")
    assert page.locator("#q").input_value() == "jk?/", "what is written is no command"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/articles/*")
    news.assert_quiet()
    page.close()


def test_light_or_dark_is_a_choice_that_is_remembered(news: Site, chromium: Any) -> None:
    context = chromium.new_context(color_scheme="dark")
    page = news.watch(context.new_page())
    page.goto(news.url)
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(18, 20, 24)"
    page.get_by_role("button", name="Change between light and dark").click()
    assert page.evaluate(paper) == "rgb(251, 251, 249)"
    page.reload()
    assert page.evaluate(paper) == "rgb(251, 251, 249)"
    news.assert_quiet()
    context.close()


def test_a_name_in_the_text_tells_what_it_is_when_focused(news: Site, chromium: Any) -> None:
    page = news.watch(chromium.new_page())
    page.goto(f"{news.url}/?q=reopens")
    page.get_by_role("link", name="Harbour reopens").click()
    name = page.locator("a.entity.place")
    tip = "element => getComputedStyle(element, '::after').content"
    assert name.evaluate(tip) == "none"
    name.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert name.evaluate(tip) in ('"place · Aberdeen · tone −0.30"', "attr(data-tip)")
    page.locator("#content").focus()
    name.hover()
    assert name.evaluate(tip) != "none"
    page.close()


def test_a_server_that_went_away_is_said(news: Site, chromium: Any) -> None:
    page = chromium.new_page()
    page.goto(f"{news.url}/?q=harbour")
    page.route("**/*", lambda route: route.abort("connectionrefused"))
    page.locator("#filters").get_by_role("link", name="Wire B").click()
    page.get_by_role("alert").get_by_text("Wireroom does not answer").wait_for()
    assert page.locator(TITLES).count() == 3, "what was found stays readable"
    page.close()


def test_the_first_paint_comes_within_200_ms(news: Site, chromium: Any) -> None:
    page = chromium.new_page()
    paints: dict[str, list[int]] = {}
    for path in ("/", "/?q=harbour", "/stories", "/live"):
        for _ in range(4):
            page.goto(news.url + path)
            page.locator("h1").wait_for()
            paints.setdefault(path, []).append(round(page.evaluate(PAINTED)))
    sys.stdout.write(f"first contentful paint, ms: {paints}\n")
    # The fastest of each: what other processes take of the machine is not the page's.
    assert all(min(of) < 200 for of in paints.values()), paints
    page.close()
