"""What is marked in titles and bodies, and which passage is shown."""

from __future__ import annotations

import html
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.index.engine.marking import edit_distance, marker_for
from services.index.highlight import SNIPPET_CHARS, mark, same_length_fold, snippet
from services.index.query.parser import parse


def marked(query: str, text: str) -> str:
    """Return what is marked in a title, in square brackets."""
    shown = marker_for(parse(query, lenient=True).node).highlights(text, "").title
    return html.unescape(shown.replace("<mark>", "[").replace("</mark>", "]"))


MARKED = {
    "plain": ("xi", "Xi met Blinken", "[Xi] met Blinken"),
    "all of several": ("xi blinken", "Xi met Blinken", "[Xi] met [Blinken]"),
    "alternatives": ("xi OR biden", "Xi met Blinken", "[Xi] met Blinken"),
    "not within words": ("xi", "Taxi drivers in Xian, axis", "Taxi drivers in Xian, axis"),
    "stems": ("run", "Running runs run runner", "[Running] [runs] [run] runner"),
    "stem from an inflected word": ("running", "They run", "They [run]"),
    "stem that changes its end": ("sky", "Skies and sky", "[Skies] and [sky]"),
    "stem that changes early": ("die", "Dying, dies, died", "[Dying], [dies], [died]"),
    "stem ending in i": ("happy", "Happiness is happy", "[Happiness] is [happy]"),
    "doubled consonant": ("stop", "Stopping stopped", "[Stopping] [stopped]"),
    "phrase": ('"xi jinping"', "Xi, Xi Jinping, Jinping Xi", "Xi, [Xi Jinping], Jinping Xi"),
    "phrase over punctuation": ('"new york"', "New-York, new\n york", "[New-York], [new\n york]"),
    "phrase is not stemmed": ('"talk"', "Talks talk", "Talks [talk]"),
    "sloppy phrase by words": ('"xi president"~3', "Xi, the president", "[Xi], the [president]"),
    "hyphenated": ("al-jazeera", "Al-Jazeera, Al Jazeera, al", "[Al-Jazeera], [Al Jazeera], al"),
    "prefix": ("gov*", "Governor governs ungoverned", "[Governor] [governs] ungoverned"),
    "fuzzy": ("blinkin~", "Blinken Blinker Blinked", "[Blinken] Blinker Blinked"),
    "fuzzy swap": ("bilnken~1", "Blinken", "[Blinken]"),
    "accent in the text": ("jose", "José and Jose", "[José] and [Jose]"),
    "accent in the query": ("josé", "José and Jose", "[José] and [Jose]"),
    "decomposed query": ("jose\u0301", "José", "[José]"),
    "sharp s": ("weiss", "Weiß, WEISS", "[Weiß], [WEISS]"),
    "stroke": ("soren", "Søren", "[Søren]"),
    "ligature": ("aero", "Ærø aero", "[Ærø] [aero]"),
    "dotted capital": ("istanbul", "İstanbul", "[İstanbul]"),
    "cyrillic": ("киев", "Киев, КИЕВ", "[Киев], [КИЕВ]"),
    "chinese": ("北京", "在北京会见", "在[北京]会见"),
    "excluded": ("met -xi", "Xi met Blinken", "Xi [met] Blinken"),
    "other field": ("source:xi met", "Xi met Blinken", "Xi [met] Blinken"),
    "body only": ("body:xi title:met", "Xi met Blinken", "Xi [met] Blinken"),
    "person": ("person:xi", "Xi met Blinken", "[Xi] met Blinken"),
    "overlap": ('"xi jinping" xi jinping', "Xi Jinping", "[Xi Jinping]"),
    "nested boost": ("(xi^2 OR (met))^3", "Xi met Blinken", "[Xi] [met] Blinken"),
    "matches all": ("*", "Xi met Blinken", "Xi met Blinken"),
    "empty text": ("xi", "", ""),
}


@pytest.mark.parametrize("name", MARKED)
def test_marks(name: str) -> None:
    query, text, expected = MARKED[name]
    assert marked(query, text) == expected


def test_markup_in_the_text_is_escaped() -> None:
    node = parse("xi", lenient=True).node
    shown = marker_for(node).highlights('<b>Xi</b> & "co"', "<script>xi</script>")
    assert shown.title == "&lt;b&gt;<mark>Xi</mark>&lt;/b&gt; &amp; &quot;co&quot;"
    assert shown.body == "&lt;script&gt;<mark>xi</mark>&lt;/script&gt;"


def body_shown(query: str, body: str) -> str:
    return marker_for(parse(query, lenient=True).node).highlights("", body).body


FILLER = "Nothing of note was said by anyone in the room at that time. " * 10


def test_snippet_shows_where_most_of_the_query_is() -> None:
    body = f"Xi left. {FILLER} Xi and Blinken spoke of Taiwan. {FILLER} Xi Xi Xi."
    shown = body_shown("xi blinken taiwan", body)
    assert "<mark>Blinken</mark> spoke of <mark>Taiwan</mark>" in shown
    assert shown.startswith("Nothing of note") and shown.endswith("at that time.")


def test_snippet_begins_and_ends_with_a_sentence_if_one_is_near() -> None:
    before, after = "Some other words go before. " * 20, " What came then was of no note." * 20
    body = f"{before}The U.S. envoy met Mr. Xi in Bali.{after}"
    shown = body_shown("xi", body)
    assert shown.startswith("Some other words") and shown.endswith("of no note.")
    assert "The U.S. envoy met Mr. <mark>Xi</mark> in Bali." in shown


def test_snippet_within_a_long_sentence_has_ellipses() -> None:
    shown = body_shown("xi", "word and more " * 60 + "Xi then " + "word and more " * 60)
    assert shown.startswith("…") and shown.endswith("…") and "<mark>Xi</mark>" in shown
    assert not shown.startswith("… ") and not shown.endswith(" …")


def test_snippet_shows_line_breaks_as_spaces() -> None:
    assert body_shown("xi", "First\n\nXi came.\r\n\tAnd left.") == "First <mark>Xi</mark> came. And left."


def test_snippet_of_wide_text_is_half_as_long() -> None:
    shown = body_shown(
        "北京", "国家主席在会上说了很多话。" * 60 + "他在北京会见了客人。" + "会谈持续了一个小时。" * 60
    )
    assert "<mark>北京</mark>" in shown
    assert 60 < len(shown) <= SNIPPET_CHARS // 2 + 30
    assert shown.startswith("国家") and shown.endswith("。")


def test_snippet_never_cuts_off_a_match() -> None:
    for before in range(60, 400, 7):
        shown = body_shown(
            '"alpha beta gamma" delta', "x " * before + "alpha beta gamma " + "y " * 70 + "delta " + "z " * 99
        )
        assert "<mark>alpha beta gamma</mark>" in shown and "<mark>delta</mark>" in shown


def test_snippet_does_not_begin_or_end_within_a_letter() -> None:
    thai = "การประชุมครั้งนี้" * 60
    shown = body_shown("x", f"{thai}x{thai}")
    assert unicodedata.category(shown.removeprefix("…")[0])[0] != "M"
    family = "👨\u200d👩\u200d👧" * 90
    shown = body_shown("absent", family)
    assert not shown.removesuffix("…").endswith("\u200d")


def test_snippet_without_a_match_is_the_beginning() -> None:
    shown = body_shown("xi", FILLER)
    assert shown.startswith("Nothing of note") and shown.endswith("at that time.")
    assert len(shown) <= SNIPPET_CHARS + 1


def test_short_body_is_shown_whole() -> None:
    assert body_shown("xi", "Only Xi.") == "Only <mark>Xi</mark>."


def test_snippet_does_not_cut_words() -> None:
    shown = html.unescape(re.sub(r"</?mark>", "", body_shown("taiwan", f"{FILLER} Taiwan. {FILLER}"))).strip(
        "…"
    )
    assert set(shown.replace(".", "").split()) <= {*FILLER.replace(".", "").split(), "Taiwan"}


def test_text_without_spaces_is_cut_all_the_same() -> None:
    assert len(body_shown("x", "y" * 5_000)) <= SNIPPET_CHARS + 2


def test_frequent_word_leaves_marks_for_the_rare_one() -> None:
    assert "<mark>Taiwan</mark>" in body_shown("the taiwan", "the " * 5_000 + "Taiwan")


@pytest.mark.parametrize(
    ("query", "body", "marked"),
    [
        ("blinkin~1", "Blinken, Blinkins and blinki; a blinkinss", ["Blinken", "Blinkins", "blinki"]),
        ("strasse~1", "Die Straße, die Strasse und die Strase", ["Straße", "Strasse", "Strase"]),
        ("weissfluss~1", "Weißfluß", ["Weißfluß"]),
        ("xi~1", "xi x xis xisa", ["xi", "x", "xis"]),
        ("北~1", "在北京", ["在", "北", "京"]),
    ],
)
def test_near_words_are_marked_whatever_their_length(query: str, body: str, marked: list[str]) -> None:
    assert re.findall("<mark>(.*?)</mark>", body_shown(query, body)) == marked


@pytest.mark.parametrize("query", ["a", '"a a b"', "a*", "aa~1", '"a b"~5'])
def test_long_bodies_do_not_stall(query: str) -> None:
    began = time.process_time()
    body_shown(query, "ab a " * 400_000)
    assert time.process_time() - began < 1.0


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(max_size=30))
def test_highlighting_changes_nothing_but_marks(text: str, query: str) -> None:
    shown = marker_for(parse(query, lenient=True).node).highlights(text, text)
    assert re.sub(r"</?mark>", "", shown.title) == html.escape(text)
    passage, whole = html.unescape(re.sub(r"</?mark>", "", shown.body)), " ".join(text.split())
    assert passage in whole or passage.removeprefix("…").removesuffix("…") in whole


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
def test_folding_keeps_the_length(text: str) -> None:
    assert len(same_length_fold(text)) == len(text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400), st.lists(st.tuples(st.integers(0, 399), st.integers(1, 20)), max_size=20))
def test_snippet_takes_any_spans(text: str, raw: list[tuple[int, int]]) -> None:
    spans: list[tuple[int, int]] = []
    for start, length in sorted(raw):
        if start + length <= len(text) and (not spans or start >= spans[-1][1]):
            spans.append((start, start + length))
    assert snippet(text, spans).count("<mark>") <= len(spans)
    assert re.sub(r"</?mark>", "", mark(text, spans)) == html.escape(text)


@pytest.mark.parametrize(
    ("a", "b", "edits"),
    [
        ("abc", "abc", 0),
        ("abc", "abd", 1),
        ("abc", "acb", 1),
        ("abc", "ab", 1),
        ("", "ab", 2),
        ("abc", "xyz", 3),
    ],
)
def test_edit_distance(a: str, b: str, edits: int) -> None:
    assert edit_distance(a, b, 2) == edits
    assert edit_distance(b, a, 2) == edits
