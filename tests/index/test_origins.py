"""What both the publisher and we say of an article: both are found and served, counted and listed once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from services.index.engine.protocol import FacetCount, Page, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import parse
from services.index.web.article import article_view, entity_rows, facts
from shared.events import Entity, Provenance, Topic
from tests.support import NOW, enriched

THEIRS = Entity(text="Asean", label="ORG", canonical="Asean", count=1, origin="publisher")
UNNAMED_IN_TEXT = Entity(text="Ann Reed", label="PERSON", canonical="Ann Reed", count=1, origin="publisher")
OURS = THEIRS.model_copy(update={"count": 4, "origin": "wireroom"})
TOPICS = tuple(
    Topic(code="11000000", name="politics and government", score=score, origin=origin)
    for score, origin in ((1.0, "publisher"), (0.7, "wireroom"))
)
EVENT = enriched(
    "a",
    entities=(THEIRS, UNNAMED_IN_TEXT, OURS),
    topics=TOPICS,
    embargoed_until=NOW + timedelta(hours=2),
    provenance=Provenance(door="ninjs", format="ninjs 3.x"),
)


def test_a_name_of_both_counts_once_and_one_of_the_publisher_is_found(tmp_path: Path) -> None:
    engine = TantivyEngine(tmp_path)
    engine.upsert_many([EVENT], NOW)
    engine.commit()
    page = engine.search(Query(parse('person:"ann reed"', lenient=True).node, facets=("entities", "topics")))
    assert page.total == 1
    assert set(page.facets["entities"]) == {
        FacetCount("ORG:Asean", 1, "Asean"),
        FacetCount("PERSON:Ann Reed", 1, "Ann Reed"),
    }
    assert [(one.value, one.count) for one in page.facets["topics"]] == [("11000000", 1)]
    card = page.hits[0].card
    assert [(one["canonical"], one["count"]) for one in card["entities"]] == [("Asean", 4), ("Ann Reed", 1)]
    assert [one["origin"] for one in card["topics"]] == ["publisher", "wireroom"]
    assert card["embargoed_until"] == "2026-11-25T10:00:00Z"
    engine.close()


def test_the_page_lists_it_once_and_tells_the_embargo_and_the_format() -> None:
    article = EVENT.article.model_dump(mode="json")
    assert [(row.name, row.count) for row in entity_rows(article["entities"])] == [
        ("Asean", 4),
        ("Ann Reed", 1),
    ]
    told = {fact.name: fact.value for fact in facts(article, NOW)}
    assert told["Format"] == "ninjs 3.x" and "10:00" in told["Embargoed until"]
    assert len(article_view(article, (), Page(()), now=NOW).topics) == 1
