from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.enrich.text import split_sentences, tokenize


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Xi’s remarks", "Xi ’s remarks"),
        ("Blinken's visit", "Blinken 's visit"),
        ("JAMES'S BOOK", "JAMES 'S BOOK"),
        ("workers' rights", "workers ' rights"),
        ("Liu Fu-kuo's view", "Liu Fu-kuo 's view"),
        ("China-US talks", "China - US talks"),
        ("a Boston-based firm", "a Boston - based firm"),
        ("US-led, anti-IS", "US - led , anti - IS"),
        ("Nagorno-Karabakh", "Nagorno-Karabakh"),
        ("the U.S. and J.K. Rowling", "the U.S. and J.K. Rowling"),
        ("Donald J. Trump", "Donald J. Trump"),
        ("AT&T and M&S", "AT&T and M&S"),
        ("Mr. Okafor Jr. of Apple Inc.", "Mr. Okafor Jr. of Apple Inc."),
        ("He left.", "He left ."),
        ("N'djili, Qur'an, O’Brien", "N'djili , Qur'an , O’Brien"),
        ("$3.5m or 2.30 pm", "$ 3.5m or 2.30 pm"),
        ("at 5 p.m. on", "at 5 p.m. on"),
        ("Amazon.com sold", "Amazon.com sold"),
        ("see https://a.example/b?c. End", "see https://a.example/b?c. End"),
        ("BEIJING, May 21 (Xinhua) —", "BEIJING , May 21 ( Xinhua ) —"),
        ("", ""),
    ],
)
def test_text_splits_into_tokens(text: str, expected: str) -> None:
    assert [token.text for token in tokenize(text)] == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One ended. Two began! Three? Four", ["One ended.", "Two began!", "Three?", "Four"]),
        ("He met Dr. Okafor and Gen. Ito. They ate.", ["He met Dr. Okafor and Gen. Ito.", "They ate."]),
        ("In the U.S. President Biden spoke.", ["In the U.S. President Biden spoke."]),
        ("It is in the U.S. The talks failed.", ["It is in the U.S.", "The talks failed."]),
        ("Joe R. Biden spoke.", ["Joe R. Biden spoke."]),
        ("“No way.” He left.", ["“No way.”", "He left."]),
        ("Apple Inc. said so. It fell 2.5 percent.", ["Apple Inc. said so.", "It fell 2.5 percent."]),
        ("WICHITA, Kan. — About 40 left.", ["WICHITA, Kan. — About 40 left."]),
        ("A Heading\nText begins.", ["A Heading", "Text begins."]),
        ("Para one\n\nPara two", ["Para one", "Para two"]),
        (
            "The committee of senior ministers that met in the capital with Xi\nJinping rose.",
            ["The committee of senior ministers that met in the capital with Xi\nJinping rose."],
        ),
        ("Prices rose 3 p.m. yesterday", ["Prices rose 3 p.m. yesterday"]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_text_splits_into_sentences(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in split_sentences(text)] == expected


@given(st.text(max_size=400))
def test_offsets_index_the_text_whatever_it_is(text: str) -> None:
    previous = 0
    for token in tokenize(text):
        assert text[token.start : token.end] == token.text
        assert previous <= token.start < token.end
        previous = token.end
    last = 0
    for start, end in split_sentences(text):
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        assert not text[last:start].strip()
        last = end
    assert not text[last:].strip()


@pytest.mark.parametrize("unit", ["a-", "A.", "a@", "'", '."', "\n", ". ", "a.b", "1,", "[-", "."])
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    started = process_time()
    tokenize(text)
    split_sentences(text)
    assert process_time() - started < 3.0
