"""Quotes: who said what. Texts that the rules were written on are in tests/data/quotes/development.jsonl."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from services.cli.evaluation import quotes as evaluation
from services.cli.evaluation.records import Row
from services.enrich.draft import Draft
from services.enrich.entities import EntityRecogniser
from services.enrich.pipeline import Models, attribute_quotes
from services.enrich.quotes import find_quotes
from services.enrich.quotes.finder import MAX_QUOTES
from services.enrich.quotes.marks import paragraphs, quoted
from shared.events import Entity, Label, Language, Mention, Quote
from tests.support import submitted

GOLD = Path(__file__).resolve().parents[1] / "data" / "quotes"


def named(text: str, **labels: Label) -> tuple[Entity, ...]:
    """Return entities for every place of the names; `Ann_Reed` stands for "Ann Reed"."""
    entities = []
    for key, label in labels.items():
        name = key.replace("_", " ")
        starts = [at for at in range(len(text)) if text.startswith(name, at)]
        mentions = tuple(Mention(start=at, end=at + len(name)) for at in starts)
        entities.append(
            Entity(text=name, label=label, canonical=name, count=len(starts) or 1, mentions=mentions)
        )
    return tuple(entities)


def said(text: str, **labels: Label) -> list[tuple[str | None, str]]:
    """Return (speaker, words) of the quotes. Ann Reed is a person of every text, Acme a company."""
    found = find_quotes(text, named(text, Ann_Reed="PERSON", Acme="ORG", **labels))
    for quote in found:
        assert text[quote.start : quote.end] == quote.text
        assert quote.speaker_start is not None
    return [(quote.speaker, quote.text) for quote in found]


@pytest.mark.parametrize(
    "text",
    [
        '"We go," said Ann Reed.',
        '"We go," Ann Reed said.',
        "“We go,” Ann Reed, the minister, said on Friday.",
        "“We go,” the minister, Ann Reed, told reporters.",
        "Ann Reed said: “We go,”",
        "Ann Reed, who leads the party, said, “We go,”",
        "‘We go,’ said Ann Reed.",
        "'We go,' Ann Reed added.",
        "«We go,» wrote Ann Reed.",
        "„We go,“ Ann Reed tweeted.",
        "``We go,'' said Ann Reed.",
        "“We go,” said minister Ann Reed of Acme.",
        "Ann Reed was clear: “We go,”",
        "Ann Reed rose. “We go,” she said.",
    ],
)
def test_words_in_marks_belong_to_whom_the_sentence_names(text: str) -> None:
    assert said(text) == [("Ann Reed", "We go,")]


@pytest.mark.parametrize(
    ("text", "speaker", "words"),
    [
        ("Ann Reed said that the port was shut.", "Ann Reed", "the port was shut"),
        ("Ann Reed, a lawyer, said on Friday the port was shut.", "Ann Reed", "the port was shut"),
        ("Acme warned that the port was shut.", "Acme", "the port was shut"),
        ("The port was shut, Ann Reed said.", "Ann Reed", "The port was shut"),
        ("The port was shut, the captain, Ann Reed, told AFP.", "Ann Reed", "The port was shut"),
        ("The port was shut, according to Acme.", "Acme", "The port was shut"),
        ("According to Acme, the port was shut.", "Acme", "the port was shut"),
        ("The port, Ann Reed said, was shut.", "Ann Reed", "The port, Ann Reed said, was shut"),
        ("Officials said the port was shut.", "Officials", "the port was shut"),
        ("A spokesman for Acme said it was shut.", "A spokesman for Acme", "it was shut"),
        ("Ann Reed's lawyer said it was shut.", "Ann Reed's lawyer", "it was shut"),
        ("Ann Reed told Acme that it was shut.", "Ann Reed", "it was shut"),
        ("Ann Reed said it was “shut for good”.", "Ann Reed", "it was “shut for good”"),
    ],
)
def test_a_reported_clause_is_a_quote(text: str, speaker: str, words: str) -> None:
    assert said(text) == [(speaker, words)]


@pytest.mark.parametrize(
    "text",
    [
        "The “green wall” was shut by Ann Reed.",
        "Ann “Lucky” Reed won the “golden boot”.",
        "The novel “The Long Road Home” was filmed as “Home”.",
        "Ann Reed would not say whether the port was shut.",
        "Ann Reed declined to say when it was shut.",
        "It is said that the port was shut.",
        "If Ann Reed says no, the port is shut.",
        "Ann Reed said nothing.",
        "Acme reported a loss of five million.",
        "Ann Reed told a story about the sea.",
        "Nobody said the port was shut.",
        "Acme denies that the port was shut.",
        "“We go, said Ann Reed and left.",
        "",
    ],
)
def test_what_nobody_says_is_no_quote(text: str) -> None:
    assert said(text) == []


def test_a_quote_goes_on_after_its_speaker() -> None:
    text = "“We go,” said Ann Reed, “but we return.” He left. “Soon.”"
    assert said(text) == [("Ann Reed", "We go,"), ("Ann Reed", "but we return.")]
    assert said("“We go,” said Ann Reed. “Soon.”") == [("Ann Reed", "We go,"), ("Ann Reed", "Soon.")]


def test_a_quote_of_several_paragraphs_opens_each_of_them_anew() -> None:
    text = "Ann Reed said: “First, we go.\n\n“Then we return.\n\n“That is all.”"
    assert said(text) == [
        ("Ann Reed", "First, we go."),
        ("Ann Reed", "Then we return."),
        ("Ann Reed", "That is all."),
    ]


def test_a_pronoun_that_could_be_two_people_names_nobody() -> None:
    text = "The prize went to Ann Reed and Joan Hale. “We go,” she said."
    assert said(text, Joan_Hale="PERSON") == [(None, "We go,")]


def test_the_article_calls_nobody_both_he_and_she() -> None:
    text = "Ann Reed came. “We go,” she said. “We stay,” he said."
    assert said(text) == [("Ann Reed", "We go,"), (None, "We stay,")]


def test_a_clause_whose_speaker_is_unknown_is_left_out() -> None:
    assert said("It went to Ann Reed and Joan Hale. She said the port was shut.", Joan_Hale="PERSON") == []


def test_what_a_speaker_says_that_others_said_is_the_speakers() -> None:
    text = "Ann Reed said that Acme had warned that the port was shut."
    assert said(text) == [("Ann Reed", "Acme had warned that the port was shut")]


def test_two_speakers_of_one_sentence_have_a_clause_each() -> None:
    text = "Ann Reed said the port was shut, but Acme said it was open."
    assert said(text) == [("Ann Reed", "the port was shut"), ("Acme", "it was open")]


def test_the_article_is_told_where_the_speaker_is_named_and_by_which_word() -> None:
    text = "Ann Reed came. “We go,” she added."
    (quote,) = find_quotes(text, named(text, Ann_Reed="PERSON"))
    assert (quote.kind, quote.cue, quote.speaker) == ("direct", "added", "Ann Reed")
    assert text[quote.speaker_start : quote.speaker_end] == "she"


def test_a_wrapped_line_does_not_end_a_paragraph() -> None:
    text = (
        "“We will go to the island when the ferry sails again, and we\nwill stay,” said Ann Reed.\nThe end."
    )
    assert [text[start:end] for start, end in paragraphs(text)] == [text[:-9], "The end."]
    assert said(text)[0][0] == "Ann Reed"


def test_apostrophes_and_inches_are_no_marks() -> None:
    text = "It's the boys' 6\" pipe, isn't it? 'Tis so, he'd say."
    assert quoted(text, 0, len(text)) == []


def test_marks_within_marks_are_part_of_the_words() -> None:
    text = "“He said, ‘Run!’ and “we” ran,” said Ann Reed."
    assert said(text) == [("Ann Reed", "He said, ‘Run!’ and “we” ran,")]


# It grows and shrinks when its case is changed, by which offsets must not be moved.
def test_offsets_hold_beside_letters_that_grow_in_lower_case() -> None:
    text = "İİİ 😀 İstanbul: “We go,” said Ann Reed."
    assert said(text) == [("Ann Reed", "We go,")]


def test_other_languages_have_no_quotes() -> None:
    body = "“We go,” said Ann Reed."
    draft = Draft.of(submitted()).with_(body=body, entities=named(body, Ann_Reed="PERSON"))
    models = Models.__new__(Models)  # the step asks for none
    english = draft.with_(language=Language(code="en", confidence=1.0))
    french = draft.with_(language=Language(code="fr", confidence=1.0))
    assert len(attribute_quotes(english, models).quotes) == 1
    assert attribute_quotes(french, models).quotes == ()


@pytest.mark.parametrize(
    "text",
    [
        '"' * 200_000,
        "'a" * 100_000,
        "he said " * 25_000,
        '"a," he said, ' * 15_000,
        '"Aa," ' * 30_000 + "he said",
        "said, " * 30_000,
        "“" * 100_000 + "”" * 100_000,
        "according to " * 15_000,
        "x" * 200_000,
        "A, b, " * 30_000 + "said that it was so.",
        "\n“We go\n" * 20_000,
        "Ann Reed, who said that " * 8_000,
    ],
    ids=range(12),
)
def test_hostile_text_takes_bounded_time(text: str) -> None:
    entities = named(text[:2_000], Ann_Reed="PERSON")
    started = time.process_time()
    found = find_quotes(text * 2, entities)
    assert time.process_time() - started < 4
    assert len(found) <= MAX_QUOTES


def test_lone_surrogates_and_controls_do_no_harm() -> None:
    assert find_quotes("\ud800 “\x00,” said \udfff. \u202e“A.”", ()) is not None


def test_mentions_that_overlap_or_lie_outside_do_no_harm() -> None:
    spans = ((0, 8), (4, 12), (10**6, 10**6 + 4), (3, 3))
    mentions = tuple(Mention(start=start, end=end) for start, end in spans)
    entity = Entity(text="x", label="PERSON", canonical="x", count=4, mentions=mentions)
    quotes = find_quotes("Ann Reed said the port was shut.", (entity,))
    assert all(isinstance(quote, Quote) for quote in quotes)


def _gold(name: str) -> list[Row]:
    return [json.loads(line) for line in (GOLD / name).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def recogniser() -> EntityRecogniser:
    return EntityRecogniser.load()


@pytest.mark.parametrize(
    ("name", "precision", "recall"), [("development.jsonl", 0.95, 0.87), ("held_out.jsonl", 0.89, 0.79)]
)
def test_annotated_texts_are_read_as_well_as_the_documentation_says(
    recogniser: EntityRecogniser, name: str, precision: float, recall: float
) -> None:
    total = evaluation.NOTHING
    for row in _gold(name):
        record = evaluation.parse(row)
        found = find_quotes(record.text, recogniser.recognise(record.title, record.text))
        total += evaluation.score(record.text, found, record.quotes)[0]
    assert total.precision >= precision
    assert total.recall >= recall
