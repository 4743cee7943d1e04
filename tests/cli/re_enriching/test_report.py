"""The tally of a whole history: bounded, and the same after an interruption."""

from __future__ import annotations

from services.cli.re_enriching import report
from services.cli.re_enriching.changes import Change, Example
from services.cli.re_enriching.report import MAX_EXAMPLES, Failures, Tally


def change(number: int, *added: str) -> Change:
    return Change(
        parts=("anything", "entities"),
        added=tuple(("GPE", name) for name in added),
        sentiment=("neutral", "negative" if number % 2 else "neutral"),
        score_moved=0.25,
        language=("en", "en"),
        versions=(("entities", "crf 1", "net 2"),),
        example=Example(id=f"{number:032x}", title="T", before={}, after={}),
    )


def test_changes_are_counted() -> None:
    tally = Tally()
    for number in range(4):
        tally.add(change(number, "Quito", f"Place {number}"))
    document = tally.document()
    assert document["re_enriched"] == 4
    assert (document["changed"]["entities"], document["changed"]["topics"]) == (4, 0)
    assert document["entities"]["added"][0] == {"name": "GPE:Quito", "articles": 4}
    assert document["sentiment"] == {
        "labels": [{"name": "neutral → negative", "articles": 2}],
        "mean_score_moved": 0.25,
    }
    assert document["versions"] == [{"name": "entities: crf 1 → net 2", "articles": 4}]
    assert document["languages"] == []


def test_an_interruption_changes_nothing() -> None:
    whole, part = Tally(), Tally()
    for number in range(30):
        whole.add(change(number, f"Place {number % 7}"))
        part = Tally.model_validate_json(part.model_dump_json())
        part.add(change(number, f"Place {number % 7}"))
    assert part == whole


def test_examples_are_few_and_a_sample_by_id() -> None:
    tally = Tally()
    for number in reversed(range(50)):
        tally.add(change(number))
    assert [int(example.id, 16) for example in tally.examples] == list(range(MAX_EXAMPLES))


def test_any_number_of_names_stays_bounded_and_frequent_ones_are_kept(monkeypatch) -> None:
    monkeypatch.setattr(report, "_MAX_COUNTED", 100)
    tally = Tally()
    for number in range(1000):
        tally.add(change(number, "Quito", f"Place {number}"))
    assert len(tally.added) <= 100
    assert tally.added["GPE:Quito"] == 1000


def test_failures_keep_their_most_frequent_reasons_and_the_first_article_of_each() -> None:
    failures = Failures()
    for number in range(100):
        failures.add(f"id{number}", "common" if number % 2 else f"rare {number}")
    assert failures.articles == 100
    document = failures.document()
    assert document[0] == {"reason": "common", "articles": 50, "first_id": "id1"}
    assert len(document) <= 20
