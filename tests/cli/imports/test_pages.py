from __future__ import annotations

import time

import pytest

from services.cli.imports.entries import Unusable
from services.cli.imports.formats import format_by_content, format_by_name
from services.cli.imports.pages import own_url, title_and_body
from tests.cli.imports.archives import found_in, reasons


@pytest.mark.parametrize(
    ("head", "url"),
    [
        ('<link rel="canonical" href="https://a.example/1?x=1&amp;y=2">', "https://a.example/1?x=1&y=2"),
        ("<link href='https://a.example/1' rel='alternate canonical'>", "https://a.example/1"),
        ("<LINK REL=canonical HREF=https://a.example/1>", "https://a.example/1"),
        ('<meta property="og:url" content="https://a.example/2">', "https://a.example/2"),
        ("<!-- saved from url=(0020)https://a.example/3 --><html>", "https://a.example/3"),
        ('<link rel="canonical" href="/relative">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ('<link rel="stylesheet" href="https://a.example/x.css">', None),
        ("", None),
    ],
)
def test_a_page_says_where_it_is_from(head: str, url: str | None) -> None:
    assert own_url(f"<html><head>{head}</head>") == url


def test_looking_for_it_takes_no_time_on_a_page_made_to_hurt() -> None:
    started = time.monotonic()
    for piece in ("<link ", "<link rel=", "<link a='", "<meta \t", "<", '="', "a=" * 9):
        own_url(piece * (2_000_000 // len(piece)))
    assert time.monotonic() - started < 2


def test_a_headline_above_a_text_is_its_title() -> None:
    assert title_and_body("# A headline\r\n\r\nThe text.\n\nMore.") == ("A headline", "The text.\n\nMore.")
    assert title_and_body("Two lines\nabove\n\ntext")[0] == ""
    assert title_and_body("One line")[0] == ""
    assert title_and_body("x" * 300 + "\n\ntext")[0] == ""


def test_pages_and_notes_become_articles() -> None:
    (page,), _, _ = found_in("<html><meta charset=cp1252>Größe".encode("cp1252"), "html", source="A")
    assert "Größe" in page["html"] and page["source"] == "A"
    (note,), _, _ = found_in(b"A headline\n\nThe text.", "text")
    assert note == {"title": "A headline", "body": "The text."}


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "empty"), (b" \n", "empty"), (b"\0\1\2" * 100, "binary"), (b"x" * (17 << 20), "too large")],
    ids=["nothing", "space", "binary", "too large"],
)
def test_what_is_no_page_is_skipped(content: bytes, reason: str) -> None:
    _, skipped, _ = found_in(content, "html")
    assert reasons(skipped) == [reason]


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("a/CC-NEWS-20240506.warc.gz", "warc"),
        ("wire.ndjson.zst", "ndjson"),
        ("Wire.JSONL", "ndjson"),
        ("a.tsv.gz", "tsv"),
        ("page.HTM", "html"),
        ("noext", None),
        ("a.gz", None),
    ],
)
def test_the_suffix_tells_the_format(name: str, format_: str | None) -> None:
    assert format_by_name(name) == format_


@pytest.mark.parametrize(
    ("head", "format_"),
    [
        (b"WARC/1.0\r\n", "warc"),
        (b"From a@b Mon May  6 07:08:09 2024\nSubject: x\n", "mbox"),
        (b"Return-Path: <x>\nX-A: b\n c\nFrom: a@b.example\n\n", "eml"),
        (b'{"title": "x"}\n', "ndjson"),
        (b'[{"title": "x"}', "json"),
        (b"<!doctype html>", "html"),
        (b"Just a text: of words\n", "text"),
    ],
)
def test_else_the_first_bytes_do(head: bytes, format_: str) -> None:
    assert format_by_content(head) == format_


def test_xml_is_refused_with_advice_and_not_imported_as_text() -> None:
    with pytest.raises(Unusable, match="feeds add"):
        format_by_content(b'<?xml version="1.0"?>\n<rss version="2.0">')
