"""Articles as lines and rows."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.index.export.compression import accepts_gzip
from services.index.export.formats import COLUMNS, cell, csv_head, csv_rows, ndjson
from shared.events import Image, Topic
from tests.index.articles import NOW, enriched, entity


def stored(**fields: Any) -> bytes:
    return enriched("a", **fields).article.model_dump_json(exclude_none=True).encode()


def row_of(article: bytes) -> dict[str, str]:
    (row,) = csv.DictReader(io.StringIO((csv_head() + csv_rows([article])).decode(), newline=""))
    return row


def test_a_row_has_the_article_in_the_documented_columns() -> None:
    row = row_of(
        stored(
            title="A, “b”",
            body='Said "yes".\n\nThen, no.',
            source="Al Jazeera",
            authors=("Ann", "Bo"),
            published_at=NOW,
            topics=(Topic(code="11000000", name="politics", score=1),),
            entities=(
                entity("PERSON", "Xi Jinping"),
                entity("GPE", "China"),
                entity("ORG", "UN"),
                entity("FAC", "Pier"),
            ),
            image=Image(url="https://e.example/a.jpg"),
            story_id="s1",
            sentiment=-0.4,
        )
    )
    assert list(row) == [column.name for column in COLUMNS]
    assert row["title"] == "A, “b”" and row["body"] == 'Said "yes".\n\nThen, no.'
    assert (row["authors"], row["topics"], row["persons"]) == ("Ann; Bo", "politics", "Xi Jinping")
    assert (row["places"], row["organisations"]) == ("China; Pier", "UN")
    assert (row["sentiment"], row["sentiment_score"], row["language"]) == ("negative", "-0.4", "en")
    assert row["published_at"].startswith("2026-11-20T12:00:00")
    assert (row["image_url"], row["story_id"], row["updated_at"]) == ("https://e.example/a.jpg", "s1", "")


def test_a_tone_that_nobody_read_is_no_neutral_one() -> None:
    row = row_of(stored(unsupported=("sentiment",)))
    assert (row["sentiment"], row["sentiment_score"]) == ("", "")


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "  =1",
        "\n=1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "\x00=1",
        "=",
        "-",
    ],
)
def test_what_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    assert cell(text).startswith("'")
    row = row_of(stored(title=text, source=text, authors=(text,), body=text, story_id=text))
    for name in ("title", "source", "authors", "body", "story_id"):
        assert row[name] == cell(text), name


@pytest.mark.parametrize("text", ["", "plain", "1-1", "a=b", "'quoted'", "Q&A"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


@given(st.text(), st.text())
def test_any_text_is_read_back_from_its_cell(title: str, body: str) -> None:
    row = row_of(stored(title=title.replace("\ud800", ""), body=body))
    assert row["body"] == cell(body)
    assert row["title"] == cell(title)


def test_rows_end_as_the_rfc_says() -> None:
    assert csv_head().endswith(b"\r\n") and csv_head().count(b"\n") == 1
    assert csv_rows([stored(body="a\nb")]).endswith(b'"a\nb"\r\n')


def test_a_line_is_the_article_as_stored() -> None:
    article = stored(body="a\nb")
    assert ndjson([article, article]) == article + b"\n" + article + b"\n"
    assert ndjson([article]).count(b"\n") == 1


def test_a_line_is_one_for_readers_that_go_by_unicode_too() -> None:
    article = stored(body="a\x85b\u2028c\u2029d\x0b\x1ce")
    (line,) = ndjson([article]).decode().splitlines()
    assert json.loads(line) == json.loads(article)


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True), ("deflate, GZIP;q=0.5", True), ("*", True), ("br, *;q=0.1", True),
        (None, False), ("", False), ("identity", False), ("gzip;q=0", False), ("gzip;q=0.000", False),
        ("*;q=0", False), ("gzip;q=0, *", False), ("x-gzip", False), ("gzip" * 10_000, False),
    ],
    ids=str,
)  # fmt: skip
def test_gzip_is_sent_to_whoever_takes_it(header: str | None, accepted: bool) -> None:
    assert accepts_gzip(header) is accepted
