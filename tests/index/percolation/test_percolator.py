"""Many searches against a batch: who is found, and what adding and removing at any time does."""

from __future__ import annotations

import threading

import pytest

from services.index.engine.protocol import Filters
from services.index.percolation import percolator as percolator_module
from services.index.percolation.matching import matching
from services.index.percolation.percolator import LARGEST_BATCH, Percolator
from services.index.query.parser import parse
from shared.events import ArticleEnriched
from tests.index.articles import article_id, enriched, entity

EVENTS = [
    enriched("visit", "Blinken meets Xi Jinping", "The talks ran late.", source="Reuters"),
    enriched("trade", "Trade talks in Delhi", "Mr Xi was absent.", source="Le Monde"),
    enriched("match", "José Martínez scores", "Extra time.", entities=(entity("PERSON", "José Martínez"),)),
]


def put(percolator: Percolator, **searches: str) -> None:
    for search_id, text in searches.items():
        percolator.put(search_id, parse(text, lenient=False).node)


def matches(percolator: Percolator, events: list[ArticleEnriched] = EVENTS) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for search_id, event in percolator.match(events):
        assert event.article_id not in found.get(search_id, set()), "a match is told once"
        found.setdefault(search_id, set()).add(event.article_id)
    return found


def ids(*keys: str) -> set[str]:
    return {article_id(key) for key in keys}


def test_each_search_gets_the_articles_that_match_it() -> None:
    percolator = Percolator()
    put(percolator, xi="xi", talks="talk -delhi", all="*", none="absent jinping", jose="person:martinez")
    percolator.put("reuters", parse("", lenient=False).node, Filters(source=("reuters",)))
    assert matches(percolator) == {
        "xi": ids("visit", "trade"),
        "talks": ids("visit"),
        "all": ids("visit", "trade", "match"),
        "jose": ids("match"),
        "reuters": ids("visit"),
    }
    assert len(percolator) == 6


def test_nothing_matches_without_searches_and_without_articles() -> None:
    percolator = Percolator()
    assert percolator.match(EVENTS) == []
    put(percolator, all="*")
    assert percolator.match([]) == []


def test_a_search_put_again_asks_what_it_was_put_with_last() -> None:
    percolator = Percolator()
    put(percolator, a="jinping", b="jinping")
    put(percolator, a="delhi")
    assert matches(percolator) == {"a": ids("trade"), "b": ids("visit")}


def test_a_removed_search_is_found_no_more_and_leaves_the_others() -> None:
    percolator = Percolator()
    texts = {"a": "xi", "b": "xi", "c": "xi*", "d": "xi~1", "e": "-xi", "f": '"xi jinping"', "g": "lang:e*"}
    put(percolator, **texts)
    for search_id in texts:
        assert search_id in matches(percolator)
        percolator.remove(search_id)
        assert search_id not in matches(percolator)
    percolator.remove("never there")
    assert len(percolator) == 0


def test_words_learned_before_a_search_was_put_are_looked_at_again() -> None:
    percolator = Percolator()
    put(percolator, a="xi")
    matches(percolator)
    put(percolator, b="talking", c="delh*", d="entity:jose", e="martines~1", f="source:monde")
    assert matches(percolator) == {
        "a": ids("visit", "trade"), "b": ids("visit", "trade"), "c": ids("trade"), "d": ids("match"),
        "e": ids("match"), "f": ids("trade"),
    }  # fmt: skip


def test_more_articles_than_one_round_takes_are_all_matched() -> None:
    events = [enriched(str(n), f"Number {n}", "Even." if n % 2 else "Odd.") for n in range(LARGEST_BATCH + 9)]
    found = matching(events, parse("even", lenient=False).node)
    assert [event.article_id for event in found] == [article_id(str(n)) for n in range(1, len(events), 2)]


def test_articles_of_more_text_than_one_round_takes_are_all_matched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(percolator_module, "LARGEST_TEXT_CHARS", 20)
    assert len(matching(EVENTS, parse("*", lenient=False).node)) == len(EVENTS)
    assert matching(EVENTS, parse("scores", lenient=False).node) == EVENTS[2:]


@pytest.mark.parametrize("text", ["talks", '"trade talks"', "tal*", "talkz~1", "-absent", "talks OR xi"])
def test_searches_come_and_go_while_others_match(text: str) -> None:
    percolator = Percolator()
    put(percolator, kept=text)
    expected = matches(percolator)["kept"]
    stop = threading.Event()
    failures: list[BaseException] = []

    def churn(name: str) -> None:
        try:
            while not stop.is_set():
                put(percolator, **{name: f"{text} OR {name}"})
                percolator.remove(name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=churn, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    try:
        for _ in range(50):
            assert matches(percolator)["kept"] == expected
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert matches(percolator) == {"kept": expected}
