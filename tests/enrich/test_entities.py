from __future__ import annotations

from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.entities import EntityRecogniser
from shared.errors import ConfigurationError
from shared.events import Entity

SEED_PAGE = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "seed-article.txt"
TITLE = "Kenya and Japan sign rail deal"
BODY = """NAIROBI (Reuters) — President William Ruto of Kenya met Prime Minister Haruto Kobayashi of Japan
in Nairobi on Monday. Ruto’s office said the two had agreed a US$40 million loan.

Kobayashi told the United Nations Environment Programme (UNEP) that Japan would help. UNEP welcomed it, and so
did the U.S. and the United States' allies. Prices rose 3.5 percent.
"""


@pytest.fixture(scope="module")
def recogniser() -> EntityRecogniser:
    return EntityRecogniser.load()


def by_canonical(entities: tuple[Entity, ...]) -> dict[str, Entity]:
    return {entity.canonical: entity for entity in entities}


def test_surname_mentions_are_folded_into_the_full_name(recogniser: EntityRecogniser) -> None:
    found = by_canonical(recogniser.recognise(TITLE, BODY))
    assert [BODY[m.start : m.end] for m in found["William Ruto"].mentions] == ["William Ruto", "Ruto"]
    assert [BODY[m.start : m.end] for m in found["Haruto Kobayashi"].mentions] == [
        "Haruto Kobayashi", "Kobayashi",
    ]  # fmt: skip
    assert found["William Ruto"].label == "PERSON"


def test_acronyms_and_aliases_are_folded_into_one_name(recogniser: EntityRecogniser) -> None:
    found = by_canonical(recogniser.recognise(TITLE, BODY))
    assert found["United Nations Environment Programme"].count == 3
    assert [BODY[m.start : m.end] for m in found["United States"].mentions] == ["U.S.", "United States"]


def test_title_mentions_are_counted_but_not_listed(recogniser: EntityRecogniser) -> None:
    kenya = by_canonical(recogniser.recognise(TITLE, BODY))["Kenya"]
    assert (kenya.label, kenya.count, len(kenya.mentions)) == ("GPE", 2, 1)


def test_dateline_in_capitals_is_the_city(recogniser: EntityRecogniser) -> None:
    nairobi = by_canonical(recogniser.recognise(TITLE, BODY))["Nairobi"]
    assert (nairobi.label, nairobi.count) == ("GPE", 2)


def test_amounts_and_dates_are_found_by_rule(recogniser: EntityRecogniser) -> None:
    found = {(entity.label, entity.text) for entity in recogniser.recognise(TITLE, BODY)}
    assert {("MONEY", "US$40 million"), ("PERCENT", "3.5 percent"), ("DATE", "Monday")} <= found


def test_most_mentioned_entity_comes_first(recogniser: EntityRecogniser) -> None:
    counts = [entity.count for entity in recogniser.recognise(TITLE, BODY)]
    assert counts == sorted(counts, reverse=True)


def test_headline_in_capitals_names_the_same_people(recogniser: EntityRecogniser) -> None:
    ruto = by_canonical(recogniser.recognise("RUTO AND KOBAYASHI SIGN DEAL IN NAIROBI", BODY))["William Ruto"]
    assert ruto.count == 3


def test_recognition_is_deterministic(recogniser: EntityRecogniser) -> None:
    again = EntityRecogniser.load()
    assert again.version == recogniser.version
    assert again.recognise(TITLE, BODY) == recogniser.recognise(TITLE, BODY)


@pytest.mark.parametrize("missing", ["entities.npz", "gazetteer.tsv.gz"])
def test_missing_model_stops_the_start_and_says_what_to_do(tmp_path: Path, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?s){missing}.*services.enrich.training.entities"):
        EntityRecogniser.load(tmp_path)


@given(title=st.text(max_size=80), body=st.text(max_size=400))
@settings(deadline=None)
def test_mentions_index_the_body_whatever_it_is(recogniser: EntityRecogniser, title: str, body: str) -> None:
    for entity in recogniser.recognise(title, body):
        assert entity.count >= max(1, len(entity.mentions))
        spans = [(mention.start, mention.end) for mention in entity.mentions]
        assert spans == sorted(spans)
        assert all(body[start:end].strip() for start, end in spans)


@pytest.mark.parametrize(
    "unit", ["Xi ", "a-", "U.S.", "John Smith (JS) ", "Zed, ", "'", "\n", "\u0301", "1,"]
)
def test_huge_body_takes_bounded_time(recogniser: EntityRecogniser, unit: str) -> None:
    started = process_time()
    recogniser.recognise("", unit * (400_000 // len(unit)))
    assert process_time() - started < 5.0


@pytest.mark.skipif(not SEED_PAGE.is_file(), reason="../shared/data/seed-article.txt is absent")
def test_acceptance_page_gives_its_people_places_and_bodies(recogniser: EntityRecogniser) -> None:
    title, _, rest = SEED_PAGE.read_text(encoding="utf-8").partition("\n")
    body = rest[rest.index("President Xi") : rest.index("(Courtesy")]
    entities = recogniser.recognise(title, body)
    found = {(entity.label, entity.canonical) for entity in entities}
    people = {"Xi Jinping", "Antony Blinken", "Wang Yi", "Qin Gang", "Joe Biden"}
    places = {"China", "Beijing", "Taiwan", "Bali", "New Delhi", "San Francisco"}
    assert {("PERSON", name) for name in people} <= found
    assert {("GPE", name) for name in places} <= found
    assert {("ORG", name) for name in ("G20", "APEC", "Xinhua")} <= found
    surnames = [e for e in entities if e.label == "PERSON" and e.canonical in {"Xi", "Blinken", "Biden"}]
    assert not surnames
    xi = next(entity for entity in entities if entity.canonical == "Xi Jinping")
    assert {body[m.start : m.end] for m in xi.mentions} == {"Xi Jinping", "Xi"}
