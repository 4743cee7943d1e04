"""The operator's page over a real Redis: health, dead letters, and who may see and do what."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from services.index.engine.tantivy_engine import TantivyEngine
from services.index.web.operator import size_phrase
from services.index.web.operator_access import OperatorAccess
from services.index.web.operator_page import OperatorDesk
from services.index.web.routes import web_router
from shared.events import DeadLetter, encode_event
from shared.http.auth import ApiKeys, hash_api_key
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from shared.runtime.groups import ensure_groups
from shared.streams import DEAD, ENRICHED, EVENT_FIELD, RAW
from tests.index.web_document import HOSTILE, assert_harmless, get
from tests.support import NOW, enriched, submitted

OWN = {"origin": "http://127.0.0.1:8003"}
OPEN = OperatorAccess(None, on_loopback=True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[TantivyEngine]:
    engine = TantivyEngine(tmp_path)
    yield engine
    engine.close()


def app_of(engine: TantivyEngine, redis: Redis, access: OperatorAccess = OPEN) -> FastAPI:
    async def fine() -> str | None:
        return None

    async def not_fine() -> str | None:
        return "the loop has not run for 30 s"

    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    checks = {"engine": fine, "articles.enriched": not_fine}
    operator = OperatorDesk(redis, 1, checks, access)
    app.include_router(web_router(engine, metrics, None, now=lambda: NOW, operator=operator))
    return app


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8003")


@pytest.fixture
async def client(engine: TantivyEngine, redis: Redis) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(app_of(engine, redis)) as client:
        yield client


async def bury(redis: Redis, name: str = "a", payload: bytes | None = None, **fields: Any) -> str:
    """Put a dead letter on its stream and return its id."""
    event = submitted(name)
    given: dict[str, Any] = {
        "stream": RAW.key(0), "group": "enrich", "entry_id": "1-0", "article_id": event.article_id,
        "reason": "attempts_exhausted", "error": "TypeError: no tagger", "attempts": 5, "died_at": NOW,
        "fields": {EVENT_FIELD.decode(): encode_event(event) if payload is None else payload},
    }  # fmt: skip
    entry = await redis.xadd(DEAD.key(0), {EVENT_FIELD: encode_event(DeadLetter(**(given | fields)))})
    return f"0-{entry.decode()}"


async def test_health_tells_what_is_in_the_pipeline_and_what_is_not_ready(
    engine: TantivyEngine, redis: Redis, client: httpx2.AsyncClient
) -> None:
    engine.upsert_many([enriched("a")], NOW)
    engine.commit()
    await ensure_groups(redis, 1)
    for _ in range(3):
        await redis.xadd(RAW.key(0), {EVENT_FIELD: encode_event(submitted())})
    await redis.xreadgroup("enrich", "someone", {RAW.key(0): ">"}, count=1)
    page = await get(client, "/operator")
    tiles = {text.split()[0]: text for text, _ in page.find("div", class_="tile")}
    assert tiles["Articles"].startswith("Articles 1 ") and tiles["In"].startswith("In the pipeline 3")
    assert "25 Nov 2026, 08:00 UTC" in tiles["Newest"]
    rows = [text for text, _ in page.find("tr")]
    assert any(row.startswith(f"enrich {RAW.key(0)} 2 1 0.") for row in rows), rows
    assert f"index {ENRICHED.key(0)} 0 0 –" in rows
    assert [text for text, _ in page.find("li", class_="bad")] == [
        "articles.enriched the loop has not run for 30 s"
    ]
    assert page.find("p", class_="none")[0][0].startswith("None.")


async def test_a_dead_letter_says_why_and_is_replayed_once(redis: Redis, client: httpx2.AsyncClient) -> None:
    letter_id = await bury(redis)
    page = await get(client, "/operator")
    assert page.find("span", class_="reason")[0][0] == "failed again and again"
    assert [text for text, _ in page.find("h3")] == ["Title of a"]
    assert page.find("p", class_="fault")[0][0] == "TypeError: no tagger"
    assert '"The body of a."' in page.find("pre")[0][0]
    for told, says in (("replayed=1", "1 put back on the stream"), ("gone=1", "1 gone already")):
        answer = await client.post("/operator/dead-letters/replay", data={"id": letter_id}, headers=OWN)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/operator?{told}#letters")
        after = await get(client, answer.headers["location"])
        assert says in after.find("div", role="status")[0][0]
    assert await redis.xlen(RAW.key(0)) == 1 and await redis.xlen(DEAD.key(0)) == 0


async def test_dead_letters_are_discarded_together(redis: Redis, client: httpx2.AsyncClient) -> None:
    ids = [await bury(redis, name) for name in "ab"]
    answer = await client.post("/operator/dead-letters/discard", data={"id": ids}, headers=OWN)
    assert answer.headers["location"] == "/operator?discarded=2#letters"
    assert await redis.xlen(DEAD.key(0)) == 0


async def test_a_letter_that_names_no_stream_of_ours_is_refused_and_kept(
    redis: Redis, client: httpx2.AsyncClient
) -> None:
    letter_id = await bury(redis, stream="elsewhere")
    answer = await client.post("/operator/dead-letters/replay", data={"id": letter_id}, headers=OWN)
    assert answer.headers["location"] == "/operator?refused=1#letters"
    assert await redis.xlen(DEAD.key(0)) == 1


async def test_letters_are_chosen_by_reason_and_paged(redis: Redis, client: httpx2.AsyncClient) -> None:
    await bury(redis, "rare", reason="invalid_event", payload=b"\xff{", article_id=None)
    for number in range(22):
        await bury(redis, f"n{number}")
    page = await get(client, "/operator")
    assert len(page.find("h3")) == 20
    older = await get(client, page.find("a", rel="next")[0][1]["href"])
    assert [text for text, _ in older.find("h3")] == ["Title of n1", "Title of n0", "No article"]
    rare = await get(client, "/operator?reason=invalid_event")
    assert [text for text, _ in rare.find("h3")] == ["No article"]
    assert rare.find("pre")[0][0] == "\\xff{"
    for bad in ("reason=none_such", "before=1-2", "before=0-1-99999999999999999999"):
        assert (await client.get(f"/operator?{bad}")).status_code == 400, bad
    assert (await client.get(f"/operator?replayed={'9' * 5000}")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9"},
        {"origin": "http://[evil"},
        {"origin": "http://127.0.0.1:8003", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example", "host": "evil.example"},
    ],
    ids=str,
)
async def test_a_form_on_a_page_of_others_does_nothing(
    redis: Redis, client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    letter_id = await bury(redis)
    answer = await client.post("/operator/dead-letters/discard", data={"id": letter_id}, headers=headers)
    assert answer.status_code == 403 and await redis.xlen(DEAD.key(0)) == 1


@pytest.mark.parametrize(
    ("action", "sent", "status"),
    [
        ("replay", {"data": {"id": "0-1"}}, 400),
        ("replay", {"data": {}}, 415),
        ("replay", {"data": {"id": [f"0-1-{n}" for n in range(21)]}}, 400),
        ("burn", {"data": {"id": "0-1-1"}}, 404),
        ("replay", {"json": {"id": "0-1-1"}}, 415),
        ("replay", {"data": {f"x{n}": "1" for n in range(600)}}, 400),
        ("replay", {"data": {"id": "x" * 70_000}}, 413),
        ("discard", {"data": {"id": "0-9999999999999999999-1"}}, 303),
    ],
)  # fmt: skip
async def test_what_no_form_of_ours_sends_is_refused(
    client: httpx2.AsyncClient, action: str, sent: dict[str, Any], status: int
) -> None:
    answer = await client.post(f"/operator/dead-letters/{action}", headers=OWN, **sent)
    assert answer.status_code == status


async def test_operators_have_keys_of_their_own_where_others_reach_the_page(
    engine: TantivyEngine, redis: Redis
) -> None:
    keys = ApiKeys.parse(f"ops {hash_api_key('k1')}", "WIREROOM_OPERATOR_KEYS")
    basic = base64.b64encode(b"anyone:k1").decode()
    letter_id = await bury(redis)
    async with client_of(app_of(engine, redis, OperatorAccess(keys, on_loopback=True))) as client:
        for headers, status in (({}, 401), ({"authorization": f"Basic {basic}"}, 200)):
            answer = await client.get("/operator", headers=headers)
            assert answer.status_code == status and ("no tagger" in answer.text) == (status == 200)
        answer = await client.post("/operator/dead-letters/discard", data={"id": letter_id}, headers=OWN)
        assert answer.status_code == 401
    async with client_of(app_of(engine, redis, OperatorAccess(None, on_loopback=False))) as client:
        closed = await client.get("/operator")
        assert closed.status_code == 403 and "WIREROOM_OPERATOR_KEYS_FILE" in closed.text
    assert await redis.xlen(DEAD.key(0)) == 1


async def test_a_name_that_was_led_to_this_machine_sees_nothing(client: httpx2.AsyncClient) -> None:
    for host in ("evil.example:8003", "10.0.0.1", "[evil", ""):
        assert (await client.get("/operator", headers={"host": host})).status_code == 403, host
    for host in ("localhost:8003", "127.0.0.1", "[::1]:8003"):
        assert (await client.get("/operator", headers={"host": host})).status_code == 200, host


async def test_without_redis_the_page_says_so_and_shows_the_rest(engine: TantivyEngine) -> None:
    away: Redis = Redis(host="127.0.0.1", port=1, retry=Retry(NoBackoff(), 0))
    async with client_of(app_of(engine, away)) as client:
        page = await get(client, "/operator")
        assert "Redis does not answer" in page.find("div", role="alert")[0][0]
        assert page.find("div", class_="tile")[0][0].startswith("Articles 0")
        answer = await client.post("/operator/dead-letters/replay", data={"id": "0-1-1"}, headers=OWN)
        assert answer.status_code == 503


async def test_nothing_in_a_dead_letter_gets_out_of_its_place(
    redis: Redis, client: httpx2.AsyncClient
) -> None:
    await bury(redis, error=HOSTILE, group=HOSTILE, stream=HOSTILE, reason=HOSTILE, payload=HOSTILE.encode())
    await bury(redis, article_id="../../x", payload=b'{"article": {"title": "</pre><script>x"}}')
    await bury(redis, payload=b"[" * 100_000)
    await bury(redis, payload=b'{"a": "' + b"x" * 2_000_000 + b'"}')
    response = await client.get("/operator")
    assert response.status_code == 200 and len(response.content) < 200_000
    assert_harmless(response.text)


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 KB"), (2.5e9, "2.5 GB"), (9e17, "900,000 TB")],
)
def test_sizes_are_told_in_their_unit(size: float, shown: str) -> None:
    assert size_phrase(size) == shown
