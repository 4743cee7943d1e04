"""Edits of entities by operators: what they make of an article, and that they last and can be undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from services.index.archive import Archive
from services.index.engine.protocol import Query, StoredArticle
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_edits import EditTable, EntityEdit, EntityEditInput
from services.index.entity_edits_api import entity_edits_router
from services.index.entity_edits_file import FILE, EditRefused, EntityEdits
from services.index.handler import StoreHandler
from services.index.reindex import reindex
from shared.errors import ConfigurationError
from shared.events import ArticleEnriched, Entity, EntitySentiment, Keyphrase, Mention, Quote
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Entry
from tests.index.articles import NOW, article_id, enriched, retracted

USA = Entity(
    text="USA", label="GPE", canonical="USA", count=2,
    mentions=(Mention(start=40, end=43), Mention(start=9, end=12)),
    sentiment=EntitySentiment(score=-0.4, confidence=0.8, mentions=1),
)  # fmt: skip
STATES = Entity(
    text="United States", label="GPE", canonical="United States", count=3,
    mentions=(Mention(start=20, end=33),),
    sentiment=EntitySentiment(score=0.2, confidence=0.5, mentions=3),
)  # fmt: skip
FRUITFUL = Entity(text="Fruitful", label="GPE", canonical="Fruitful", count=1)
FRUITFUL_FILM = FRUITFUL.model_copy(update={"label": "WORK_OF_ART"})
REED = Entity(text="Reed", label="PERSON", canonical="Ann Reed", count=4)


def edit(action: str, name: str, **fields: Any) -> EntityEditInput:
    return EntityEditInput.model_validate({"action": action, "name": name, **fields})


def table(*edits: EntityEditInput) -> EditTable:
    return EditTable(
        EntityEdit(**given.model_dump(), id=number, made_at=NOW) for number, given in enumerate(edits, 1)
    )


def names(edits: EditTable, *entities: Entity) -> list[tuple[str, str, int]]:
    article = edits.article(enriched("a", entities=entities).article)
    return [(entity.label, entity.canonical, entity.count) for entity in article.entities]


def test_a_merge_adds_counts_mentions_and_weighs_tone() -> None:
    event = enriched("a", entities=(REED, STATES, USA))
    edited = table(edit("rename", "usa", to_name="United States")).event(event)
    assert edited is not event and edited.article.body == event.article.body
    states, reed = edited.article.entities
    assert reed == REED
    assert (states.canonical, states.text, states.count) == ("United States", "United States", 5)
    assert [(m.start, m.end) for m in states.mentions] == [(9, 12), (20, 33), (40, 43)]
    assert states.sentiment == EntitySentiment(score=0.05, confidence=0.575, mentions=4)
    assert edited.article.provenance.versions["entity_edits"] == "1"


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([edit("block", "fruitful")], [("PERSON", "Ann Reed", 4)]),
        (
            [edit("block", "Fruitful", label="GPE")],
            [("PERSON", "Ann Reed", 4), ("WORK_OF_ART", "Fruitful", 1)],
        ),
        (
            [edit("relabel", "Fruitful", label="GPE", to_label="WORK_OF_ART")],
            [("PERSON", "Ann Reed", 4), ("WORK_OF_ART", "Fruitful", 2)],
        ),
        (
            [edit("rename", "Ann Reed", to_name="Reed & Co", to_label="ORG"), edit("block", "Fruitful")],
            [("ORG", "Reed & Co", 4)],
        ),
        ([edit("rename", "B", to_name="C"), edit("rename", "Fruitful", to_name="B"), edit("block", "C")],
         [("PERSON", "Ann Reed", 4)]),
        (
            [edit("rename", "FRUITFUL", to_name="FruitFul"), edit("block", "Fruitful", label="WORK_OF_ART")],
            [("PERSON", "Ann Reed", 4), ("GPE", "FruitFul", 1)],
        ),
    ],
    ids=["block", "block a label", "relabel into another", "rename and relabel", "chain", "respell"],
)  # fmt: skip
def test_edits(edits: list[EntityEditInput], expected: list[tuple[str, str, int]]) -> None:
    assert names(table(*edits), REED, FRUITFUL, FRUITFUL_FILM) == expected


BODY = "Fruitful said so. Reed said no. Jordan, a guard, said yes. It denied that. Jordan said it would pay."
JORDAN_PERSON = Entity(
    text="Jordan", label="PERSON", canonical="Jordan", count=1, mentions=(Mention(start=32, end=38),)
)
JORDAN = Entity(
    text="Jordan", label="GPE", canonical="Jordan", count=1, mentions=(Mention(start=75, end=81),)
)


def spoken(speaker: str | None, start: int | None = None, end: int | None = None) -> Quote:
    return Quote(
        text="x", start=0, end=1, kind="indirect", cue="said", speaker=speaker,
        speaker_start=start, speaker_end=end,
    )  # fmt: skip


def speakers(edits: EditTable, *quotes: Quote, entities: tuple[Entity, ...]) -> list[str | None]:
    article = enriched("a", body=BODY, entities=entities, quotes=quotes).article
    return [quote.speaker for quote in edits.article(article).quotes]


def test_speakers_of_quotes_follow_a_rename_even_where_a_pronoun_names_them() -> None:
    edits = table(edit("rename", "ann reed", to_name="Ann Reed-Moss"))
    quotes = (
        spoken("Ann Reed", 18, 22),
        spoken("Ann Reed", 59, 61),
        spoken("a spokesman", 0, 3),
        spoken(None),
    )
    assert speakers(edits, *quotes, entities=(REED,)) == [
        "Ann Reed-Moss",
        "Ann Reed-Moss",
        "a spokesman",
        None,
    ]


def test_a_blocked_entity_leaves_its_quotes_the_words_of_the_body_and_no_pronoun() -> None:
    fruitful = FRUITFUL.model_copy(update={"mentions": (Mention(start=0, end=8),)})
    quotes = (spoken("Fruitful", 0, 8), spoken("Fruitful", 59, 61), spoken("Ann Reed", 18, 22))
    edits = table(edit("block", "Fruitful"))
    assert speakers(edits, *quotes, entities=(fruitful, REED)) == ["Fruitful", None, "Ann Reed"]


def test_a_speaker_whose_name_two_entities_have_follows_the_one_that_is_mentioned() -> None:
    edits = table(edit("rename", "Jordan", label="PERSON", to_name="Michael Jordan"))
    quotes = (spoken("Jordan", 32, 38), spoken("Jordan", 75, 81), spoken("Jordan", 59, 61))
    assert speakers(edits, *quotes, entities=(JORDAN_PERSON, JORDAN)) == [
        "Michael Jordan",
        "Jordan",
        "Jordan",
    ]


PHRASES = {"USA": 1.0, "dam": 0.8, "United States": 0.6, "Jordan": 0.4}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (edit("rename", "USA", to_name="United States"), {"United States": 1.0, "dam": 0.8, "Jordan": 0.4}),
        (edit("block", "usa"), {"dam": 1.0, "United States": 0.75, "Jordan": 0.5}),
        (edit("block", "Jordan", label="GPE"), PHRASES),
        (edit("block", "Jordan"), {"USA": 1.0, "dam": 0.8, "United States": 0.6}),
        (edit("rename", "Dam", to_name="Dyke"), PHRASES),
    ],
    ids=["merge", "block", "block one of two", "block both", "no entity"],
)
def test_keyphrases_that_are_names_follow(made: EntityEditInput, expected: dict[str, float]) -> None:
    phrases = tuple(Keyphrase(text=text, score=score) for text, score in PHRASES.items())
    article = enriched("a", entities=(USA, STATES, JORDAN, JORDAN_PERSON), keyphrases=phrases).article
    edited = table(made).article(article)
    assert {phrase.text: phrase.score for phrase in edited.keyphrases} == expected


def test_what_no_edit_is_about_stays_the_very_same() -> None:
    edits = table(edit("rename", "USA", to_name="United States"))
    for event in (enriched("a", entities=(REED, STATES)), retracted("b")):
        assert edits.event(event) is event


@pytest.mark.parametrize(
    "fields",
    [
        {"action": "rename", "name": "A"},
        {"action": "relabel", "name": "A"},
        {"action": "block", "name": "A", "to_name": "B"},
        {"action": "block", "name": "  "},
        {"action": "rename", "name": "A", "to_name": "x" * 301},
        {"action": "relabel", "name": "A", "to_label": "HUMAN"},
        {"action": "block", "name": "A", "reason": "?"},
    ],
)
def test_an_edit_that_says_too_little_or_too_much_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EntityEditInput.model_validate(fields)


def test_edits_outlast_the_service_and_ids_are_never_used_again(tmp_path: Path) -> None:
    edits = EntityEdits(tmp_path)
    assert edits.add(edit("block", "A"), NOW).id == 1
    assert edits.add(edit("block", "B"), NOW).id == 2
    assert edits.remove(2) and not edits.remove(2)
    again = EntityEdits(tmp_path)
    assert again.table.edits == edits.table.edits and len(again.table) == 1
    assert again.add(edit("block", "C"), NOW).id == 3


def test_a_second_edit_of_the_same_entities_takes_the_place_of_the_first(tmp_path: Path) -> None:
    edits = EntityEdits(tmp_path)
    edits.add(edit("rename", "USA", to_name="America"), NOW)
    edits.add(edit("rename", "usa", to_name="United States"), NOW)
    assert [made.to_name for made in edits.table.edits] == ["United States"]


def test_edits_that_lead_in_a_circle_are_refused(tmp_path: Path) -> None:
    edits = EntityEdits(tmp_path)
    edits.add(edit("rename", "A", to_name="B"), NOW)
    edits.add(edit("rename", "B", to_name="C"), NOW)
    with pytest.raises(EditRefused, match="other edits turn A into C"):
        edits.add(edit("rename", "C", to_name="A"), NOW)
    assert len(EntityEdits(tmp_path).table) == 2


def test_a_damaged_file_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"edits": [{"id": 0}]}')
    with pytest.raises(ConfigurationError, match="restore the file"):
        EntityEdits(tmp_path)


def entities_of(engine: TantivyEngine, key: str) -> list[str]:
    stored = engine.get(article_id(key))
    assert isinstance(stored, StoredArticle)
    names = [entity["canonical"] for entity in stored.article["entities"]]
    assert names == [quote["speaker"] for quote in stored.article["quotes"]]
    assert names == [phrase["text"] for phrase in stored.article["keyphrases"]]
    return names


async def test_new_articles_follow_at_once_history_by_reindex_and_undoing_gives_back(tmp_path: Path) -> None:
    archive, engine = Archive(tmp_path), TantivyEngine(tmp_path)
    edits = EntityEdits(archive.path)
    handler = StoreHandler(engine, archive, Metrics(), full_batch=9, commit_interval_s=0, edited=edits.apply)
    named = {"entities": (USA,), "quotes": (spoken("USA"),), "keyphrases": (Keyphrase(text="USA", score=1),)}
    await handler([Delivery(Entry("1-0", {}), enriched("old", **named))])
    made = edits.add(edit("rename", "USA", to_name="United States"), NOW)
    await handler([Delivery(Entry("2-0", {}), enriched("new", **named))])
    assert (entities_of(engine, "old"), entities_of(engine, "new")) == (["USA"], ["United States"])
    found = engine.search(Query(facets=("entities",))).facets["entities"]
    assert {count.value for count in found} == {"GPE:USA", "GPE:United States"}
    engine.close()
    archive.close()

    reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert entities_of(engine, "old") == entities_of(engine, "new") == ["United States"]
    engine.close()

    EntityEdits(archive.path).remove(made.id)
    reindex(tmp_path)
    engine = TantivyEngine(tmp_path)
    assert entities_of(engine, "old") == entities_of(engine, "new") == ["USA"]
    engine.close()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    install_http(app, metrics=Metrics(), limits=Limits())
    app.include_router(entity_edits_router(EntityEdits(tmp_path), "secret", lambda: NOW))
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app),
        base_url="http://index",
        headers={"authorization": "Bearer secret"},
    ) as client:
        yield client


async def test_edits_are_made_listed_and_undone_over_http(client: httpx2.AsyncClient) -> None:
    path = "/v1/entity-edits"
    body = {"action": "rename", "name": "USA", "to_name": "United States"}
    made = await client.post(path, json=body)
    assert made.status_code == 201 and made.json()["id"] == 1
    listed = (await client.get(path)).json()["entity_edits"]
    assert listed == [{**body, "id": 1, "made_at": "2026-11-20T12:00:00Z"}]
    assert (await client.post(path, json={"action": "rename", "name": "USA"})).status_code == 422
    back = {"action": "rename", "name": "United States", "to_name": "USA"}
    refused = await client.post(path, json=back)
    assert refused.status_code == 409 and "undo those first" in refused.json()["detail"]
    assert (await client.delete(f"{path}/1")).status_code == 204
    assert (await client.delete(f"{path}/1")).status_code == 404
    assert (await client.get(path)).json() == {"entity_edits": []}


async def test_only_who_may_read_the_data_directory_may_edit(client: httpx2.AsyncClient) -> None:
    for headers in ({"authorization": "Bearer other"}, {"authorization": ""}):
        for call in (
            client.get("/v1/entity-edits", headers=headers),
            client.delete("/v1/entity-edits/1", headers=headers),
        ):
            assert (await call).status_code == 401


def test_entities_of_the_publisher_are_not_edited() -> None:
    theirs = REED.model_copy(update={"origin": "publisher"})
    edits = table(edit("rename", "Ann Reed", to_name="A. Reed"))
    event = enriched("a", entities=(theirs, REED))
    edited = edits.event(event)
    assert isinstance(edited, ArticleEnriched)
    assert [(one.canonical, one.origin) for one in edited.article.entities] == [
        ("Ann Reed", "publisher"),
        ("A. Reed", None),
    ]
    only_theirs = enriched("b", entities=(theirs,))
    assert edits.event(only_theirs) is only_theirs
