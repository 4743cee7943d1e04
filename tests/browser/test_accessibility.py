"""Every page, light at a desk and dark on a phone: no violation of axe's rules, nothing off the side."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.browser.conftest import Site
from tests.browser.news import fill, wait_for
from tests.browser.test_operator import bury
from tests.support import article_id, enriched

pytestmark = pytest.mark.browser

PAGES = {
    "latest": "/",
    "search": "/?q=harbour&source=Wire+B&from=2020-01-01",
    "one name": "/?entity=PERSON:Ann+Reed",
    "one result": "/?q=reopens",
    "no result": "/?q=zebra+crossing&topic=nonsense",
    "mended": "/?q=harbour+(",
    "article": f"/articles/{article_id('a')}",
    "arabic": f"/articles/{article_id('ar')}",
    "long words": f"/articles/{article_id('long')}",
    "hostile": f"/articles/{article_id('c')}",
    "gone": "/articles/0123456789abcdef0123456789abcdef",
    "stories": "/stories",
    "no stories": "/stories?q=zebra",
    "story": "/stories/s1",
    "trends": "/trends?window=7d",
    "live": "/live?q=harbour",
    "saved": "/saved",
    "save": "/saved/new?q=storm+(&source=Wire+A",
    "operator": "/operator",
    "refused": "/?from=yesterdayish",
}


@pytest.fixture(scope="module")
def news(site: Site) -> Site:
    """Articles, a saved search with a match that could not be delivered, and a dead letter."""
    fill(site)
    given = json.dumps(
        {"name": "Ports", "q": "harbour", "source": ["Wire B"], "webhook_url": site.url}
    ).encode()
    request = urllib.request.Request(
        f"{site.url}/v1/saved-searches", given, {"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        PAGES["saved search"] = f"/saved/{json.load(answer)['id']}"
    site.publish(enriched("late", title="Harbour late", source="Wire B"))
    bury(site, "buried")
    wait_for(f"{site.url}/articles/{article_id('late')}")
    return site


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (360, "dark")])
def test_pages_break_no_rule_and_do_not_scroll_sideways(
    news: Site, chromium: Any, width: int, theme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    page = news.watch(context.new_page())
    faults: list[str] = []
    for name, path in PAGES.items():
        page.goto(news.url + path)
        for fold in page.locator("details").all():
            fold.evaluate("fold => { fold.open = true }")
        shown = page.evaluate("document.documentElement.scrollWidth")
        if shown > width:
            faults.append(f"{name} is {shown} wide at {width}")
        for rule in Axe().run(page).response["violations"]:
            where = [node["html"][:200] for node in rule["nodes"][:3]]
            faults.append(f"{name}: {rule['id']}: {rule['help']}: {where}")
    assert not faults, "\n".join(faults)
    # That a page was not found is said in the console too.
    not_found = "the server responded with a status of 4"
    news.complaints = [said for said in news.complaints if not_found not in said]
    news.assert_quiet()
    context.close()
