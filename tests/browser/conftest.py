"""A real Chromium, and the index service as it runs: its own Redis, consumer and live wire, in a thread."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from services.index.app import create_app
from services.index.settings import IndexSettings
from shared.events import ArticleEnriched, ArticleRetracted, encode_event
from shared.http.serve import serve
from shared.streams import ENRICHED, EVENT_FIELD
from tests.conftest import free_port


def find_chromium() -> str:
    found = os.environ.get("WIREROOM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        message = "no chromium found: install one, or set WIREROOM_CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


# Not for the session: while Playwright's loop runs in this thread, no test of asyncio's can.
@pytest.fixture(scope="module")
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


@dataclass
class Site:
    """The service at `url`; what is published is taken off the stream, as in a deployment."""

    url: str
    redis: Redis
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def publish(self, *events: ArticleEnriched | ArticleRetracted) -> None:
        for event in events:
            self.redis.xadd(ENRICHED.key(0), {EVENT_FIELD: encode_event(event)})

    def watch(self, page: Any) -> Any:
        """Write down whatever the page's console, or a request of it, has to complain of.

        A violation of the Content-Security-Policy and a file that does not load are console errors too.
        """
        page.set_default_timeout(10_000)
        page.on("console", lambda said: self.complaints.append(f"{page.url}: {said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: self.complaints.append(f"{page.url}: dialog {dialog.message}"))
        # Going on to the next page before everything has loaded is no fault of the page.
        page.on(
            "requestfailed",
            lambda request: request.failure == "net::ERR_ABORTED" or self.complaints.append(request.url),
        )
        page.on("request", lambda request: self.foreign.append(request.url))
        return page

    def assert_quiet(self) -> None:
        assert not self.complaints
        assert all(url.startswith(self.url) for url in self.foreign), self.foreign
        self.foreign.clear()


@pytest.fixture(scope="module")
def site(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An index service without articles."""
    redis = Redis.from_url(redis_url)
    redis.flushall()
    port = free_port()
    directory: Path = tmp_path_factory.mktemp("site")
    settings = IndexSettings(
        redis_url=redis_url, data_dir=directory, index_port=port, commit_interval_s=0.05, drain_timeout_s=1
    )
    app = create_app(settings)
    loop = asyncio.new_event_loop()
    stop, started = asyncio.Event(), asyncio.Event()
    ready = threading.Event()

    async def run() -> None:
        serving = asyncio.create_task(
            serve(
                app,
                "127.0.0.1",
                port,
                drain_timeout_s=1,
                stop=stop,
                started=started,
                on_drain=app.state.on_drain,
            )
        )
        await started.wait()
        ready.set()
        await serving

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    try:
        assert ready.wait(15), "the service did not start"
        yield Site(f"http://127.0.0.1:{port}", redis)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(15)
        loop.close()
        redis.close()
