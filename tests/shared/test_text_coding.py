"""Bytes of pages in the encodings that they have, say that they have, or claim to have."""

from __future__ import annotations

import time

import pytest

from shared.text_coding import decode_text

TEXT = "Grüße aus Köln: “naïve” café – 5 €"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (TEXT.encode(), None),
        (TEXT.encode(), "text/html; charset=iso-8859-1"),
        (TEXT.encode(), "text/html; charset=nonsense"),
        (TEXT.encode("utf-8-sig"), "text/html; charset=koi8-r"),
        (TEXT.encode("utf-16"), None),
        (TEXT.encode("cp1252"), None),
        (TEXT.encode("cp1252"), "text/html; charset=ISO-8859-1"),
        (TEXT.encode("cp1252"), "text/html; charset=utf-8"),
        (TEXT.encode("cp1252"), "text/html; charset=bz2"),
    ],
)
def test_a_text_comes_out_as_it_was_meant(content: bytes, content_type: str | None) -> None:
    assert decode_text(content, content_type) == TEXT


@pytest.mark.parametrize(
    ("encoding", "text"), [("koi8-r", "Новости"), ("shift_jis", "ニュース"), ("gb2312", "新闻")]
)
def test_the_pages_own_word_counts_where_the_header_has_none(encoding: str, text: str) -> None:
    page = f'<html><meta charset="{encoding}"><p>{text}</p>'
    assert text in decode_text(page.encode(encoding), "text/html")


def test_a_few_broken_letters_do_not_change_the_encoding() -> None:
    content = TEXT.encode() * 100 + b"\xff"
    assert decode_text(content, "text/html").startswith(TEXT)


@pytest.mark.parametrize(
    "name", ["punycode", "idna", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7"]
)
def test_a_codec_that_is_no_encoding_of_pages_is_not_used(name: str) -> None:
    content = b"a-" + b"b9z" * 300_000
    start = time.process_time()
    assert decode_text(content, f"text/html; charset={name}") == content.decode()
    assert decode_text(b"\\u0041<p>+AGE-", f"text/html; charset={name}") == "\\u0041<p>+AGE-"
    assert time.process_time() - start < 1
