"""The operator's page in a browser: dead letters are read, replayed and discarded, without scripts too."""

from __future__ import annotations

from typing import Any

import pytest

from shared.events import DeadLetter, encode_event
from shared.streams import DEAD, EVENT_FIELD, RAW
from tests.browser.conftest import Site
from tests.browser.news import HOSTILE
from tests.support import NOW, submitted

pytestmark = pytest.mark.browser


def bury(site: Site, name: str, error: str = "TypeError: no tagger") -> None:
    event = submitted(name)
    letter = DeadLetter(
        stream=RAW.key(0), group="enrich", entry_id="1-0", article_id=event.article_id, died_at=NOW,
        reason="attempts_exhausted", error=error, attempts=5,
        fields={EVENT_FIELD.decode(): encode_event(event)},
    )  # fmt: skip
    site.redis.xadd(DEAD.key(0), {EVENT_FIELD: encode_event(letter)})


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_dead_letter_is_replayed_and_another_discarded(site: Site, chromium: Any, scripts: bool) -> None:
    site.redis.delete(DEAD.key(0), RAW.key(0))
    bury(site, "again")
    bury(site, "never", error=HOSTILE)
    context = chromium.new_context(java_script_enabled=scripts)
    page = site.watch(context.new_page())
    page.goto(f"{site.url}/operator")
    assert page.locator(".letters h3").all_inner_texts() == ["Title of never", "Title of again"]
    first, second = page.locator(".letters > li").all()
    second.get_by_role("button", name="Replay").click()
    page.get_by_text("1 put back on the stream").wait_for()
    assert site.redis.xlen(RAW.key(0)) == 1
    first = page.locator(".letters > li").first
    first.get_by_text("Discard…").click()
    first.get_by_role("button", name="Discard for good").click()
    page.get_by_text("1 discarded").wait_for()
    assert page.locator(".letters").count() == 0 and site.redis.xlen(DEAD.key(0)) == 0
    assert page.title() == "Operator – Wireroom"
    site.assert_quiet()
    context.close()
