"""Scans: every article of a search once, as of one moment, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from services.index.archive import Archive
from services.index.engine import scanning
from services.index.engine.protocol import Filters, IndexableEvent, Query, SearchEngine, StoredArticle
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.reindex import Rebuild
from tests.index.articles import NOW, article_id, enriched, minutes, retracted

EVERYTHING = Query()


@pytest.fixture(autouse=True)
def small_lots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanning, "LOT", 7)
    monkeypatch.setattr(scanning, "BATCH_BYTES", 1_500)


def store(engine: SearchEngine, *events: IndexableEvent) -> None:
    engine.upsert_many(events, NOW)
    engine.commit()


def some(count: int, **fields: object) -> list[IndexableEvent]:
    return [
        enriched(str(n), f"T{n}", published_at=NOW - minutes(n), **fields)  # type: ignore[arg-type]
        for n in range(count)
    ]


def read(
    engine: SearchEngine, query: Query, meanwhile: Callable[[int], object] = lambda batch: None
) -> list[StoredArticle]:
    articles: list[StoredArticle] = []
    page = engine.scan(query)
    for batch in range(1_000):
        articles += page.articles
        if page.next is None:
            return articles
        meanwhile(batch)
        page = engine.scan(query, page.next)
    raise AssertionError("the scan does not end")


def titles(articles: Iterable[StoredArticle]) -> list[str]:
    return [article.article["title"] for article in articles]


def test_a_scan_returns_every_match_once_and_the_newest_first(engine: SearchEngine) -> None:
    store(engine, *some(40), enriched("x", source="Other"), retracted("y"))
    articles = read(engine, EVERYTHING)
    # Two are of the newest second, and ordered by their ids.
    assert sorted(titles(articles[:2])) == ["A title", "T0"]
    assert titles(articles[2:]) == [f"T{n}" for n in range(1, 40)]
    assert titles(read(engine, Query(filters=Filters(source=("other",))))) == ["A title"]
    held = engine.get(article_id("3"))
    assert held in articles


def test_a_scan_of_nothing_ends_at_once(engine: SearchEngine) -> None:
    assert engine.scan(EVERYTHING).next is None


def test_articles_of_one_second_all_come(engine: SearchEngine) -> None:
    store(engine, *(enriched(str(n), f"T{n}", published_at=NOW) for n in range(60)))
    assert sorted(titles(read(engine, EVERYTHING))) == sorted(f"T{n}" for n in range(60))


def test_what_is_written_meanwhile_changes_nothing(engine: SearchEngine) -> None:
    store(engine, *some(40))

    def write(batch: int) -> None:
        store(
            engine,
            enriched(f"late-{batch}", "Late", published_at=NOW - minutes(batch * 3 + 0.5)),
            # A revision that moves its article to the end, where the scan has not been.
            enriched(str(batch), "Moved", revision=2, published_at=NOW - minutes(1_000)),
        )

    assert titles(read(engine, EVERYTHING, write)) == [f"T{n}" for n in range(40)]


def test_what_is_taken_down_meanwhile_is_left_out(engine: SearchEngine) -> None:
    store(engine, *some(40))
    found = titles(read(engine, EVERYTHING, lambda batch: store(engine, retracted("39"), retracted("38"))))
    assert found == [f"T{n}" for n in range(38)]


def test_a_scan_goes_on_in_an_index_that_was_made_anew(tmp_path: Path) -> None:
    archive, engine = Archive(tmp_path), TantivyEngine(tmp_path)
    events = some(40)
    engine.upsert_many(events, NOW)
    archive.append(events, NOW)
    engine.commit()

    def exchange(batch: int) -> None:
        if batch == 2:
            rebuild = Rebuild(engine.home, archive.path)
            rebuild.switch()
            assert engine.reopen_if_moved()

    assert titles(read(engine, EVERYTHING, exchange)) == [f"T{n}" for n in range(40)]
    assert engine.stats().directory == "index-2"
    engine.close()
    archive.close()


def test_present_tells_what_can_be_found(engine: SearchEngine) -> None:
    store(engine, enriched("a"), enriched("b"), retracted("b"), retracted("c", withheld=True))
    ids = [article_id(key) for key in "abcd"]
    assert engine.present([*ids, "no id", "\ud800"]) == {article_id("a")}
    assert engine.present([]) == set()
