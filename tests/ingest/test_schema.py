from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.schema import ArticleInput, parse_json, read_article
from shared.http.problems import Problem

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def read(**fields: Any) -> Any:
    return read_article({"title": "T", **fields}, NOW).article


def problem_of(document: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        read_article(document, NOW)
    return caught.value


@pytest.mark.parametrize(
    ("body", "slug"),
    [
        pytest.param(b"", "empty-body", id="empty"),
        pytest.param(b" \n", "empty-body", id="blank"),
        pytest.param(b"{", "invalid-json", id="cut off"),
        pytest.param(b"title=T", "invalid-json", id="a form"),
        pytest.param(b'{"a":NaN}', "invalid-json", id="NaN"),
        pytest.param(b'{"a":-Infinity}', "invalid-json", id="Infinity"),
        pytest.param(b'{"title":"\\ud800"}', "invalid-json", id="lone surrogate"),
        pytest.param(b"[" * 100_000, "invalid-json", id="100,000 brackets"),
        pytest.param(b'{"a":' * 100_000, "invalid-json", id="100,000 braces"),
        pytest.param(b'{"title":"caf\xe9"}', "invalid-utf-8", id="Latin-1"),
        pytest.param(b'{"title":"\xed\xa0\x80"}', "invalid-utf-8", id="surrogate in UTF-8"),
        pytest.param('{"title":"T"}'.encode("utf-16"), "invalid-utf-8", id="UTF-16"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", "invalid-json", id="number of 5,000 digits"),
        pytest.param(b"\x1f\x8b\x08\x00", "invalid-utf-8", id="gzip without saying so"),
    ],
)
def test_a_body_that_is_not_json_is_refused(body: bytes, slug: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_json(body)
    assert (caught.value.status, caught.value.slug) == (400, slug)
    assert len(caught.value.detail) < 400


def test_a_byte_order_mark_is_passed_over() -> None:
    assert parse_json(b'\xef\xbb\xbf{"title":"T"}') == {"title": "T"}


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        pytest.param([], "", id="array"),
        pytest.param("text", "", id="string"),
        pytest.param(None, "", id="null"),
        pytest.param({}, "/title", id="nothing"),
        pytest.param({"title": " ", "body": "\n\u200b", "html": "<p>&nbsp;</p>"}, "/title", id="no text"),
        pytest.param({"title": 3}, "/title", id="number for title"),
        pytest.param({"title": ["T"]}, "/title", id="array for title"),
        pytest.param({"title": "T", "body": {}}, "/body", id="object for body"),
        pytest.param({"title": "T" * 1001}, "/title", id="title too long"),
        pytest.param({"title": "T", "id": True}, "/id", id="boolean for id"),
        pytest.param({"title": "T", "id": "x" * 513}, "/id", id="id too long"),
        pytest.param({"title": "T", "url": "ftp://example.com/"}, "/url", id="url scheme"),
        pytest.param({"title": "T", "url": "https://a..b/"}, "/url", id="url host"),
        pytest.param({"title": "T", "url": 1}, "/url", id="number for url"),
        pytest.param(
            {"title": "T", "links": [{"url": "https://a.b/"}, {"url": "javascript:x"}]},
            "/links/1/url",
            id="link scheme",
        ),
        pytest.param({"title": "T", "links": [{}]}, "/links/0/url", id="link without url"),
        pytest.param({"title": "T", "links": [3]}, "/links/0", id="number for link"),
        pytest.param({"title": "T", "links": {}}, "/links", id="object for links"),
        pytest.param({"title": "T", "links": ["https://a.b/"] * 501}, "/links", id="too many links"),
        pytest.param({"title": "T", "image": 3}, "/image", id="number for image"),
        pytest.param({"title": "T", "image": {"url": "data:x"}}, "/image/url", id="image scheme"),
        pytest.param({"title": "T", "authors": [1]}, "/authors", id="number for author"),
        pytest.param({"title": "T", "authors": ["x" * 301]}, "/authors", id="author too long"),
        pytest.param({"title": "T", "authors": ["a"] * 101}, "/authors", id="too many authors"),
        pytest.param({"title": "T", "keywords": 1}, "/keywords", id="number for keywords"),
        pytest.param({"title": "T", "published_at": "9999-01-01T00:00:00Z"}, "/published_at", id="year 9999"),
        pytest.param(
            {"title": "T", "published_at": "9999-12-31T23:59:59-12:00"},
            "/published_at",
            id="beyond year 9999",
        ),
        pytest.param(
            {"title": "T", "published_at": "0001-01-01T00:00:00+12:00"}, "/published_at", id="before year 1"
        ),
        pytest.param({"title": "T", "published_at": "yesterday"}, "/published_at", id="no date"),
        pytest.param({"title": "T", "published_at": 1687183200}, "/published_at", id="number for date"),
        pytest.param({"title": "T", "published_at": "2023-13-01"}, "/published_at", id="month 13"),
        pytest.param({"title": "T", "published_at": "1" * 4000}, "/published_at", id="long date"),
        pytest.param({"title": "T", "language": "english language"}, "/language", id="no language tag"),
        pytest.param({"title": "T", "language": "e"}, "/language", id="short language tag"),
        pytest.param({"title": "T", "revision": "2"}, "/revision", id="string for revision"),
        pytest.param({"title": "T", "revision": 1.5}, "/revision", id="fraction for revision"),
        pytest.param({"title": "T", "revision": True}, "/revision", id="boolean for revision"),
        pytest.param({"title": "T", "revision": -1}, "/revision", id="negative revision"),
        pytest.param({"title": "T", "revision": 1 << 60}, "/revision", id="huge revision"),
        pytest.param({"title": "T", "status": "deleted"}, "/status", id="unknown status"),
        pytest.param({"status": "withheld"}, "/id", id="withheld, but which article"),
        pytest.param({"title": "T", "x": float("inf")}, "", id="1e999 in an unknown field"),
        pytest.param({"title": "T", "x": 1 << 64}, "", id="unknown number over 64 bits"),
        pytest.param({"title": "T", "x": "x" * 70_000}, "", id="unknown field too long"),
        pytest.param({"title": "T", "x": [0] * 6000}, "", id="unknown field of too many values"),
        pytest.param({"title": "T", "x": json.loads("[" * 20 + "]" * 20)}, "", id="unknown field too deep"),
    ],
)
def test_a_document_that_is_no_article_is_refused_saying_where(document: Any, pointer: str) -> None:
    problem = problem_of(document)
    assert (problem.status, problem.slug) == (422, "invalid-article")
    assert problem.errors[0].pointer == pointer
    assert problem.errors[0].detail
    assert len(problem.detail) < 400


@pytest.mark.parametrize("date", ["1970-01-01T00:00:00Z", "2099-01-01T00:00:00Z"])
def test_a_date_that_cannot_be_right_is_kept(date: str) -> None:
    assert read(published_at=date).published_at == datetime.fromisoformat(date)


def test_an_update_from_the_future_is_kept_aside_so_that_corrections_still_win() -> None:
    article = read(updated_at="2099-01-01T00:00:00Z", desk="x")
    assert article.updated_at is None
    assert article.extra == {"desk": "x", "doubtful_updated_at": "2099-01-01T00:00:00+00:00"}
    soon = NOW + timedelta(hours=14)
    assert read(updated_at=soon.isoformat()).updated_at == soon


def test_every_wrong_field_is_told_at_once() -> None:
    problem = problem_of({"title": 1, "url": 2, "published_at": "x"})
    assert {error.pointer for error in problem.errors} == {"/title", "/url", "/published_at"}


@pytest.mark.parametrize(
    ("given_date", "instant"),
    [
        ("2023-06-19T14:00:00Z", "2023-06-19T14:00:00+00:00"),
        ("2023-06-19T14:00:00", "2023-06-19T14:00:00+00:00"),
        ("2023-06-19", "2023-06-19T00:00:00+00:00"),
        ("2023-06-19T23:30:00-05:00", "2023-06-20T04:30:00+00:00"),
        ("2023-06-19 14:00:00.123456+02:00", "2023-06-19T12:00:00.123456+00:00"),
        ("Mon, 19 Jun 2023 14:00:00 GMT", "2023-06-19T14:00:00+00:00"),
        ("Mon, 19 Jun 2023 14:00:00 -0000", "2023-06-19T14:00:00+00:00"),
        ("1605-07-01", "1605-07-01T00:00:00+00:00"),
    ],
)
def test_dates_are_read_as_utc_instants(given_date: str, instant: str) -> None:
    assert read(published_at=given_date).published_at == datetime.fromisoformat(instant)


def test_a_date_at_the_edge_of_the_future_is_taken() -> None:
    assert read(published_at="2026-12-01T23:59:59Z").published_at is not None


def test_unknown_fields_are_kept_under_extra() -> None:
    article = read(section={"name": "World"}, extra={"desk": 4}, wordcount=235)
    assert article.extra == {"section": {"name": "World"}, "desk": 4, "wordcount": 235}


@pytest.mark.parametrize(
    ("alias", "value", "field", "expected"),
    [
        ("headline", "H", "title", "H"),
        ("content", "C", "body", "C"),
        ("content_html", "<p>C", "html", "<p>C"),
        ("link", "https://a.b/", "url", "https://a.b/"),
        ("author", "A", "authors", ("A",)),
        ("tags", ["a", "b"], "keywords", ("a", "b")),
        ("lang", "EN", "language", "en"),
    ],
)
def test_the_names_of_other_systems_are_understood(alias: str, value: Any, field: str, expected: Any) -> None:
    article = read_article({"body" if field == "title" else "title": "T", alias: value}, NOW).article
    assert getattr(article, field) == expected
    assert article.extra == {}


def test_an_alias_of_another_type_stays_an_unknown_field() -> None:
    assert read(content={"blocks": []}).extra == {"content": {"blocks": []}}


def test_an_alias_beside_its_field_stays_an_unknown_field() -> None:
    article = read(headline="H")
    assert (article.title, article.extra) == ("T", {"headline": "H"})


def test_text_is_normalised() -> None:
    article = read(title=" Cafe\u0301\x00 ", body="a\r\nb\rc\td\x07", authors=["A", " A ", "", None])
    assert article.title == "Café"
    assert article.body == "a\nb\nc\td"
    assert article.authors == ("A",)


def test_short_forms_are_taken() -> None:
    article = read(id=17, links=["https://a.b/"], image="https://a.b/i.png", authors=[{"name": "A"}])
    assert article.publisher_id == "17"
    assert article.links[0].url == "https://a.b/"
    assert article.image is not None and article.image.url == "https://a.b/i.png"
    assert article.authors == ("A",)


def test_a_withheld_article_needs_no_text() -> None:
    assert read_article({"id": "1", "status": "withheld"}, NOW).status == "withheld"


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from([*ArticleInput.model_fields, "headline", "tags", "x"]), _json))
def test_any_json_is_an_article_or_a_problem(document: dict[str, Any]) -> None:
    try:
        article = read_article(document, NOW).article
    except Problem as problem:
        assert problem.status == 422
        assert problem.errors
        json.dumps(problem.document())
    else:
        article.model_dump_json()
