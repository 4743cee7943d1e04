"""Saved searches in a browser: made of a search, fired to a receiver on this machine, and deleted."""

from __future__ import annotations

import http.server
import json
import queue
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.browser.conftest import Site
from tests.browser.news import fill
from tests.support import enriched

pytestmark = pytest.mark.browser


class Receiver(http.server.BaseHTTPRequestHandler):
    received: queue.SimpleQueue[tuple[dict[str, str], bytes]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.received.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, queue.SimpleQueue[tuple[dict[str, str], bytes]]]]:
    received: queue.SimpleQueue[tuple[dict[str, str], bytes]] = queue.SimpleQueue()
    handler = type("OwnReceiver", (Receiver,), {"received": received})
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", received
    server.shutdown()
    thread.join(5)
    server.server_close()


@pytest.fixture(scope="module")
def news(site: Site) -> Site:
    fill(site)
    return site


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_search_is_saved_and_what_matches_is_sent(
    news: Site, chromium: Any, receiver: tuple[str, Any], scripts: bool
) -> None:
    url, received = receiver
    context = chromium.new_context(java_script_enabled=scripts)
    page = news.watch(context.new_page())
    page.goto(f"{news.url}/?q=harbour&source=Wire+B&source=Wire+Z{scripts}")
    page.get_by_role("link", name="Save this search").click()
    assert page.get_by_label("Search for").input_value() == "harbour"
    page.get_by_label("Name").fill("Harbours")
    page.get_by_label("Send matches to").fill(url)
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.locator("#secret").inner_text()

    page.get_by_role("button", name="Send a test").click()
    page.get_by_role("status").get_by_text("Test message: delivered (204).").wait_for()
    _, body = received.get(timeout=10)
    assert json.loads(body)["type"] == "test"

    news.publish(enriched(f"n{scripts}", title="Harbour dredged", source=f"Wire Z{scripts}"))
    headers, body = received.get(timeout=10)
    document = Webhook(secret).verify(body, headers)
    assert document["type"] == "article.matched"
    assert document["data"]["article"]["title"] == "Harbour dredged"

    page.reload()
    page.locator("#matches").get_by_role("link", name="Harbour dredged").wait_for()
    page.get_by_role("button", name="Send again").first.click()
    page.get_by_text("1 message will be sent again.").wait_for()
    again, _ = received.get(timeout=10)
    assert again["webhook-id"] == headers["webhook-id"]

    page.get_by_text("Delete…").click()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("status").get_by_text("Deleted.").wait_for()
    news.assert_quiet()
    context.close()
