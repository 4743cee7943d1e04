"""Articles in other languages than English: what cannot be read is said to be unsupported."""

from __future__ import annotations

import pytest

from services.enrich import pipeline
from services.enrich.corpus import Neighbours
from services.enrich.draft import Draft
from services.enrich.pipeline import Models
from services.enrich.steps.terms import foreign_stop_words, term_of
from shared.events import Language
from shared.metrics import Metrics
from tests.support import NOW, submitted

MODELS = Models.load()
PENSIONS = (
    "Bundestag beschließt Rentenreform",
    "Der Bundestag hat am Freitag die Rentenreform beschlossen. Die Koalition stimmte mit großer "
    "Mehrheit für das Gesetz, das die Beiträge bis 2030 stabil halten soll. Die Opposition "
    "kritisierte, dass die Kosten für die jüngeren Jahrgänge steigen werden. Der Arbeitsminister "
    "sprach von einem guten Tag für die Rentner.",
)
PENSIONS_AGAIN = (
    "Streit um die Rente geht weiter",
    "Nach dem Beschluss der Rentenreform im Bundestag hat die Opposition eine Klage angekündigt. Die "
    "Beiträge der jüngeren Jahrgänge würden stark steigen, sagte die Fraktionschefin. Die Koalition "
    "wies das zurück; der Arbeitsminister nannte die Kritik unbegründet.",
)
FOOTBALL = (
    "Bayern gewinnt gegen Dortmund",
    "Der FC Bayern hat das Spitzenspiel gegen Borussia Dortmund mit drei zu eins gewonnen. Die "
    "Münchner waren von Beginn an die bessere Mannschaft und gingen in der zwölften Minute in "
    "Führung. Der Trainer sagte, dass er mit der Leistung der Spieler sehr zufrieden sei, auch wenn "
    "es noch Fehler gab.",
)
# As services/enrich/corpus/store.py has it.
SAME_STORY = 0.085


def drafted(text: tuple[str, str], **article: str) -> Draft:
    title, body = text
    return pipeline.enrich(submitted(title, title=title, body=body, **article), MODELS, Metrics())


def test_a_german_article_says_what_nobody_read() -> None:
    article = pipeline.finish(drafted(PENSIONS), Neighbours("s", (), ()), NOW).article
    assert article.language.code == "de"
    assert article.unsupported == ("entities", "sentiment", "topics", "keyphrases", "quotes")
    assert (article.entities, article.topics, article.keyphrases) == ((), (), ())
    assert (article.sentiment.label, article.sentiment.score, article.sentiment.confidence) == (
        "neutral",
        0,
        0,
    )
    assert article.body == PENSIONS[1]


def test_an_english_article_supports_everything() -> None:
    draft = drafted(
        ("Ministers meet", "Ana Reyes met ministers in Quito on Monday, and officials praised the talks.")
    )
    assert draft.unsupported == () and draft.entities and draft.topics


def test_a_text_too_short_for_its_language_to_be_known_is_read_as_english() -> None:
    draft = drafted(("", "Ana Reyes: 3-1"))
    assert draft.language.code == "und" and draft.unsupported == ()


@pytest.mark.parametrize(("confidence", "read_as"), [(0.49, "und"), (0.5, "sn")])
def test_a_doubtful_language_keeps_no_step_from_reading(confidence: float, read_as: str) -> None:
    draft = Draft.of(submitted()).with_(language=Language(code="sn", confidence=confidence))
    assert draft.read_as == read_as


def similarity(left: Draft, right: Draft) -> float:
    prints = [pipeline.fingerprint_of(draft, MODELS) for draft in (left, right)]
    weights = [
        {
            term: int.from_bytes(one.vector[at * 6 + 4 : at * 6 + 6], "little") / 65535
            for at, term in enumerate(one.terms)
        }
        for one in prints
    ]
    return sum(weight * weights[1].get(term, 0) for term, weight in weights[0].items())


def test_german_articles_are_related_by_what_they_tell_of_not_by_their_grammar() -> None:
    pensions, again, football = map(drafted, (PENSIONS, PENSIONS_AGAIN, FOOTBALL))
    assert similarity(pensions, again) > 2 * SAME_STORY
    assert similarity(pensions, football) < SAME_STORY
    assert similarity(again, football) < SAME_STORY


@pytest.mark.parametrize(
    ("language", "word"), [("de", "nicht"), ("fr", "dans"), ("ru", "что"), ("ar", "على")]
)
def test_function_words_are_known(language: str, word: str) -> None:
    assert term_of(word) in foreign_stop_words(language)


def test_a_language_without_a_list_has_none() -> None:
    assert foreign_stop_words("sn") == foreign_stop_words("") == frozenset()
