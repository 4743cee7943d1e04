"""What a search engine finds, filters, counts and shows: every engine passes this suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.index.engine.protocol import FacetCount, Filters, Page, Query, SearchEngine
from services.index.query.parser import parse
from tests.index.articles import NOW, article_id, enriched, retracted
from tests.index.conftest import ENGINES
from tests.index.contract_articles import ARTICLES, day
from tests.index.contract_queries import FOUND


@pytest.fixture(scope="module", params=ENGINES)
def stocked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    """An engine that holds ARTICLES, and two tombstones that nothing may find."""
    opened = ENGINES[request.param](tmp_path_factory.mktemp("stocked"))
    events: list[Any] = [enriched(key, **fields) for key, fields in ARTICLES.items()]  # type: ignore[arg-type]
    opened.upsert_many([*events, enriched("gone", "Xi removed", "Xi withheld")], NOW)
    opened.commit()
    opened.upsert_many([retracted("gone", revision=2), retracted("withheld", withheld=True)], NOW)
    opened.commit()
    yield opened
    opened.close()


Ask = Callable[..., Page]


@pytest.fixture
def ask(stocked: SearchEngine) -> Ask:
    def search(text: str = "", **settings: Any) -> Page:
        return stocked.search(Query(parse(text, lenient=True, now=day(16)).node, **settings))

    return search


def keys(page: Page) -> list[str]:
    names = {article_id(key): key for key in (*ARTICLES, "gone", "withheld")}
    return [names[hit.id] for hit in page.hits]


@pytest.mark.parametrize("text", FOUND)
def test_query_finds(text: str, ask: Ask) -> None:
    found, expected = keys(ask(text)), FOUND[text]
    assert (found if isinstance(expected, list) else set(found)) == expected
    assert len(found) == len(set(found))


FILTERED: dict[str, tuple[str, dict[str, Any], set[str]]] = {
    "source": ("", {"source": ("Reuters",)}, {"visit-reaction", "trade"}),
    "source whatever the case": ("", {"source": ("al JAZEERA",)}, {"visit"}),
    "source is whole": ("", {"source": ("Jazeera",)}, set()),
    "two sources": ("", {"source": ("Reuters", "Le Monde")}, {"visit-reaction", "trade", "french"}),
    "language": ("", {"language": ("zh",)}, {"chinese"}),
    "entity by name": ("", {"entity": ("Xi Jinping",)}, {"visit", "visit-reaction", "trade"}),
    "entity by label": ("", {"entity": ("PERSON:Xi Jinping",)}, {"visit", "visit-reaction", "trade"}),
    "entity by wrong label": ("", {"entity": ("ORG:Xi Jinping",)}, set()),
    "entity without accents": ("", {"entity": ("jose martinez",)}, {"match"}),
    "entity is whole": ("", {"entity": ("Xi",)}, set()),
    "topic by code": ("", {"topic": ("15000000",)}, {"match"}),
    "topic by name": ("", {"topic": ("Sport",)}, {"match"}),
    "sentiment": ("", {"sentiment": ("positive",)}, {"visit", "match"}),
    "story": ("", {"story": ("s-visit",)}, {"visit", "visit-reaction"}),
    "from": ("", {"from_at": day(15)}, {"chinese", "undated", "from-the-future"}),
    "to": ("", {"to_at": day(10)}, {"visit", "hyphens"}),
    "from to": ("", {"from_at": day(11, 13), "to_at": day(12)}, {"trade"}),
    "to before from": ("", {"from_at": day(12), "to_at": day(11)}, set()),
    "before 1970": ("", {"to_at": datetime(1931, 1, 1, tzinfo=UTC)}, set()),
    "after 2106": ("", {"from_at": datetime(9999, 1, 1, tzinfo=UTC)}, set()),
    "with text": ("xi", {"source": ("Reuters",), "from_at": day(12)}, {"trade"}),
    "with an excluded word": ("-delhi", {"source": ("Reuters",)}, {"visit-reaction"}),
    "of no value": ("", {"source": ("",)}, set()),
    "not encodable": ("", {"source": ("\ud800",), "language": ("\ud800",)}, set()),
}


@pytest.mark.parametrize("name", FILTERED)
def test_filter_keeps(name: str, ask: Ask) -> None:
    text, filters, expected = FILTERED[name]
    assert set(keys(ask(text, filters=Filters(**filters)))) == expected


def test_filters_do_not_change_the_score(ask: Ask) -> None:
    plain = {hit.id: hit.score for hit in ask("xi").hits}
    narrowed = {
        hit.id: hit.score for hit in ask("xi", filters=Filters(source=("Reuters",), from_at=day(1))).hits
    }
    assert narrowed == pytest.approx({key: plain[key] for key in narrowed})


def test_title_match_comes_before_any_number_of_mentions(engine: SearchEngine) -> None:
    bodies = [enriched(f"body {n}", "Short title", "taiwan " * 50) for n in range(20)]
    long_title = "A title that goes on and on and on for longer than others before it says Taiwan"
    engine.upsert_many([*bodies, enriched("title", long_title, "Nothing of it here.")], NOW)
    engine.commit()
    for text in ("taiwan", '"taiwan"', "taiw*", "taiwen~1", "taiwan OR absentword"):
        hits = engine.search(Query(parse(text, lenient=True).node)).hits
        assert hits[0].id == article_id("title"), text


def test_boost_turns_the_order(ask: Ask) -> None:
    assert keys(ask("twice OR welcome^10"))[0] == "visit-reaction"
    assert keys(ask("twice^10 OR welcome"))[0] == "match"


def test_newest_sorts_by_publication_and_puts_undated_at_receipt(ask: Ask) -> None:
    assert keys(ask("", sort="newest")) == [
        "undated", "from-the-future", "chinese", "french", "match", "trade",
        "visit-reaction", "visit", "hyphens",
    ]  # fmt: skip
    assert keys(ask("xi", sort="newest")) == ["trade", "visit-reaction", "visit"]


def test_what_ranks_nothing_is_sorted_newest_first(ask: Ask) -> None:
    page = ask("", filters=Filters(source=("Reuters",)))
    assert keys(page) == ["trade", "visit-reaction"]
    assert page.hits[0].score is None


def test_counts_are_exact_or_left_out(ask: Ask) -> None:
    exact = ask("xi", size=1, count="exact")
    assert (exact.total, exact.exact, len(exact.hits)) == (3, True, 1)
    capped = ask("xi", size=1)
    assert (capped.total, capped.exact) == (3, True)
    none = ask("xi", size=1, count="none")
    assert (none.total, none.exact) == (None, False)


def test_facets_count_the_whole_query(ask: Ask) -> None:
    page = ask("xi", size=1, facets=("entities", "sources", "languages", "topics", "sentiment", "stories"))
    assert page.facets["entities"][:2] == (
        FacetCount("PERSON:Xi Jinping", 3, "Xi Jinping"),
        FacetCount("PERSON:Antony Blinken", 2, "Antony Blinken"),
    )
    assert page.facets["sources"] == (
        FacetCount("Reuters", 2, "Reuters"),
        FacetCount("Al Jazeera", 1, "Al Jazeera"),
    )
    assert page.facets["languages"] == (FacetCount("en", 3, "en"),)
    assert page.facets["topics"] == (FacetCount("11000000", 3, "politics"),)
    assert {facet.value: facet.count for facet in page.facets["sentiment"]} == {
        "positive": 1, "neutral": 1, "negative": 1,
    }  # fmt: skip
    assert page.facets["stories"] == (FacetCount("s-visit", 2, "s-visit"),)


def test_facet_values_are_filters(ask: Ask) -> None:
    for facet in ask("", facets=("entities",), facet_size=50).facets["entities"]:
        assert ask("", filters=Filters(entity=(facet.value,))).total == facet.count
    for facet in ask("", facets=("topics",)).facets["topics"]:
        assert ask("", filters=Filters(topic=(facet.value,))).total == facet.count


def test_facets_leave_out_tombstones_dates_and_what_does_not_match(ask: Ask) -> None:
    everything = ask("", facets=("languages", "entities"), facet_size=50)
    assert sum(facet.count for facet in everything.facets["languages"]) == len(ARTICLES)
    assert not any(facet.value.startswith("DATE") for facet in everything.facets["entities"])
    assert ask("absentword", facets=("sources",)).facets == {"sources": ()}


def test_facet_size_limits_values(ask: Ask) -> None:
    assert len(ask("", facets=("sources",), facet_size=2).facets["sources"]) == 2


def test_hit_carries_a_card_and_highlights(ask: Ask) -> None:
    hit = ask('"xi jinping" talk').hits[0]
    assert hit.card["title"] == "Blinken meets Xi Jinping in Beijing"
    assert hit.card["source"] == "Al Jazeera"
    assert hit.card["published_at"] == "2026-11-10T12:00:00Z"
    assert [item["canonical"] for item in hit.card["entities"]] == ["Xi Jinping", "Antony Blinken", "Beijing"]
    assert "body" not in hit.card
    assert hit.highlights is not None
    assert hit.highlights.title == "Blinken meets <mark>Xi Jinping</mark> in Beijing"
    assert hit.highlights.body.startswith("The <mark>talks</mark> were running")


def test_highlights_are_escaped_and_left_out_on_demand(ask: Ask) -> None:
    shown = ask("figures").hits[0].highlights
    assert shown is not None
    assert shown.body == "Quarterly &amp; yearly &lt;<mark>figures</mark>&gt;: 1,234.5 per cent."
    assert ask("figures", highlight=False).hits[0].highlights is None


def test_excluded_words_are_not_marked(ask: Ask) -> None:
    shown = ask("delegates -blinken").hits[0].highlights
    assert shown is not None
    assert shown.body.count("<mark>") == 1


def test_more_like_this_finds_shared_words_and_not_itself(stocked: SearchEngine) -> None:
    similar = [hit.id for hit in stocked.more_like_this(article_id("visit"), 5)]
    assert article_id("visit-reaction") in similar
    assert article_id("visit") not in similar
    assert stocked.more_like_this(article_id("never seen")) == ()
    assert stocked.more_like_this(article_id("gone")) == ()


def test_stats_tell_articles_from_tombstones(stocked: SearchEngine) -> None:
    stats = stocked.stats()
    assert (stats.articles, stats.tombstones) == (len(ARTICLES), 2)
    assert stats.size_bytes > 0
    assert stocked.health().ok


@pytest.mark.parametrize(
    "text",
    ["(" * 5_000, "(" * 5_000 + "a" + ")" * 5_000, "a " * 10_000, "\0" * 50, "xi\0blinken",
     "AND OR NOT", '"', "~", "^^",
     "a*" * 300, "* " * 300, "e*", "e~2 " * 100, '"a b"~50 ' * 90, "\ud800", "id:\ud800", "id:.*",
     "id:(*", "story:*",
     "title:.*", "-" * 999, "a^50" + ")^50" * 20, "é" * 900, "習" * 900],
    ids=repr,
)  # fmt: skip
def test_hostile_query_is_answered(text: str, ask: Ask) -> None:
    ask(text, facets=("sources",))
    ask(text, sort="newest")


def test_whole_article_comes_back(stocked: SearchEngine) -> None:
    stored = stocked.get(article_id("match"))
    assert stored is not None
    article = stored.article  # type: ignore[union-attr]
    expected = enriched("match", **ARTICLES["match"]).article  # type: ignore[arg-type]
    assert type(expected).model_validate(article) == expected.model_copy(update={"indexed_at": NOW})


@pytest.mark.parametrize("unknown", ["", "0" * 32, "é", "\ud800", "a" * 100_000])
def test_unknown_id_is_none(unknown: str, stocked: SearchEngine) -> None:
    assert stocked.get(unknown) is None
    assert stocked.more_like_this(unknown) == ()


@pytest.mark.parametrize(
    "settings", [{"size": 0}, {"size": 101}, {"facet_size": 0}, {"facets": ("colours",)}]
)
def test_query_out_of_bounds_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"size|facets"):
        Query(**settings)


def test_counts_above_the_cap_are_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.index.engine.searching.COUNT_CAP", 3)
    engine = ENGINES["tantivy"](tmp_path)
    engine.upsert_many([enriched(f"k{n}", received_at=NOW - timedelta(hours=n)) for n in range(5)], NOW)
    engine.commit()
    capped = engine.search(Query(count="capped"))
    exact = engine.search(Query(count="exact"))
    assert (capped.total, capped.exact) == (3, False)
    assert (exact.total, exact.exact) == (5, True)
    engine.close()


def test_a_tone_that_nobody_read_is_not_neutral(engine: SearchEngine) -> None:
    engine.upsert_many(
        [
            enriched("read", "Hafen"),
            enriched("unread", "Hafen", language="de", unsupported=("entities", "sentiment")),
        ],
        NOW,
    )
    engine.commit()
    page = engine.search(Query(facets=("sentiment",), count="exact"))
    assert page.total == 2 and page.facets["sentiment"] == (FacetCount("neutral", 1, "neutral"),)
    for query in (
        Query(filters=Filters(sentiment=("neutral",))),
        Query(node=parse("sentiment:[-1 TO 1]", lenient=False).node),
    ):
        assert [hit.id for hit in engine.search(query).hits] == [article_id("read")]
    cards = {hit.id: hit.card for hit in page.hits}
    assert "sentiment" in cards[article_id("read")] and "sentiment" not in cards[article_id("unread")]
