"""The tagger's network: valid tags, one answer whatever was read before, and refusal of foreign files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from services.enrich.entities.article import Sentence
from services.enrich.entities.features import WordPieces, kind_numbers, phrase_numbers, shape_number
from services.enrich.entities.gazetteer import Gazetteer
from services.enrich.entities.mending import mended
from services.enrich.entities.network import TAGS, Network, best_path
from services.enrich.entities.recogniser import MODEL_DIR, MODEL_FILE, EntityRecogniser
from services.enrich.entities.spans import Span
from services.enrich.text import tokenize
from shared.errors import ConfigurationError

TITLE = "Ruto signs port deal with Kobayashi"
BODY = (
    "NAIROBI, Kenya - President William Ruto signed a deal with Aya Kobayashi of Mombasa Ports on Monday.\n\n"
    "Kobayashi thanked Ruto. Mombasa Ports will hire 40 people."
)


@pytest.fixture(scope="module")
def recogniser() -> EntityRecogniser:
    return EntityRecogniser.load()


def test_best_path_never_continues_what_did_not_start() -> None:
    scores = np.zeros((3, len(TAGS)), np.float32)
    scores[0, TAGS.index("I-ORG")] = 5
    scores[1, TAGS.index("I-PERSON")] = 3
    scores[1, TAGS.index("B-PERSON")] = 2
    scores[2, TAGS.index("I-PERSON")] = 4
    assert [TAGS[tag] for tag in best_path(scores)] == ["B-PERSON", "I-PERSON", "I-PERSON"]


def test_answers_do_not_depend_on_what_was_read_before(recogniser: EntityRecogniser) -> None:
    fresh = EntityRecogniser.load()
    for text in ("Sri Lanka", "Mombasa", "United Nations Security Council", "William", "Kobayashi of Kenya"):
        fresh.named_mentions("", text)
    assert fresh.named_mentions(TITLE, BODY) == recogniser.named_mentions(TITLE, BODY)


def test_more_distinct_words_than_are_kept_change_nothing(
    recogniser: EntityRecogniser, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = recogniser.named_mentions(TITLE, BODY)
    monkeypatch.setattr("services.enrich.entities.network._MAX_KNOWN_WORDS", 5)
    monkeypatch.setattr("services.enrich.entities.features._MAX_KNOWN_WORDS", 5)
    forgetful = EntityRecogniser.load()
    for _ in range(2):
        assert forgetful.named_mentions(TITLE, BODY) == expected


@pytest.mark.parametrize("rows", [3, 7, 64])
def test_long_texts_in_parts_read_as_one(
    recogniser: EntityRecogniser, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    expected = recogniser.named_mentions(TITLE, BODY)
    monkeypatch.setattr("services.enrich.entities.network._BLOCK_ROWS", rows)
    assert recogniser.named_mentions(TITLE, BODY) == expected


def test_article_without_words_has_no_names(recogniser: EntityRecogniser) -> None:
    assert recogniser.named_mentions("", " \n ") == []


def test_file_of_another_model_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "gazetteer.tsv.gz").write_bytes((MODEL_DIR / "gazetteer.tsv.gz").read_bytes())
    np.savez(tmp_path / MODEL_FILE, weights=np.zeros(3))
    with pytest.raises(ConfigurationError, match=r"services\.enrich\.training\.entities"):
        EntityRecogniser.load(tmp_path)
    (tmp_path / MODEL_FILE).write_bytes(b"PK not a zip")
    with pytest.raises(ConfigurationError, match=MODEL_FILE):
        EntityRecogniser.load(tmp_path)


def test_layers_that_reach_past_the_padding_are_refused() -> None:
    with np.load(MODEL_DIR / MODEL_FILE) as file:
        weights = dict(file)
    weights["dilations"] = np.array([1, 1, 3, 1])
    with pytest.raises(ValueError, match="layers"):
        Network(weights, Gazetteer())


def test_word_pieces_are_the_longest_there_are() -> None:
    cut = WordPieces(["[UNK]", "port", "##s", "po", "-", "e"])
    assert cut("Ports") == [1, 2]
    assert cut("Port-é") == [1, 4, 5]
    assert cut("port日") == [0]
    assert cut(" ") == [0]


def test_words_are_told_by_lists_and_shape() -> None:
    gazetteer = Gazetteer(given={"Aya"}, family={"Kobayashi"}, vocabulary={"port"})
    assert kind_numbers("Aya", gazetteer) == [0]
    assert kind_numbers("Sato-Kobayashi", gazetteer) == [1]
    assert kind_numbers("Port", gazetteer) == [3]
    assert shape_number("Aya") == shape_number("Kobayashi") != shape_number("AYA")
    assert phrase_numbers("G", 0, 1) != phrase_numbers("G", 0, 2) != phrase_numbers("G", 1, 2)


def _spans(text: str, found: Sequence[tuple[str, str]]) -> tuple[list[Sentence], list[Span]]:
    tokens = tokenize(text)
    words = [token.text for token in tokens]
    spans, start = [], 0
    for name, label in found:
        size = len(tokenize(name))
        start = next(i for i in range(start, len(words)) if words[i : i + size] == name.split())
        spans.append(Span(0, start, start + size, label))
        start += size
    return [Sentence(tokens, words, in_title=False)], spans


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        ("A South Korean firm", [("South", "NORP"), ("Korean", "NORP")], [("South Korean", "NORP")]),
        ("Thai Greek talks", [("Thai", "NORP"), ("Greek", "NORP")], [("Thai", "NORP"), ("Greek", "NORP")]),
        ("Aya Kobayashi", [("Aya", "PERSON"), ("Kobayashi", "PERSON")], [("Aya Kobayashi", "PERSON")]),
        ("the Clean Air Act", [("Clean Air Act", "ORG")], [("Clean Air Act", "LAW")]),
        ("Jane River spoke", [("Jane River", "PERSON")], [("Jane River", "PERSON")]),
        ("Cyclone Remal grew; Remal hit", [("Remal", "GPE"), ("Remal", "PRODUCT")],
         [("Cyclone Remal", "EVENT"), ("Remal", "EVENT")]),
    ],
)  # fmt: skip
def test_names_are_mended_by_their_words(
    text: str, found: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> None:
    sentences, spans = _spans(text, found)
    words = sentences[0].words
    result = [(" ".join(words[span.start : span.end]), span.label) for span in mended(sentences, spans)]
    assert result == expected
