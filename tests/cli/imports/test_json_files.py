from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from services.cli.imports.entries import MAX_ENTRY_BYTES
from services.cli.imports.mapping import FieldMap
from tests.cli.imports.archives import found_in, reasons

LINES = b'{"title":"one"}\n{"title":"two"}\r\n\n{"title":"three"}'
ARRAY = b'[{"title":"one"},\n{"title":"two"} , {"title":"three"}]'


def titles(articles: list[dict[str, Any]]) -> list[str]:
    return [article["title"] for article in articles]


@pytest.mark.parametrize("content", [LINES, b"\xef\xbb\xbf" + LINES, ARRAY, b"\n\n" + ARRAY])
@pytest.mark.parametrize("format_", ["json", "ndjson"])
def test_lines_and_arrays_are_read_under_either_name(content: bytes, format_: Any) -> None:
    articles, skipped, damage = found_in(content, format_)
    assert titles(articles) == ["one", "two", "three"] and (skipped, damage) == ([], [])


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"title": "one", "extra": {"a": [1, 2]}}, indent=2).encode(),
        json.dumps({"title": "one"}, indent=2).encode("utf-16"),
        b'{"title":\r"one"}',
    ],
    ids=["indented", "UTF-16", "bare CR"],
)
def test_one_object_is_one_article(content: bytes) -> None:
    articles, skipped, _ = found_in(content, "json")
    assert titles(articles) == ["one"] and skipped == []


def test_a_broken_line_costs_no_neighbour() -> None:
    articles, skipped, _ = found_in(b'{"title":"one"}\n{"title":\n7\n{"title":"two"}\n', "json", source="A")
    assert titles(articles) == ["one", "two"]
    assert reasons(skipped) == ["not JSON", "not an article"]


def test_a_line_too_long_is_skipped_and_takes_no_memory() -> None:
    long = b'{"title":"' + b"x" * (50 << 20) + b'"}'
    articles, skipped, _ = found_in(b'{"title":"one"}\n' + long + b'\n{"title":"two"}\n', "ndjson")
    assert titles(articles) == ["one", "two"] and reasons(skipped) == ["too large"]
    articles, skipped, _ = found_in(b'[{"title":"one"},' + long + b',{"title":"two"}]', "json")
    assert titles(articles) == ["one", "two"] and reasons(skipped) == ["too large"]


def test_one_object_too_large_is_skipped() -> None:
    _, skipped, _ = found_in(b'{\n"title":"' + b"x" * (MAX_ENTRY_BYTES + 1) + b'"}', "json")
    assert reasons(skipped) == ["too large"]


@pytest.mark.parametrize("end", [b'{"title":"th', b'{"title":"three"}'], ids=["broken", "whole by chance"])
def test_the_last_line_of_a_file_cut_off_is_not_trusted(end: bytes) -> None:
    packed = gzip.compress(b'{"title":"one"}\n{"title":"two"}\n' + end)
    articles, skipped, damage = found_in(packed[:-8], "ndjson")
    assert titles(articles) == ["one", "two"]
    assert reasons(skipped) == ["cut off"] and "cut off" in damage[0]


def test_an_array_cut_off_gives_what_is_whole() -> None:
    articles, skipped, _ = found_in(ARRAY[:-8], "json")
    assert titles(articles) == ["one", "two"] and reasons(skipped) == ["cut off"]


def test_lines_that_need_no_change_are_passed_on_as_they_are() -> None:
    raw = b'{"title": "one",   "odd": 1e400}'
    articles, _, _ = found_in(raw + b"\n", "ndjson")
    assert articles == [json.loads(raw)]


def test_fields_are_renamed_and_completed() -> None:
    raw = {
        "head.line": "A title",
        "content": {"text": "A body"},
        "source": "",
        "rest": 7,
        "title": "not this",
    }
    (article,), _, _ = found_in(
        json.dumps(raw).encode(),
        "ndjson",
        fields=FieldMap.parse(["title=head.line,body=content.text"]),
        source="Harbour Post",
        language="en",
    )
    assert article == {
        "title": "A title",
        "body": "A body",
        "content": {"text": "A body"},
        "source": "Harbour Post",
        "language": "en",
        "rest": 7,
    }


def test_what_nests_too_deeply_is_skipped() -> None:
    deep = b"[" * 100_000 + b"]" * 100_000
    _, skipped, _ = found_in(b'{"a":' + deep + b"}\n", "ndjson", source="A")
    assert reasons(skipped) == ["nested too deeply"]


def test_lone_surrogates_and_nul_come_through_as_json() -> None:
    (article,), _, _ = found_in(b'{"title":"\\ud800 \\u0000 x"}\n', "ndjson", source="A")
    assert article["title"] == "\ud800 \x00 x"


@pytest.mark.parametrize("text", ["title", "=x", "title=", "heading=title"])
def test_a_map_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"pair|field of an article"):
        FieldMap.parse([text])
