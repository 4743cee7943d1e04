"""What goes over the line of a stream, and the ids it is resumed by."""

from __future__ import annotations

import json

import pytest

from services.index.engine.protocol import ArrivalKey, Hit
from services.index.live.events import article_events, event_id, key_of, retracted_events
from tests.index.articles import article_id


def test_an_article_is_one_event_with_its_card_in_one_line() -> None:
    card = {"title": "a\nb\r\n\r\nevent: forged\u2028\u2029\x85", "indexed_at": "2026-11-20T12:00:00.000007Z"}
    text = article_events([Hit(article_id("a"), None, card)]).decode()
    name, identifier, data, *rest = text.splitlines()
    assert name == "event: article"
    assert identifier == f"id: {1795176000000007}-{article_id('a')[:16]}"
    assert json.loads(data.removeprefix("data: ")) == {**card, "id": article_id("a")}
    assert rest == [""] and text.endswith("}\n\n")


def test_an_id_stands_for_its_place() -> None:
    key = ArrivalKey(1795176000000007, "0123456789abcdef")
    assert key_of(event_id(key)) == key


@pytest.mark.parametrize(
    "text",
    ["", "1", "1-", "-1-0123456789abcdef", "1-0123456789ABCDEF", "1-0123456789abcdef ",
     "9" * 20 + "-" + "0" * 16, "9223372036854775808-0123456789abcdef",
     "١-0123456789abcdef", "1-0123456789abcdef\n"],
)  # fmt: skip
def test_what_is_no_id_of_ours_stands_for_none(text: str) -> None:
    assert key_of(text) is None


def test_what_is_gone_is_told_without_an_id_to_resume_by() -> None:
    assert retracted_events(["a", "b"]) == (
        b'event: retracted\ndata: {"id":"a"}\n\nevent: retracted\ndata: {"id":"b"}\n\n'
    )
