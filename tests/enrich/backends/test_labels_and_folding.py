"""Label maps, and what becomes of spans of models that follow another guide."""

from __future__ import annotations

import pytest

from services.enrich.backends import NamedSpan, SpanFolder
from services.enrich.backends.labels import label_map, parse_labels
from shared.errors import ConfigurationError
from tests.enrich.backends.support import article

FOLDER = SpanFolder.load()


def test_labels_are_read_with_those_to_drop() -> None:
    assert parse_labels("X", "PER=PERSON, MISC= ,LOC=GPE,") == {"PER": "PERSON", "MISC": "", "LOC": "GPE"}
    assert parse_labels("X", "") == {}


@pytest.mark.parametrize("text", ["PER", "=PERSON", "PER=HUMAN"])
def test_a_bad_label_map_names_the_setting(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^WIREROOM_ENTITIES_LABELS: "):
        parse_labels("WIREROOM_ENTITIES_LABELS", text)


def test_ontonotes_labels_are_ours_and_useless_ones_are_dropped() -> None:
    assert label_map(["PERSON", "GPE", "LOC", "CARDINAL"], {}) == {
        "PERSON": "PERSON",
        "GPE": "GPE",
        "LOC": "LOC",
    }


def test_conll_labels_are_mapped_and_the_settings_win() -> None:
    assert label_map(["PER", "ORG", "LOC", "MISC"], {}) == {"PER": "PERSON", "ORG": "ORG", "LOC": "GPE"}
    assert label_map(["PER", "LOC", "MISC"], {"LOC": "LOC", "MISC": "NORP", "PER": ""}) == {
        "LOC": "LOC",
        "MISC": "NORP",
    }


def test_spans_are_trimmed_and_folded_under_one_name() -> None:
    body = "Ana Reyes left the United States. Reyes's lawyers said the U.S. had erred."
    spans = [
        NamedSpan(body.index(text), body.index(text) + len(text), label)
        for text, label in [
            ("Ana Reyes", "PERSON"),
            ("the United States", "GPE"),
            ("Reyes's", "PERSON"),
            ("the U.S.", "GPE"),
        ]
    ]
    found = {
        e.canonical: [body[m.start : m.end] for m in e.mentions] for e in FOLDER.fold(article(body), spans)
    }
    assert found == {"Ana Reyes": ["Ana Reyes", "Reyes"], "United States": ["United States", "U.S."]}


def test_overlapping_foreign_and_endless_spans_are_dropped() -> None:
    body = "New York Times " + "x" * 400
    spans = [
        NamedSpan(0, 8, "GPE"), NamedSpan(0, 14, "ORG"), NamedSpan(9, 14, "ORG"),
        NamedSpan(10, 9_999, "ORG"), NamedSpan(15, 415, "ORG"), NamedSpan(0, 3, "SPECIES"),
        NamedSpan(5, 5, "ORG"),
    ]  # fmt: skip
    assert [(e.text, e.label) for e in FOLDER.fold(article(body), spans)] == [("New York Times", "ORG")]


def test_values_are_added_by_rule_for_english_only() -> None:
    body = "It cost $5 million on 3 March 2024."
    assert {e.label for e in FOLDER.fold(article(body), [], values_by_rule=True)} == {"MONEY", "DATE"}
    assert FOLDER.fold(article(body, language="de"), [], values_by_rule=True) == ()
    assert FOLDER.fold(article(body), []) == ()
