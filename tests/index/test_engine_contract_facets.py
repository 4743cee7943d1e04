"""Facets: what they count under which filters, and that they are never older than they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from services.index.engine.protocol import (
    FACET_NAMES,
    FacetCount,
    FacetName,
    Filters,
    Query,
    SearchEngine,
)
from services.index.query.nodes import MATCH_ALL, Node, Term
from services.index.query.parser import parse
from tests.index.articles import NOW, enriched, entity, topic
from tests.index.conftest import ENGINES

CRIME, SPORT = topic("02000000", "crime, law and justice"), topic("15000000", "sport")
ARTICLES: dict[str, dict[str, Any]] = {
    "a": {
        "source": "Reuters", "topics": (CRIME,), "sentiment": 0.5, "story_id": "s1",
        "entities": (entity("PERSON", "Ada Lee"), entity("ORG", "Acme"), entity("GPE", "Lund")),
    },
    "b": {
        "source": "Reuters", "topics": (CRIME, SPORT), "sentiment": -0.5, "story_id": "s1",
        "entities": (entity("PERSON", "Ada Lee"), entity("PERSON", "Bo Ek"), entity("LOC", "Alps")),
    },
    "c": {
        "source": "Le Monde", "topics": (SPORT,), "language": "fr",
        "entities": (entity("PERSON", "Bo Ek"), entity("FAC", "Gare du Nord"), entity("NORP", "French")),
    },
    "d": {"source": "AFP", "title": "word", "language": "fr", "entities": (entity("EVENT", "Tour"),)},
}  # fmt: skip


@pytest.fixture(scope="module", params=ENGINES)
def stocked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SearchEngine]:
    opened = ENGINES[request.param](tmp_path_factory.mktemp("facets"))
    opened.upsert_many(
        [enriched(key, **({"title": "a word"} | fields)) for key, fields in ARTICLES.items()], NOW
    )
    opened.commit()
    yield opened
    opened.close()


def counts(
    engine: SearchEngine, name: FacetName, node: Node = MATCH_ALL, size: int = 10, **filters: tuple[str, ...]
) -> dict[str, int]:
    query = Query(node, Filters(**filters), facets=(name,), facet_size=size)  # type: ignore[arg-type]
    return {count.value: count.count for count in engine.search(query).facets[name]}


def test_persons_orgs_and_places_are_counted_apart(stocked: SearchEngine) -> None:
    assert counts(stocked, "persons") == {"PERSON:Ada Lee": 2, "PERSON:Bo Ek": 2}
    assert counts(stocked, "orgs") == {"ORG:Acme": 1}
    assert counts(stocked, "places") == {"GPE:Lund": 1, "LOC:Alps": 1, "FAC:Gare du Nord": 1}
    page = stocked.search(Query(facets=("places",)))
    assert FacetCount("FAC:Gare du Nord", 1, "Gare du Nord") in page.facets["places"]
    assert len(counts(stocked, "entities")) == 8


OWN: dict[FacetName, dict[str, tuple[str, ...]]] = {
    "entities": {"entity": ("Ada Lee",)},
    "persons": {"entity": ("PERSON:Ada Lee",)},
    "orgs": {"entity": ("Acme",)},
    "places": {"entity": ("Lund",)},
    "sources": {"source": ("Reuters",)},
    "languages": {"language": ("en",)},
    "topics": {"topic": ("crime",)},
    "sentiment": {"sentiment": ("positive",)},
    "stories": {"story": ("s1",)},
}


@pytest.mark.parametrize("name", FACET_NAMES)
def test_a_facet_is_not_narrowed_by_its_own_filter(stocked: SearchEngine, name: FacetName) -> None:
    assert counts(stocked, name, **OWN[name]) == counts(stocked, name)


@pytest.mark.parametrize("name", FACET_NAMES)
def test_a_facet_is_narrowed_by_text_and_by_all_other_filters(stocked: SearchEngine, name: FacetName) -> None:
    others = {"language": ("fr",)} if name != "languages" else {"source": ("Le Monde", "AFP")}
    narrowed = counts(stocked, name, Term("word"), **others, **OWN[name])
    assert narrowed == counts(stocked, name, Term("word"), **others)
    assert narrowed != counts(stocked, name)


def test_counts_tell_what_choosing_a_further_value_would_add(stocked: SearchEngine) -> None:
    chosen = Filters(source=("Reuters",))
    page = stocked.search(Query(filters=chosen, facets=("sources",)))
    assert page.total == 2
    for count in page.facets["sources"]:
        one = stocked.search(Query(filters=Filters(source=(count.value,))))
        assert one.total == count.count
        both = stocked.search(Query(filters=Filters(source=tuple({"Reuters", count.value}))))
        assert both.total == (2 if count.value == "Reuters" else 2 + count.count)


@pytest.mark.parametrize(
    ("name", "filters", "value"),
    [
        ("sources", {"source": ("AFP",)}, "AFP"),
        ("sources", {"source": ("afp", "Le Monde")}, "AFP"),
        ("orgs", {"entity": ("acme",)}, "ORG:Acme"),
        ("entities", {"entity": ("EVENT:Tour",)}, "EVENT:Tour"),
        ("topics", {"topic": ("sport",)}, "15000000"),
        ("topics", {"topic": ("02000000", "15000000")}, "15000000"),
        ("topics", {"topic": ("justice",)}, "02000000"),
    ],
)
def test_a_chosen_value_is_there_however_rare(
    stocked: SearchEngine, name: FacetName, filters: dict[str, tuple[str, ...]], value: str
) -> None:
    found = counts(stocked, name, size=1, **filters)
    assert found[value] == counts(stocked, name)[value]
    assert len(found) <= 1 + sum(map(len, filters.values()))


def test_a_chosen_value_that_nothing_has_is_not_there(stocked: SearchEngine) -> None:
    assert counts(stocked, "sources", source=("Nobody",)) == counts(stocked, "sources")


def test_facets_come_in_the_order_asked_for_and_each_once(stocked: SearchEngine) -> None:
    names: tuple[FacetName, ...] = ("topics", "persons", "sources")
    page = stocked.search(Query(filters=Filters(topic=("sport",), source=("Reuters",)), facets=names))
    assert tuple(page.facets) == names


def test_facets_follow_each_commit(engine: SearchEngine) -> None:
    query = Query(facets=("sources",))
    for n in range(1, 5):
        engine.upsert_many([enriched(f"k{n}", source="Reuters")], NOW)
        engine.commit()
        page = engine.search(query)
        assert page.facets["sources"] == (FacetCount("Reuters", n, "Reuters"),)
        assert engine.search(replace(query, cursor=None)).total == n


@pytest.mark.parametrize("text", ["word", "", "wor*", "wird~1", "word OR title", '"a word"', "-absent"])
def test_counts_are_those_of_the_filters_among_very_many_values(many: SearchEngine, text: str) -> None:
    """An engine that takes only the first values of each part of its index would count some short."""
    node = parse(text, lenient=False).node
    page = many.search(Query(node, facets=("entities", "persons", "sources"), facet_size=5))
    assert [count.value for count in page.facets["persons"]] == [f"PERSON:Name {n}" for n in range(5)]
    for count in (*page.facets["entities"], *page.facets["persons"]):
        found = many.search(Query(node, Filters(entity=(count.value,)), size=1, count="exact"))
        assert found.total == count.count
    rare = many.search(Query(node, Filters(entity=("Name 77",)), facets=("persons",), facet_size=5))
    assert rare.facets["persons"][-1] == FacetCount("PERSON:Name 77", rare.total or 0, "Name 77")


@pytest.fixture(scope="module", params=ENGINES)
def many(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchEngine]:
    """200 articles in ten commits; the n-th of 200 names is in each of the first 200 - n."""
    opened = ENGINES[request.param](tmp_path_factory.mktemp("many"))
    for commit in range(10):
        opened.upsert_many(
            [
                enriched(
                    f"k{at}", "a word", source=f"S{at % 3}",
                    entities=tuple(entity("PERSON", f"Name {n}") for n in range(200) if at + n < 200),
                )
                for at in range(commit, 200, 10)
            ],
            NOW,
        )  # fmt: skip
        opened.commit()
    yield opened
    opened.close()
