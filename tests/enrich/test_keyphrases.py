import time

import pytest

from services.enrich.steps.keyphrases import MAX_KEYPHRASES, keyphrases
from services.enrich.steps.terms import BackgroundIdf
from shared.events import Entity, Mention

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


def test_words_of_the_headline_that_the_text_does_not_use_tell_nothing() -> None:
    found = texts("Strike BATTERS and bags islanders", BODY, (), BACKGROUND)
    assert "islanders" in found
    assert not {"BATTERS", "batters", "bags"} & set(found)


@pytest.mark.parametrize(
    "word", ["2-1", "14-year", "146km", "forty-one", "who've", "stranded", "overwhelmingly"]
)
def test_scores_contractions_and_verbs_are_no_keyphrases(word: str) -> None:
    found = texts(f"Strike {word}", f"{BODY} It was {word}, and {word} again: {word}.", (), BACKGROUND)
    assert word not in found and "ferry crews" in found


def test_an_acronym_and_its_name_are_given_once() -> None:
    wto = Entity(text="WTO", label="ORG", canonical="WTO", count=4)
    full = Entity(text="World Trade Organization", label="ORG", canonical="World Trade Organization", count=2)
    body = f"{BODY} The WTO met. The World Trade Organization, the WTO, met. WTO? World Trade Organization."
    assert (
        len({"WTO", "World Trade Organization"} & set(texts("WTO meets", body, (wto, full), BACKGROUND))) == 1
    )


def test_a_name_dropped_once_far_down_yields_to_what_the_article_is_about() -> None:
    body = f"{BODY}\n\n{'Filler of no interest here. ' * 8}Tove Dahl sang."
    dahl = Entity(
        text="Tove Dahl", label="PERSON", canonical="Tove Dahl", count=1,
        mentions=(Mention(start=body.index("Tove"), end=body.index("Tove") + 9),),
    )  # fmt: skip
    early = dahl.model_copy(update={"mentions": (Mention(start=0, end=9),)})

    def score(entity: Entity) -> float:
        found = keyphrases(TITLE, body, (entity,), BACKGROUND)
        return next((phrase.score for phrase in found if phrase.text == "Tove Dahl"), 0.0)

    assert 0 <= score(dahl) < 0.6 * score(early)


def test_a_brief_of_words_said_once_still_has_keyphrases() -> None:
    assert texts("", "Quake shakes Vanuatu islands.", (), BACKGROUND)


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
