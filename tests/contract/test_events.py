"""Every schema version that was ever written stays readable: one stored example each."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.errors import InvalidEvent, UnsupportedSchema
from shared.events import SCHEMA_VERSION, decode_event, encode_event
from shared.receipts import receipt_from_hash, stage_field, stage_value
from shared.streams import STREAMS, article_key, partition_of
from tests.support import article_id, retracted, submitted

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))


def without_later_fields(written: Any, stored: Any) -> Any:
    """Return what was written less the empty fields that the stored version did not have yet."""
    if isinstance(written, dict) and isinstance(stored, dict):
        return {
            name: without_later_fields(value, stored.get(name))
            for name, value in written.items()
            if name in stored or value not in (None, [])
        }
    if isinstance(written, list) and isinstance(stored, list) and len(written) == len(stored):
        return [without_later_fields(*pair) for pair in zip(written, stored, strict=True)]
    return written


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_stored_example_is_read_and_written_back_unchanged(path: Path) -> None:
    event = decode_event(path.read_bytes())
    assert type(event).__name__ == path.stem.split("-")[0]
    stored = json.loads(path.read_text())
    assert without_later_fields(json.loads(event.model_dump_json()), stored) == stored
    assert decode_event(encode_event(event)) == event


def test_every_event_of_the_registry_has_an_example_of_the_current_version() -> None:
    names = {event.__name__ for spec in STREAMS for event in spec.events}
    assert {f"{name}-{SCHEMA_VERSION}" for name in names} <= {path.stem for path in EXAMPLES}


def test_examples_of_released_versions_are_kept_as_they_were() -> None:
    listed = dict(line.split()[::-1] for line in (EXAMPLES[0].parent / "DIGESTS").read_text().splitlines())
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in EXAMPLES}
    assert found == listed, "a reader must go on reading what was written: add examples, never change them"


# Whose keys are data, not fields of ours.
FREE_FORM = {"extra", "versions", "fields"}


def with_news(value: Any, path: str = "event") -> Any:
    """Return `value` with a field that nobody knows added to every object in it."""
    if isinstance(value, list):
        return [with_news(item, path) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {
        name: item if name in FREE_FORM else with_news(item, f"{path}.{name}") for name, item in value.items()
    }
    return inner | {"new_in_1_7": {"at": path, "list": [1, {"a": None}]}}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_fields_of_a_newer_minor_version_survive_a_passage(path: Path) -> None:
    newer = with_news(json.loads(path.read_text()) | {"schema_version": "1.7"})
    event = decode_event(json.dumps(newer).encode())
    assert without_later_fields(json.loads(event.model_dump_json()), newer) == newer
    assert decode_event(encode_event(event)) == event


def test_another_major_version_is_told_from_rubbish() -> None:
    with pytest.raises(UnsupportedSchema, match=r"2\.0"):
        decode_event(b'{"type": "ArticleSubmitted", "schema_version": "2.0", "id": "x"}')
    with pytest.raises(InvalidEvent):
        decode_event(b'{"type": "ArticleSubmitted", "schema_version": "1.0", "id": "x"}')


def test_another_major_version_is_refused_even_when_it_would_validate() -> None:
    later = encode_event(submitted()).replace(b'"schema_version":"1.0"', b'"schema_version":"2.0"')
    with pytest.raises(UnsupportedSchema):
        decode_event(later)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"{", b"\xff\xfe", b'{"type":"Nothing"}', b"[" * 100_000, b'{"type":"DeadLetter"}'],
    ids=["empty", "null", "list", "open", "not utf-8", "unknown type", "nested", "fields missing"],
)
def test_bytes_that_are_no_event_are_invalid(payload: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_event(payload)


def test_events_are_frozen() -> None:
    event = submitted()
    with pytest.raises(ValidationError, match="frozen"):
        event.revision = 9


def test_precedence_orders_events_whatever_order_they_come_in() -> None:
    late = submitted(revision=2).model_copy(update={"received_at": datetime(2026, 11, 26, tzinfo=UTC)})
    ordered = [
        retracted(revision=0, withheld=True),
        submitted(revision=1),
        submitted(revision=2),
        late,
        submitted(revision=2, updated_at=datetime(2026, 11, 25, tzinfo=UTC)),
        submitted(revision=3),
        retracted(revision=0),
        submitted(revision=1, epoch=1),
    ]
    for shuffled in list(permutations(ordered))[::997]:
        assert sorted(shuffled, key=lambda event: event.precedence) == ordered


def test_all_keys_of_an_article_share_its_partition() -> None:
    name = article_id("a")
    partition = partition_of(name, 8)
    assert article_key(name, 8) == f"article:{{{partition}}}:{name}"
    assert STREAMS[0].key(partition) == f"articles.raw.{{{partition}}}"
    spread = {partition_of(article_id(str(n)), 8) for n in range(100)}
    assert spread == set(range(8))


def test_a_receipt_tells_the_latest_stage_of_the_latest_revision() -> None:
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)
    second = timedelta(seconds=1)
    fields = {
        stage_field("accepted", 0, 1): stage_value(at),
        stage_field("enriched", 0, 1): stage_value(at + second),
        stage_field("accepted", 0, 2): stage_value(at + second * 2),
        stage_field("indexed", 0, 1): stage_value(at + second * 3),
        stage_field("dead_lettered", 0, 2): stage_value(at + second * 4, "attempts_exhausted: a|b"),
    }
    receipt = receipt_from_hash(
        "x", {k.encode(): v.encode() for k, v in fields.items()} | {b"duplicates": b"3"}
    )
    assert receipt is not None
    assert (receipt.revision, receipt.status, receipt.duplicates) == (2, "dead_lettered", 3)
    assert [entry.stage for entry in receipt.timeline] == [
        "accepted", "enriched", "accepted", "indexed", "dead_lettered",
    ]  # fmt: skip
    assert receipt.timeline[-1].detail == "attempts_exhausted: a|b"
    assert receipt_from_hash("x", {b"rev": b"1"}) is None


def test_a_takedown_is_told_when_it_came_and_by_whom() -> None:
    fields = {b"t:accepted:0.1": b"1000", b"t:indexed:0.1": b"2000", b"t:retracted:0.1": b"9000|wish"}
    receipt = receipt_from_hash("x", fields | {b"b:retracted:0.1": b"Ann"})
    assert receipt is not None and receipt.status == "retracted"
    assert [entry.stage for entry in receipt.timeline] == ["accepted", "indexed", "retracted"]
    last = receipt.timeline[-1]
    assert (last.detail, last.by, last.at.timestamp()) == ("wish", "Ann", 9.0)


@pytest.mark.parametrize(("ingest_s", "enrich_s", "index_s"), list(permutations((-360, 0, 360))))
def test_a_receipt_is_right_though_the_clocks_are_not(ingest_s: int, enrich_s: int, index_s: int) -> None:
    at = datetime(2026, 11, 25, 8, tzinfo=UTC)

    def fields(*stages: str) -> dict[bytes, bytes]:
        skew = {"accepted": ingest_s, "replayed": ingest_s, "enriched": enrich_s, "indexed": index_s}
        return {
            stage_field(stage, 0, 1).encode(): stage_value(at + timedelta(seconds=skew[stage] + n)).encode()  # type: ignore[arg-type]
            for n, stage in enumerate(stages)
        }

    for stages in (("accepted", "enriched"), ("accepted", "enriched", "indexed")):
        receipt = receipt_from_hash("x", fields(*stages))
        assert receipt is not None
        assert receipt.status == stages[-1]
        assert [entry.stage for entry in receipt.timeline] == list(stages)


def test_a_receipt_passes_over_a_stage_of_a_newer_version() -> None:
    fields = {b"t:accepted:0.1": b"1700000000000", b"t:translated:0.1": b"1700000001000"}
    receipt = receipt_from_hash("x", fields)
    assert receipt is not None
    assert [entry.stage for entry in receipt.timeline] == ["accepted"]
    assert receipt_from_hash("x", {b"t:translated:0.1": b"1700000001000"}) is None


@pytest.mark.parametrize("version", ["banana", "2", "\u0662.\u0660", "2.0.0", ""])
def test_what_is_no_version_is_no_other_version(version: str) -> None:
    document = json.loads(encode_event(submitted())) | {"schema_version": version}
    with pytest.raises(InvalidEvent):
        decode_event(json.dumps(document).encode())
