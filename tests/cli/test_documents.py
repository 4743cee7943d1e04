from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.documents import Document, Overrides, Unreadable, documents_in, kind_of


def _read(content: bytes, name: str = "stdin", **overrides: str) -> list[Document | Unreadable]:
    return list(documents_in(io.BytesIO(content), name, Overrides(**overrides)))


def _articles(content: bytes, name: str = "stdin", **overrides: str) -> list[dict[str, object]]:
    return [
        json.loads(item.payload) for item in _read(content, name, **overrides) if isinstance(item, Document)
    ]


@pytest.mark.parametrize(
    ("name", "head", "kind"),
    [
        ("a.json", b"<html>", "json"),
        ("a.NDJSON", b"", "ndjson"),
        ("a.jsonl", b"", "ndjson"),
        ("a.txt", b"{", "text"),
        ("a.htm", b"", "html"),
        ("stdin", b'{"title": "one"}\n{"title": "two"}\n', "ndjson"),
        ("stdin", b'{\n "title": "one"\n}', "json"),
        ("stdin", b'{"title": "one"}', "json"),
        ("stdin", b'[{"title": "one"}]', "json"),
        ("stdin", b"\xef\xbb\xbf  <!DOCTYPE html>", "html"),
        ("stdin", b"<p>Hello", "html"),
        ("stdin", b"<3 is a heart", "text"),
        ("stdin", b"Beijing \xe2\x80\x94 Xi met Blinken", "text"),
        ("page.aspx", b"<html>", "html"),
        ("stdin", b"", "text"),
        ("item.xml", b'<?xml version="1.0"?><newsItem xmlns="http://iptc.org/std/nar/2006-10-01/">', "xml"),
        ("stdin", b"\n<rss version='2.0'>", "xml"),
        ("stdin", b'<?xml version="1.0"?>\n<html xmlns="http://www.w3.org/1999/xhtml">', "html"),
    ],
)
def test_a_file_is_what_its_name_or_its_first_bytes_say(name: str, head: bytes, kind: str) -> None:
    assert kind_of(name, head) == kind


def test_xml_is_not_taken_for_text_and_advice_is_given() -> None:
    (item,) = _read(b'<?xml version="1.0"?><rss version="2.0"></rss>', "feed.xml")
    assert isinstance(item, Unreadable) and "wireroom feeds add" in item.why


def test_an_object_and_an_array_are_articles() -> None:
    assert _articles(b'{"title": "one"}', "a.json") == [{"title": "one"}]
    items = _read(b'[{"title": "one"}, 7, {"title": "three"}]', "a.json")
    assert [type(item) for item in items] == [Document, Unreadable, Document]
    assert [item.origin for item in items] == ["a.json[1]", "a.json[2]", "a.json[3]"]


def test_each_line_is_an_article_and_keeps_its_number() -> None:
    items = _read(b'{"title": "one"}\n\n \r\n{"title": "four"}\r\nnot json', "wire.ndjson")
    assert [item.origin for item in items] == ["wire.ndjson:1", "wire.ndjson:4", "wire.ndjson:5"]
    assert isinstance(items[2], Document) and items[2].payload == b"not json", (
        "ingest says what is wrong with it"
    )


def test_lines_longer_than_a_read_stay_whole() -> None:
    lines = [json.dumps({"body": letter * 700_000}).encode() for letter in "abcd"]
    assert [
        item.payload for item in _read(b"\n".join(lines), "w.ndjson") if isinstance(item, Document)
    ] == lines


def test_ndjson_under_the_name_of_json_is_read() -> None:
    assert _articles(b'{"title": "one"}\n{"title": "two"}\n', "a.json") == [
        {"title": "one"},
        {"title": "two"},
    ]


def test_text_and_html_travel_as_body_and_html() -> None:
    assert _articles("Title\n\nText — here".encode(), "a.txt", source="AP") == [
        {"body": "Title\n\nText — here", "source": "AP"}
    ]
    assert _articles(b"<html><p>Hi", url="https://x.example/") == [
        {"html": "<html><p>Hi", "url": "https://x.example/"}
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\xef\xbb\xbfcaf\xc3\xa9", "café"),
        (b"caf\xe9 \x93quoted\x94", "café “quoted”"),
        (b"<html><meta charset='iso-8859-2'>\xb3", "<html><meta charset='iso-8859-2'>ł"),
        (b"<html><meta charset='no-such'>\xe9", "<html><meta charset='no-such'>\ufffd"),
    ],
    ids=["bom", "windows-1252", "declared", "declared wrongly"],
)
def test_text_is_decoded_as_it_says_or_as_it_mostly_is(content: bytes, text: str) -> None:
    (article,) = _articles(content)
    assert text in article.values()


def test_the_command_line_fills_in_only_what_is_missing() -> None:
    assert _articles(b'[{"source": "AFP"}, {"source": ""}, {}]', "a.json", source="AP") == [
        {"source": "AFP"}, {"source": "AP"}, {"source": "AP"},
    ]  # fmt: skip
    assert _articles(b'{"source": "AFP"}\n{}', "a.ndjson", source="AP") == [
        {"source": "AFP"},
        {"source": "AP"},
    ]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.json", b"[" * 100_000, "not JSON"),
        ("a.json", b"7", "not a JSON object"),
        ("a.txt", b" \n ", "empty"),
        ("stdin", b"", "empty"),
    ],
)
def test_what_is_no_article_says_why(name: str, content: bytes, why: str) -> None:
    (item,) = _read(content, name)
    assert isinstance(item, Unreadable) and why in item.why


@given(st.binary(max_size=400), st.sampled_from(["stdin", "a.json", "a.ndjson", "a.txt", "a.html"]))
def test_any_bytes_are_read_without_a_crash_and_each_payload_is_one_line(content: bytes, name: str) -> None:
    for item in documents_in(io.BytesIO(content), name, Overrides(source="x")):
        assert isinstance(item, Unreadable) or b"\n" not in item.payload
