"""The pure parts of the web page, against anything that may stand in an article or an address."""

from __future__ import annotations

import html
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.index.engine.protocol import FacetCount, Page
from services.index.highlight import mark
from services.index.web.address import Address
from services.index.web.entity_card import may_be_name
from services.index.web.facets import facet_view
from services.index.web.mentions import paragraphs_of
from services.index.web.stories import also_of
from services.index.web.texts import clip, joined, marked, moment, plain, relative, signed, tone, web_url
from services.index.web.views import suggestions, total_phrase

NOW = datetime(2026, 11, 25, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "followed"),
    [
        ("https://a.example/x?y=1#z", True),
        ("http://a.example", True),
        ("javascript:alert(1)", False),
        ("JavaScript://a.example/%0aalert(1)", False),
        ("java\nscript:alert(1)", False),
        ("https://a.example/\x01", False),
        ("https://a.example/\u202etxt.exe", False),
        (" https://a.example", False),
        ("data:text/html,x", False),
        ("//a.example/x", False),
        ("/v1/search", False),
        ("https://", False),
        ("https://[::1", False),
        ("https://a.example/" + "x" * 3_000, False),
        ("", False),
        (None, False),
        (7, False),
    ],
)
def test_only_addresses_of_web_pages_are_followed(url: object, followed: bool) -> None:
    assert web_url(url) == (url if followed else None)


@given(st.text())
def test_marks_are_kept_and_everything_else_is_text(text: str) -> None:
    safe = str(marked(text, 10_000))
    assert set(re.findall(r"<[^>]*>", safe)) <= {"<mark>", "</mark>"}
    assert safe.count("<mark>") == safe.count("</mark>")
    assert '"' not in safe and "<" not in re.sub("</?mark>", "", safe)


@given(
    st.text(st.characters(min_codepoint=32, exclude_characters="\x7f")), st.integers(0, 8), st.integers(0, 8)
)
def test_what_a_highlighter_escaped_reads_the_same(text: str, start: int, length: int) -> None:
    start, end = min(start, len(text)), min(start + length, len(text))
    shown = str(marked(mark(text, [(start, end)]), 10_000))
    assert html.unescape(re.sub("</?mark>", "", shown)) == text


@given(st.text(max_size=60), st.integers(1, 20))
def test_marked_text_is_cut_by_what_a_reader_sees(text: str, length: int) -> None:
    shown = html.unescape(re.sub("</?mark>", "", str(marked(html.escape(text), length))))
    assert len(shown) <= length + 1


def test_long_and_odd_texts_are_bounded() -> None:
    assert clip("a" * 10**6, 10) == "a" * 9 + "…"
    assert clip(None, 10) == "" and clip(" a\x00b\x1b ", 10) == "ab"
    assert plain("\u202ea\u2067b", 10) == "ab"


_SPANS = st.lists(
    st.fixed_dictionaries({"start": st.integers(-5, 80), "end": st.integers(-5, 80)}), max_size=12
)


@given(st.text("ab \n\r😀<", max_size=60), _SPANS)
def test_marking_mentions_loses_and_doubles_no_text(body: str, spans: list[dict[str, int]]) -> None:
    entity = {"label": "PERSON", "canonical": "A", "mentions": spans}
    paragraphs = paragraphs_of(body, [entity])
    texts = ["".join(piece.text for piece in paragraph) for paragraph in paragraphs]
    assert texts == [line for line in re.split(r"[\n\r]+", body) if line.strip()]
    allowed = {body[span["start"] : span["end"]] for span in spans if 0 <= span["start"] < span["end"]}
    assert {piece.text for paragraph in paragraphs for piece in paragraph if piece.css} <= allowed


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(0, 8)], ["Ann Reed"]),
        ([(0, 3), (0, 8)], ["Ann Reed"]),
        ([(0, 8), (4, 12)], ["Ann Reed"]),
        ([(0, 3), (3, 8)], ["Ann", " Reed"]),
        ([(8, 0), (3, 3), (-1, 3), (0, 10**9)], []),
        ([(9, 16)], []),
        ([], []),
    ],
    ids=["one", "nested", "overlapping", "adjacent", "no spans", "over a line's end", "none"],
)
def test_mentions_that_cannot_be_marked_are_left_as_text(
    spans: list[tuple[int, int]], expected: list[str]
) -> None:
    mentions = [{"start": start, "end": end} for start, end in spans]
    entity: dict[str, Any] = {"label": "PERSON", "canonical": "Ann Reed", "mentions": mentions}
    paragraphs = paragraphs_of("Ann Reed ran\n\naway.", [entity])
    assert [piece.text for paragraph in paragraphs for piece in paragraph if piece.css] == expected


@pytest.mark.parametrize(
    ("span", "phrase"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=90), "1 minute ago"),
        (timedelta(minutes=119), "1 hour ago"),
        (timedelta(days=2, hours=3), "2 days ago"),
        (timedelta(days=65), "2 months ago"),
        (timedelta(days=800), "2 years ago"),
        (timedelta(hours=-5), "in 5 hours"),
        (timedelta(days=-365_250 * 2), "in 2,000 years"),
    ],
)
def test_how_long_ago(span: timedelta, phrase: str) -> None:
    assert relative(NOW - span, NOW) == phrase


@pytest.mark.parametrize("value", [None, "", "soon", 7, "9999-12-31T23:59:59-12:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_instant_is_not_shown(value: object) -> None:
    assert moment(value, NOW) is None


def test_an_instant_is_shown_in_utc() -> None:
    at = moment("2026-11-25T09:05:00+02:00", NOW)
    assert at is not None
    assert (at.iso, at.absolute, at.relative) == (
        "2026-11-25T07:05:00Z", "25 Nov 2026, 07:05 UTC", "55 minutes ago",
    )  # fmt: skip


def test_scores_are_signed_and_words_come_from_the_label() -> None:
    assert [signed(score) for score in (0.2, -0.257, 0.0, -0.001)] == ["+0.20", "−0.26", "0.00", "0.00"]
    read = tone({"label": "neutral", "score": 0.5})
    assert read is not None and (read.label, read.position) == ("neutral", 75)
    assert tone(None) is None and tone({"score": "high"}) is None


def test_names_are_joined() -> None:
    assert [joined(names) for names in ([], ["A"], ["A", "B"], ["A", "B", "C"])] == [
        "", "A", "A and B", "A, B and C",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "exact", "phrase"),
    [
        (1, True, "1 article"),
        (1_234, True, "1,234 articles"),
        (10_000, False, "about 10,000 articles or more"),
        (None, False, ""),
    ],
)
def test_totals(total: int | None, exact: bool, phrase: str) -> None:
    assert total_phrase(Page(hits=(), total=total, exact=exact)) == phrase


def test_an_address_changes_one_thing_and_drops_the_page() -> None:
    address = Address.of(
        [("q", "a b&c"), ("source", "X"), ("cursor", "c1"), ("evil", "1"), ("to", " "), ("source", "X")]
    )
    assert address.href == "/?q=a+b%26c&source=X"
    assert address.adding("source", "Y").href == "/?q=a+b%26c&source=X&source=Y"
    assert address.adding("source", "Y").removing("source", "X").href == "/?q=a+b%26c&source=Y"
    assert address.setting("q", "z").removing("source").href == "/?q=z"
    assert address.without_filters().removing("q").href == "/"
    assert address.at("c2") == "/?q=a+b%26c&source=X&cursor=c2"


def test_an_expression_is_never_rewritten() -> None:
    for q in ('"a b"', "a OR b", "-a b", "title:a b", "a~1 b"):
        hrefs = [option.href for option in suggestions(q, Address((("q", q),)))]
        assert hrefs == ["/"], q


def test_chosen_values_come_first_and_none_of_them_is_hidden() -> None:
    counts = [FacetCount(f"GPE:Place {n}", 90 - n, f"Place {n}") for n in range(20)]
    counts += [FacetCount("GPE:Rare", 1, "Rare")]
    address = Address((("entity", "rare"), ("entity", "GPE:Place 15")))
    facet = facet_view("places", counts, 100, address)
    assert facet is not None
    assert [toggle.label for toggle in facet.toggles[:3]] == ["Place 15", "Rare", "Place 0"]
    assert [toggle.active for toggle in facet.toggles].count(True) == 2
    assert len(facet.toggles) == 6 and len(facet.rarer) == 15
    assert len({toggle.key for toggle in (*facet.toggles, *facet.rarer)}) == 21


@pytest.mark.parametrize(
    ("parameters", "is_one"),
    [
        ({"q": "xi jinping"}, True),
        ({"q": "O'Neill Jr."}, True),
        ({"q": '"Xi Jinping"'}, True),
        ({"entity": "GPE:Lyon"}, True),
        ({"entity": "GPE:Lyon", "q": "flood"}, False),
        ({"q": "title:xi"}, False),
        ({"q": "(xi)"}, False),
        ({"q": "a " * 9}, False),
        ({"q": ""}, False),
        ({"q": "x" * 100_000 + "("}, False),
    ],
    ids=str,
)
def test_a_search_may_be_one_name(parameters: dict[str, str], is_one: bool) -> None:
    assert may_be_name(Address(tuple(parameters.items()))) == is_one


def test_what_says_the_same_elsewhere_is_counted_by_outlets() -> None:
    copy = {"id": "0" * 32, "title": "T", "source": "S"}
    for count, sources, said in ((5, 4, "Also in 4 other outlets"), (1, 1, "Also in 1 other outlet"),
                                 (2, 0, "2 more by the same outlet")):  # fmt: skip
        also = also_of({"count": count, "sources": sources, "articles": [copy]}, NOW)
        assert also is not None and (also.said, also.more) == (said, count - 1)
    assert also_of(None, NOW) is None
