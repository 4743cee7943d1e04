import time

import pytest

from services.enrich.steps.keyphrases import MAX_KEYPHRASES, keyphrases
from services.enrich.steps.terms import BackgroundIdf
from shared.events import Entity

BACKGROUND = BackgroundIdf.load()
TITLE = "Strike strands islanders"
BODY = (
    "A strike has stranded hundreds of islanders, the harbour authority said on Monday. The ferry crews want"
    " shorter shifts. Ingrid Solvang, the trade minister, called it a setback for the island economy.\n\n"
    "Talks about the ferry crews resume on Tuesday in Bergen. The ferry crews said they would stay out."
)
SOLVANG = Entity(text="Ingrid Solvang", label="PERSON", canonical="Ingrid Solvang", count=1)


def texts(*arguments: object, **named: object) -> list[str]:
    return [phrase.text for phrase in keyphrases(*arguments, **named)]  # type: ignore[arg-type]


def test_the_telling_words_of_an_article_come_first() -> None:
    found = texts(TITLE, BODY, (), BACKGROUND)
    assert {"ferry crews", "islanders"} <= set(found[:4])
    assert not {"said", "monday", "the", "hundreds of"} & {phrase.lower() for phrase in found}


def test_words_that_stand_together_repeatedly_make_one_phrase() -> None:
    found = texts(TITLE, BODY, (), BACKGROUND)
    assert "ferry crews" in found
    assert "crews" not in found


def test_an_entity_is_given_by_its_full_name_once() -> None:
    found = texts(TITLE, BODY, (SOLVANG,), BACKGROUND)
    assert "Ingrid Solvang" in found
    assert not {"Ingrid", "Solvang"} & set(found)


def test_scores_fall_from_one_and_no_more_than_ten_are_given() -> None:
    scores = [phrase.score for phrase in keyphrases(TITLE, BODY * 3, (SOLVANG,), BACKGROUND)]
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)
    assert 3 < len(scores) <= MAX_KEYPHRASES


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", ""),
        ("the", "and of the"),
        ("\x00", "\ud800 \u200b"),
        ("", "…" * 1000),
        ("x" * 10**6, "y" * 10**6),
    ],
)
def test_text_that_tells_nothing_has_no_keyphrases(title: str, body: str) -> None:
    assert texts(title, body, (SOLVANG,), BACKGROUND) == []


def test_huge_text_is_bounded() -> None:
    started = time.perf_counter()
    body = " ".join(f"word{number} flood" for number in range(200_000))
    assert len(texts("Flood", body, (), BACKGROUND)) == MAX_KEYPHRASES
    assert time.perf_counter() - started < 2.0
