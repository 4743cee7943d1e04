"""Measures with answers known by hand, and the sets that news-gold becomes to be measured on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from services.enrich.corpus.signature import shingles, words_of
from services.enrich.scoring import (
    BCubed,
    LabelTally,
    Score,
    bcubed,
    coarse_spans,
    macro_f1,
    micro,
    recall_at,
    score_tokens,
)
from services.enrich.training.gold_to_jsonl import bio_row, edited_copy, ner_row, related_row, shortened_copy
from services.enrich.training.news_gold import parse_gold, read_gold


def test_a_span_counts_only_with_both_ends_and_the_label_right() -> None:
    tally = LabelTally()
    tally.add_spans([(0, 2, "PERSON"), (5, 9, "GPE")], [(0, 2, "PERSON"), (5, 8, "GPE"), (0, 2, "ORG")])
    scores = tally.scores()
    assert scores == {"GPE": Score(0, 1, 1), "ORG": Score(0, 1, 0), "PERSON": Score(1, 1, 1)}
    total = micro(scores)
    assert (total.precision, total.recall, total.f1) == (1 / 3, 1 / 2, 2 / 5)


def test_coarse_spans_merge_places_and_drop_the_rest() -> None:
    spans = [(0, 1, "GPE"), (2, 3, "FAC"), (4, 5, "NORP"), (6, 7, "PERSON"), (8, 9, "PER"), (10, 11, "LOC")]
    assert coarse_spans(spans) == [
        (0, 1, "LOC"),
        (2, 3, "LOC"),
        (6, 7, "PER"),
        (8, 9, "PER"),
        (10, 11, "LOC"),
    ]


def test_macro_f1_weighs_labels_alike_and_a_withheld_answer_is_a_miss() -> None:
    tally = LabelTally()
    for expected, predicted in [("a", "a"), ("a", "a"), ("a", "b"), ("b", "b"), ("c", None)]:
        tally.add_class(expected, predicted)
    scores = tally.scores()
    assert macro_f1(scores) == pytest.approx((0.8 + 2 / 3 + 0) / 3)
    assert micro(scores).recall == 3 / 5


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        pytest.param([], BCubed(0, 0), id="nothing"),
        pytest.param([("x", 1), ("x", 1), ("y", 2)], BCubed(1, 1), id="perfect"),
        pytest.param([("x", 1), ("x", 2)], BCubed(1, 0.5), id="split"),
        pytest.param([("x", 1), ("y", 1)], BCubed(0.5, 1), id="merged"),
        # By hand: precision (2/3 + 2/3 + 1/3 + 1) / 4, recall (2/3 + 2/3 + 1 + 1/3) / 4.
        pytest.param([("x", 1), ("x", 1), ("y", 1), ("x", 2)], BCubed(2 / 3, 2 / 3), id="mixed"),
    ],
)
def test_bcubed_of_known_clusterings(pairs: list[tuple[str, int]], expected: BCubed) -> None:
    found = bcubed(pairs)
    assert (found.precision, found.recall) == pytest.approx((expected.precision, expected.recall))


def test_recall_at_five_asks_for_no_more_than_five() -> None:
    assert recall_at([1, 2, 3, 4, 5, 6], {1, 2, 3, 4, 5, 6, 7}, 5) == 1
    assert recall_at([9, 1], {1, 2}, 5) == 0.5
    assert recall_at([9, 8, 7, 6, 5, 1], {1}, 5) == 0
    with pytest.raises(ValueError, match="no item is relevant"):
        recall_at([1], set(), 5)


def test_tokens_count_as_often_as_they_stand_in_both() -> None:
    assert score_tokens(["a", "a", "b"], ["a", "b", "b", "c"]) == Score(2, 4, 3)


def test_gold_becomes_rows_whose_offsets_fit_their_text() -> None:
    marked = (
        '@@ id=gb-001 story=- outlet="Wire" date=2026-01-02T03:04Z topic=arts tone=0.5\n'
        "# {P|Ada} sings in {G|Rye}\n{P|Ada Moss} sang."
    )
    (article,) = parse_gold(marked)
    row = ner_row(article)
    assert [row["text"][start:end] for start, end, _ in row["entities"]] == ["Ada", "Rye", "Ada Moss"]
    assert (related_row(article)["cluster"], related_row(article)["published_at"]) == (
        None,
        "2026-01-02T03:04:00+00:00",
    )


@pytest.mark.parametrize("jaccard", [0.8, 0.6])
def test_an_edited_copy_is_as_near_as_asked(jaccard: float) -> None:
    text = " ".join(f"word{n}" for n in range(200))
    copy = edited_copy(text, jaccard, random.Random(1))
    ours, theirs = shingles(words_of(text)), shingles(words_of(copy))
    assert jaccard - 0.03 < len(ours & theirs) / len(ours | theirs) <= jaccard


@pytest.mark.parametrize("jaccard", [0.8, 0.6])
def test_a_shortened_copy_is_as_near_as_asked(jaccard: float) -> None:
    text = " ".join(f"word{n}" for n in range(200))
    copy = shortened_copy(text, jaccard)
    ours, theirs = shingles(words_of(text)), shingles(words_of(copy))
    assert text.startswith(copy)
    assert jaccard - 0.03 < len(ours & theirs) / len(ours | theirs) <= jaccard


def test_a_story_is_in_one_half_of_the_gold_and_both_halves_are_about_as_large(shared_data: Path) -> None:
    articles = read_gold(shared_data / "news-gold")
    halves = {(article.story, article.half) for article in articles if article.story}
    assert len(halves) == len({story for story, _ in halves})
    assert 0.4 < sum(article.half == 1 for article in articles) / len(articles) < 0.6


def test_tagged_tokens_become_text_and_spans() -> None:
    row = bio_row(["New", "York", "Xi", "Ma", "x"], ["B-LOC", "I-LOC", "B-PER", "B-PER", "I-ORG"])
    assert row["text"] == "New York Xi Ma x"
    assert row["entities"] == [[0, 8, "LOC"], [9, 11, "PER"], [12, 14, "PER"], [15, 16, "ORG"]]
