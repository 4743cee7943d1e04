from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest
from redis.asyncio import Redis

from shared.events import DeadLetter, encode_event
from shared.streams import DEAD, EVENT_FIELD, RAW
from tests.support import submitted


def letter(number: int, *, reason: str = "attempts_exhausted", event: bytes | None = None) -> DeadLetter:
    original = submitted(f"a{number}")
    return DeadLetter(
        stream=RAW.key(0),
        group="enrich",
        entry_id=f"{number}-0",
        article_id=original.article_id,
        reason=reason,
        error="it broke",
        attempts=5,
        died_at=datetime(2026, 11, 25, tzinfo=UTC),
        fields={EVENT_FIELD.decode(): encode_event(original) if event is None else event},
    )


@pytest.fixture
async def letters(redis: Redis, ingest: httpx2.AsyncClient) -> list[str]:
    """The ids of three dead letters, oldest first; the middle one holds no event."""
    ids = []
    for number, reason in ((1, "attempts_exhausted"), (2, "invalid_event"), (3, "attempts_exhausted")):
        dead = letter(number, reason=reason, event=b"\xff{" if number == 2 else None)
        entry = await redis.xadd(DEAD.key(0), {EVENT_FIELD: encode_event(dead)}, id=f"{number}-0")
        ids.append(f"0-{entry.decode()}")
    return ids


async def test_dead_letters_are_listed_newest_first_in_pages(
    ingest: httpx2.AsyncClient, letters: list[str]
) -> None:
    page = (await ingest.get("/v1/dead-letters", params={"limit": 2})).json()
    assert [row["id"] for row in page["dead_letters"]] == letters[:0:-1]
    assert page["dead_letters"][0]["error"] == "it broke"
    rest = (await ingest.get("/v1/dead-letters", params={"limit": 2, "before": page["next_before"]})).json()
    assert [row["id"] for row in rest["dead_letters"]] == letters[:1]
    assert rest["next_before"] is None


async def test_dead_letters_are_found_by_reason(ingest: httpx2.AsyncClient, letters: list[str]) -> None:
    page = (await ingest.get("/v1/dead-letters", params={"reason": "invalid_event"})).json()
    assert [row["id"] for row in page["dead_letters"]] == [letters[1]]


async def test_a_dead_letter_shows_what_it_holds(ingest: httpx2.AsyncClient, letters: list[str]) -> None:
    good = (await ingest.get(f"/v1/dead-letters/{letters[0]}")).json()
    assert good["event"]["article"]["title"] == "Title of a1"
    bad = (await ingest.get(f"/v1/dead-letters/{letters[1]}")).json()
    assert (bad["event"], bad["fields"]) == (None, {"event": "\\xff{"})


async def test_a_replayed_letter_is_back_on_its_stream_once(
    ingest: httpx2.AsyncClient, redis: Redis, letters: list[str]
) -> None:
    replayed = await ingest.post(f"/v1/dead-letters/{letters[0]}/replay")
    assert (replayed.status_code, replayed.json()) == (202, {"id": letters[0], "status": "replayed"})
    assert await redis.xlen(RAW.key(0)) == 1
    assert (await ingest.post(f"/v1/dead-letters/{letters[0]}/replay")).status_code == 404
    assert await redis.xlen(RAW.key(0)) == 1


async def test_a_discarded_letter_is_gone(ingest: httpx2.AsyncClient, letters: list[str]) -> None:
    assert (await ingest.delete(f"/v1/dead-letters/{letters[0]}")).status_code == 204
    assert (await ingest.delete(f"/v1/dead-letters/{letters[0]}")).status_code == 404
    assert (await ingest.get(f"/v1/dead-letters/{letters[0]}")).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/v1/dead-letters?limit=0",
        "/v1/dead-letters?limit=x",
        "/v1/dead-letters?before=x",
        "/v1/dead-letters?reason=x",
        "/v1/dead-letters?before=0-0-00",
        "/v1/dead-letters/x",
        "/v1/dead-letters/0-1",
        "/v1/dead-letters/0-99999999999999999999-0",
        "/v1/dead-letters?before=0-1-99999999999999999999",
        "/v1/dead-letters/٣-1-1",
    ],
)
async def test_what_is_no_dead_letter_id_is_a_problem(ingest: httpx2.AsyncClient, path: str) -> None:
    response = await ingest.get(path)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_partition_that_does_not_exist_is_not_found(ingest: httpx2.AsyncClient) -> None:
    assert (await ingest.get("/v1/dead-letters/7-1-0")).status_code == 404
