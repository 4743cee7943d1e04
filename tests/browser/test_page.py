"""The web page in a real Chromium: searching, filtering and reading, with nothing in the console."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from services.index.api import search_router
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.web.routes import web_router
from shared.events import Entity, Mention
from shared.http.limits import Limits
from shared.http.serve import install_http, serve
from shared.metrics import Metrics
from tests.conftest import free_port
from tests.support import NOW, enriched

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"


def find_chromium() -> str:
    found = os.environ.get("WIREROOM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        message = "no chromium found: install one, or set WIREROOM_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture
def page_url(tmp_path: Path) -> Iterator[str]:
    """The page over an index of a few articles, served as the service serves it, from a thread."""
    engine = TantivyEngine(tmp_path)
    body = "Ann Reed opened the harbour.\n\nShe left Aberdeen at noon."
    reed = Entity(
        text="Ann Reed", label="PERSON", canonical="Ann Reed", count=1, mentions=(Mention(start=0, end=8),)
    )
    engine.upsert_many(
        [
            enriched("a", title="Harbour reopens", body=body, source="Wire A", entities=(reed,)),
            enriched("b", title="Harbour closed", source="Wire B", published_at=NOW - timedelta(hours=2)),
            enriched("c", title=f"Cup final {HOSTILE}", source=HOSTILE, url="javascript:alert(1)"),
        ],
        NOW,
    )
    engine.commit()
    app = FastAPI(docs_url=None, redoc_url=None)
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(search_router(engine, metrics, None))
    app.include_router(web_router(engine, engine.aggregations, metrics, None))
    port = free_port()
    loop = asyncio.new_event_loop()
    stop, started = asyncio.Event(), asyncio.Event()
    ready = threading.Event()

    async def run() -> None:
        serving = asyncio.create_task(
            serve(app, "127.0.0.1", port, drain_timeout_s=1, stop=stop, started=started)
        )
        await started.wait()
        ready.set()
        await serving

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(10), "the page did not start"
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
        engine.close()


@pytest.fixture
def chromium() -> Iterator[Any]:
    executable = find_chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.mark.parametrize("width", [1280, 360])
def test_a_reader_searches_filters_and_reads(page_url: str, chromium: Any, width: int) -> None:
    page = chromium.new_page(viewport={"width": width, "height": 800})
    complaints: list[str] = []
    # A violation of the policy and a file that does not load are console errors too.
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    # Going on to the next page before the icon has loaded is no fault of the page.
    page.on(
        "requestfailed",
        lambda request: request.failure == "net::ERR_ABORTED" or complaints.append(request.url),
    )
    foreign: list[str] = []
    page.on("request", lambda request: foreign.append(request.url))

    page.goto(page_url)
    assert page.locator("h2[dir=auto]").count() == 3
    page.get_by_label("Search the news").fill("harbour")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/?q=harbour")
    assert page.locator("h2[dir=auto] mark").all_inner_texts() == ["Harbour", "Harbour"]

    page.locator("#filters").get_by_role("link", name="Wire A").click()
    page.wait_for_url("**source=Wire+A")
    assert page.locator("h2[dir=auto]").all_inner_texts() == ["Harbour reopens"]
    assert page.locator("#filters .toggle[aria-current]").count() == 1
    page.get_by_role("link", name="Remove the filter Source Wire A").click()
    page.wait_for_url("**/?q=harbour")

    page.get_by_role("link", name="Harbour reopens").click()
    page.wait_for_url("**/articles/*")
    assert page.locator("h1").inner_text() == "Harbour reopens"
    assert page.locator("a.entity.person").inner_text() == "Ann Reed"
    assert page.locator(".body p").count() == 2
    page.locator(".entities a").first.click()
    page.wait_for_url("**/?entity=PERSON*")
    assert page.locator("h2[dir=auto]").all_inner_texts() == ["Harbour reopens"]

    page.goto(page_url)
    page.get_by_role("link", name="Cup final").first.click()
    assert page.locator("h1").inner_text() == f"Cup final {HOSTILE}"
    assert page.title() != "owned"
    for path in ("/", "/?q=harbour&source=Wire+A"):
        page.goto(page_url + path)
        width_of_page = page.evaluate("document.documentElement.scrollWidth")
        assert width_of_page <= width, f"{path} scrolls sideways at {width}: {width_of_page}"
    assert not complaints
    assert all(url.startswith(page_url) for url in foreign)


def test_the_page_is_styled_and_reached_by_keyboard(page_url: str, chromium: Any) -> None:
    page = chromium.new_page(color_scheme="dark")
    page.goto(page_url)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(18, 20, 24)"
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
