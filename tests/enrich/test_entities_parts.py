"""The parts of the entity recogniser that need no trained model."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path
from time import process_time

import pytest

from services.enrich.entities.article import Sentence
from services.enrich.entities.canonical import NamedMention, fold_mentions
from services.enrich.entities.casing import CaseEvidence, headline_style, restore_case
from services.enrich.entities.features import word_shape
from services.enrich.entities.gazetteer import Gazetteer, read_gazetteer
from services.enrich.entities.rules import rule_spans
from services.enrich.entities.spans import Span, decode, is_acronym_of
from services.enrich.text import tokenize
from services.enrich.training.gazetteer import bake
from services.enrich.training.name_swaps import NameLists, swap_names
from services.enrich.training.news_gold import parse_gold, read_gold
from services.enrich.training.scoring import coarse_spans, score_spans
from services.enrich.training.tagger_data import EXTRA_GOLD, bio_tags, recased


def gazetteer() -> Gazetteer:
    names = Gazetteer(vocabulary={"meets", "for", "deal"})
    names.add("P", "Joe Biden", ["Biden", "President Biden", "Joseph R. Biden Jr."])
    names.add("G", "United States", ["US", "U.S.", "the States"])
    names.add("G", "New Delhi", [])
    names.add("O", "Group of 20", ["G20"])
    names.add("O", "World Bank", ["the World Bank"])
    return names


def mentions_of(marked: str) -> list[NamedMention]:
    """Return mentions for "PERSON:Joe Biden | ORG:G20", in that order."""
    found = []
    for position, piece in enumerate(marked.split(" | ")):
        label, _, text = piece.partition(":")
        words = tuple(token.text for token in tokenize(text))
        found.append(NamedMention(text, label, words, position * 100, position * 100 + len(text), False))
    return found


@pytest.mark.parametrize(
    ("marked", "expected"),
    [
        ("PERSON:Ann Okafor | PERSON:Okafor | PERSON:Ann", {"Ann Okafor": 3}),
        ("PERSON:Okafor | PERSON:Ann Okafor", {"Ann Okafor": 2}),
        ("PERSON:Ann Lee | PERSON:Lee | PERSON:Bob Lee | PERSON:Lee", {"Ann Lee": 2, "Bob Lee": 2}),
        ("PERSON:Ann Lee | PERSON:Bob Ray | PERSON:Lee | PERSON:Ray", {"Ann Lee": 2, "Bob Ray": 2}),
        ("PERSON:Joseph R. Biden Jr. | PERSON:Joe Biden | PERSON:Biden", {"Joe Biden": 3}),
        ("PERSON:Carla J. Ruiz | PERSON:Carla Ruiz", {"Carla J. Ruiz": 2}),
        ("PERSON:Xi Jinping | PERSON:Xi", {"Xi Jinping": 2}),
        ("GPE:US | GPE:United States | GPE:U.S. | GPE:States", {"United States": 4}),
        ("ORG:G20 | ORG:Group of 20", {"G20": 2}),
        ("ORG:Adivasi Vikas Morcha | ORG:AVM", {"Adivasi Vikas Morcha": 2}),
        ("ORG:Volt Wallet Inc. | ORG:Volt Wallet | ORG:Volt", {"Volt Wallet Inc.": 3}),
        ("ORG:Volt Wallet | ORG:Volt Motors | ORG:Volt", {"Volt Wallet": 1, "Volt Motors": 1, "Volt": 1}),
        ("GPE:Georgia | PERSON:Georgia", {"Georgia": 1}),
    ],
)
def test_mentions_fold_into_entities(marked: str, expected: dict[str, int]) -> None:
    groups = fold_mentions(mentions_of(marked), gazetteer())
    assert {group.canonical: len(group.mentions) for group in groups} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rose 3.5 percent, or 4% or 2 percentage points", ["3.5 percent", "4%", "2 percentage points"]),
        ("fell -2.1 per cent", ["-2.1 per cent"]),
        ("$3.5 million and US$41 million", ["$3.5 million", "US$41 million"]),
        ("Rs 4 lakh, RM300, £5bn, 200 euros", ["Rs 4 lakh", "RM300", "£5bn", "200 euros"]),
        ("on Tuesday, May 21, 2024 he", ["Tuesday, May 21, 2024"]),
        ("the 19th of June, 2023 and 2023-06-19", ["19th of June, 2023", "2023-06-19"]),
        ("since 1999, in November, last week", ["1999", "November", "last week"]),
        ("Theresa May said March of the Penguins may march", []),
        ("", []),
    ],
)
def test_amounts_and_dates_are_found(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end, _ in rule_spans(text)] == expected


@pytest.mark.parametrize("unit", ["1,", "$", "on ", "12 of ", "1 million ", "1", "the "])
def test_rules_accept_hostile_text(unit: str) -> None:
    text = unit * (100_000 // len(unit))
    spans = rule_spans(text)
    assert all(left[1] <= right[0] for left, right in pairwise(spans))


@pytest.mark.parametrize(
    ("short", "words", "expected"),
    [
        ("APEC", "Asia-Pacific Economic Cooperation", True),
        ("WHO", "World Health Organization", True),
        ("BoE", "Bank of England", True),
        ("UN", "Union", False),
        ("ABC", "World Health Organization", False),
    ],
)
def test_acronym_is_made_of_initials(short: str, words: str, expected: bool) -> None:
    assert is_acronym_of(short, words.split()) is expected


def test_tags_decode_to_spans() -> None:
    tags = ["B-GPE", "O", "I-ORG", "I-ORG", "B-ORG", "I-PERSON"]
    assert decode(tags, 3) == [
        Span(3, 0, 1, "GPE"), Span(3, 2, 4, "ORG"), Span(3, 4, 5, "ORG"), Span(3, 5, 6, "PERSON"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "style"),
    [
        ("XI MEETS BLINKEN IN BEIJING", "upper"),
        ("China and US Make Progress in Talks", "title"),
        ("China and US make progress in talks", "sentence"),
        ("OK", "sentence"),
    ],
)
def test_headline_style_is_told(line: str, style: str) -> None:
    assert headline_style(line.split()) == style


def words(text: str) -> list[str]:
    return text.split()


def test_headline_case_is_restored_from_the_body_and_from_names() -> None:
    evidence = CaseEvidence()
    evidence.add_sentence(words("Then Okafor signed the treaty"))
    upper = restore_case(words("OKAFOR MEETS BIDEN FOR TREATY IN US"), "upper", evidence, gazetteer())
    assert upper == words("Okafor meets Biden for treaty in US")
    evidence.add_sentence(words("They gave us hope"))
    upper = restore_case(words("TREATY GIVES US ALL HOPE"), "upper", evidence, gazetteer())
    assert upper[2] == "us"
    title = restore_case(words("Okafor Meets Biden For Treaty"), "title", evidence, gazetteer())
    assert title == words("Okafor meets Biden for treaty")


def test_longest_known_name_wins() -> None:
    sentence = words("the World Bank in New Delhi")
    names = gazetteer()
    assert names.match(sentence, 1) == (2, "O")
    assert names.match(sentence, 4) == (2, "G")
    assert names.match(sentence, 3) == (0, "")


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("Xi", "Xx"),
        ("US", "X"),
        ("xi", "x"),
        ("2024", "d4"),
        ("Fu-kuo", "Xx-x"),
        ("McKay", "XxX"),
        ("A350", "Xd"),
    ],
)
def test_words_have_shapes(word: str, shape: str) -> None:
    assert word_shape(word) == shape


def test_gazetteer_is_baked_to_the_same_bytes(tmp_path: Path) -> None:
    lists = tmp_path / "gazetteer"
    lists.mkdir()
    for name in ("famous", "places", "orgs-public", "orgs-private"):
        (lists / f"{name}.tsv").write_text("", encoding="utf-8")
    (lists / "famous.tsv").write_text("PERSON\tJosé Ruiz\tRuiz\tES\n", encoding="utf-8")
    (lists / "people.tsv").write_text("PERSON_GIVEN\tAda\t\tGB\n", encoding="utf-8")
    bake(tmp_path, [], tmp_path / "one.gz")
    bake(tmp_path, [], tmp_path / "two.gz")
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    baked = read_gazetteer(tmp_path / "one.gz")
    assert baked.match(["Jose", "Ruiz"], 0) == (2, "P")
    assert baked.main_names["P", "Ruiz"] == "José Ruiz"
    assert {"Ada", "Jose"} <= baked.given


def test_only_exact_spans_with_the_right_label_count() -> None:
    expected = [(0, 5, "GPE"), (6, 9, "ORG"), (10, 12, "LOC")]
    found = [(0, 5, "GPE"), (6, 8, "ORG"), (10, 12, "FAC")]
    scores = score_spans([(expected, found)])
    assert scores["GPE"].f1 == 1
    assert (scores["ORG"].precision, scores["ORG"].recall) == (0, 0)
    assert scores["micro"].f1 == pytest.approx(1 / 3)
    coarse = score_spans([(coarse_spans(expected), coarse_spans(found))])
    assert coarse["LOC"].f1 == 1


SWAPPABLE = """@@ id=eu-001 story=- outlet="A" date=2025-03-04T07:20Z topic=politics tone=0
# {P|Ilves} quits in {G|TALLINN}
{P|Marta Ilves} of {N|Estonian} {O|Baltic Wire} quit. {P|Ilves} left {G|Tallinn}.
"""


def test_swapped_names_keep_labels_and_surnames() -> None:
    lists = NameLists(
        names={
            "PERSON": [("Ada Byron",)],
            "GPE": [("Oslo",)],
            "ORG": [("Hyde Co", "HC")],
            "LOC": [],
            "FAC": [],
        },
        given={"GB": ["Ada"]},
        family={"GB": ["Byron"]},
    )
    article = parse_gold(SWAPPABLE)[0]
    versions = [swap_names(article, lists, random.Random(seed)) for seed in range(20)]
    for version in versions:
        labels = [label for _, _, label in version.title_marks + version.body_marks]
        assert labels == ["PERSON", "GPE", "PERSON", "NORP", "ORG", "PERSON", "GPE"]
        surfaces = [version.body[start:end] for start, end, _ in version.body_marks]
        assert surfaces[0].split()[-1] == surfaces[3]
        assert surfaces[1] == "Estonian"
    bodies = {version.body for version in versions}
    assert "Ada Byron of Estonian Hyde Co quit. Byron left Oslo." in bodies
    assert any("OSLO" in version.title for version in versions)


def test_marks_become_tags() -> None:
    tokens = tokenize("Marta Ilves of Oslo-based X")
    sentence = Sentence(tokens, [token.text for token in tokens], in_title=False)
    tags = bio_tags(sentence, [(0, 11, "PERSON"), (15, 19, "GPE")])
    assert tags == ["B-PERSON", "I-PERSON", "O", "B-GPE", "O", "O", "O"]


def test_recased_title_keeps_its_length() -> None:
    assert recased("Xi meets x", "upper") == "XI MEETS X"
    assert recased("Xi meets x", "title") == "Xi Meets X"
    assert recased("groß", "upper") == "groß"


def test_extra_gold_is_well_formed() -> None:
    articles = read_gold(EXTRA_GOLD)
    assert len(articles) == 19
    assert all("{" not in article.title + article.body for article in articles)


@pytest.mark.parametrize(
    "pattern", ["PERSON:A{n}b Smith", "PERSON:X{n}x Y{n}y", "ORG:Q{n}q Bank", "ORG:Z{n}Z"]
)
def test_many_distinct_names_fold_in_linear_time(pattern: str) -> None:
    mentions = mentions_of(" | ".join(pattern.replace("{n}", str(n)) for n in range(8000)))
    mentions += mentions_of("PERSON:Smith | ORG:QB") * 4000
    started = process_time()
    fold_mentions(mentions, gazetteer())
    assert process_time() - started < 2.0
