"""Who may submit: API keys, Standard Webhooks signatures, and everybody only while there is no secret."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from standardwebhooks import Webhook

from services.ingest.app import BATCH_PATH, create_app
from services.ingest.settings import IngestSettings
from shared.errors import ConfigurationError
from shared.http.auth import hash_api_key, new_api_key
from shared.settings import load_settings
from tests.ingest.conftest import ARTICLE, Start

Events = Callable[[], Awaitable[list[dict[str, Any]]]]

KEY, OLD_KEY = new_api_key(), new_api_key()
API_KEYS = f"# submitters\nalice {hash_api_key(KEY)}\n\nbob {hash_api_key(OLD_KEY)} revoked # left\n"


def secret(fill: int) -> str:
    return "whsec_" + base64.b64encode(bytes([fill]) * 24).decode()


OLD, NEW, OTHER = secret(1), secret(2), secret(3)
WEBHOOK_SECRETS = f"wire {OLD}\nwire {NEW}\nblog {OTHER}\n"
BODY = json.dumps(ARTICLE, ensure_ascii=False).encode()


def signed(
    body: bytes = BODY, *, id_: str = "msg_1", key: str = NEW, at: datetime | None = None
) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(id_, at, body.decode()),
    }


async def post(client: httpx2.AsyncClient, headers: dict[str, str], body: bytes = BODY) -> httpx2.Response:
    return await client.post("/v1/articles", content=body, headers=headers)


@pytest.fixture
async def guarded(start_ingest: Start) -> httpx2.AsyncClient:
    return await start_ingest(api_keys=API_KEYS, webhook_secrets=WEBHOOK_SECRETS)


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {KEY}"}, {"authorization": f"bearer  {KEY}"}, {"x-api-key": KEY}],
    ids=["bearer", "bearer in small letters", "x-api-key"],
)
async def test_a_known_key_submits_under_its_name(
    guarded: httpx2.AsyncClient, events: Events, headers: dict[str, str]
) -> None:
    assert (await post(guarded, headers)).status_code == 202
    assert (await events())[0]["provenance"] == {"door": "api", "submitted_by": "alice", "versions": {}}


@pytest.mark.parametrize(
    ("headers", "slug"),
    [
        ({}, "credentials-missing"),
        ({"x-api-key": "wr_unknown"}, "unknown-api-key"),
        ({"x-api-key": KEY[:-1]}, "unknown-api-key"),
        ({"x-api-key": hash_api_key(KEY)}, "unknown-api-key"),
        ({"x-api-key": "x" * 5000}, "unknown-api-key"),
        ({"x-api-key": OLD_KEY}, "revoked-api-key"),
        ({"authorization": "Basic YTpi"}, "bad-authorization"),
        ({"authorization": "Bearer "}, "bad-authorization"),
        ({"authorization": KEY}, "bad-authorization"),
    ],
)
async def test_another_key_is_refused_saying_why(
    guarded: httpx2.AsyncClient, events: Events, headers: dict[str, str], slug: str
) -> None:
    response = await post(guarded, headers)
    assert (response.status_code, response.json()["type"]) == (401, f"/problems/{slug}")
    assert "www-authenticate" in response.headers
    assert await events() == []


async def test_every_route_but_health_and_docs_needs_a_key(guarded: httpx2.AsyncClient) -> None:
    paths = (await guarded.get("/openapi.json")).json()["paths"]
    statuses = {}
    for path, operations in paths.items():
        for method in operations:
            id_ = "0-1-1" if "dead" in path else "0" * (16 if "feeds" in path else 32)
            url = path.replace("{id}", id_).replace("{feed_id}", "0" * 16)
            statuses[f"{method} {path}"] = (await guarded.request(method, url, content=b"{}")).status_code
    opened = {name for name, status in statuses.items() if status != 401}
    # Hubs have no key: what they push is signed.
    hubs = {"get /v1/websub/{feed_id}", "post /v1/websub/{feed_id}"}
    assert opened == {"get /livez", "get /readyz", "get /metrics", *hubs}
    assert len(statuses) == 22


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example", "content-type": "text/plain"}, {"origin": "null"},
     {"sec-fetch-site": "cross-site"}, {"host": "evil.example"}],
    ids=str,
)  # fmt: skip
async def test_with_no_secret_a_page_of_another_site_changes_nothing(
    start_ingest: Start, events: Events, headers: dict[str, str]
) -> None:
    client = await start_ingest()
    assert (await post(client, headers)).status_code == 403
    assert (await client.delete(f"/v1/articles/{'0' * 32}", headers=headers)).status_code == 403
    assert await events() == []


async def test_with_no_secret_everybody_submits_without_a_name(
    ingest: httpx2.AsyncClient, events: Events
) -> None:
    assert (await post(ingest, {"x-api-key": "anything"})).status_code == 202
    assert "submitted_by" not in (await events())[0]["provenance"]


@pytest.mark.parametrize(("key", "name"), [(OLD, "wire"), (NEW, "wire"), (OTHER, "blog")])
async def test_a_signature_with_any_of_the_secrets_submits(
    guarded: httpx2.AsyncClient, events: Events, key: str, name: str
) -> None:
    assert (await post(guarded, signed(key=key))).status_code == 202
    assert (await events())[0]["provenance"] == {"door": "webhook", "submitted_by": name, "versions": {}}


async def test_one_of_several_signatures_is_enough(guarded: httpx2.AsyncClient) -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v1a,x {headers['webhook-signature']} junk"
    assert (await post(guarded, headers)).status_code == 202


def shifted(minutes: float) -> datetime:
    return datetime.now(UTC) + timedelta(minutes=minutes)


# Made when the test runs: a signature made when tests are collected may be old by then.
@pytest.mark.parametrize(
    ("make_headers", "slug"),
    [
        pytest.param(lambda: signed(key=secret(9)), "webhook-signature-wrong", id="unknown secret"),
        pytest.param(lambda: signed(BODY + b" "), "webhook-signature-wrong", id="of another body"),
        pytest.param(
            lambda: {**signed(), "webhook-id": "msg_2"}, "webhook-signature-wrong", id="of another id"
        ),
        pytest.param(
            lambda: {**signed(at=shifted(-9)), "webhook-timestamp": str(int(shifted(0).timestamp()))},
            "webhook-signature-wrong",
            id="of another time",
        ),
        pytest.param(lambda: signed(at=shifted(-6)), "webhook-timestamp-old", id="stale"),
        pytest.param(lambda: signed(at=shifted(6)), "webhook-timestamp-future", id="future"),
        pytest.param(
            lambda: {**signed(), "webhook-timestamp": "now"}, "webhook-timestamp-invalid", id="no number"
        ),
        pytest.param(lambda: {**signed(), "webhook-timestamp": "nan"}, "webhook-timestamp-invalid", id="nan"),
        pytest.param(
            lambda: {**signed(), "webhook-timestamp": "9" * 12}, "webhook-timestamp-invalid", id="year 33658"
        ),
        pytest.param(
            lambda: {**signed(), "webhook-timestamp": "9" * 99}, "webhook-timestamp-invalid", id="huge"
        ),
        pytest.param(
            lambda: {**signed(), "webhook-signature": "v2,x"}, "webhook-signature-missing", id="version 2"
        ),
        pytest.param(
            lambda: {**signed(), "webhook-signature": "v1,\xe9"}, "webhook-signature-wrong", id="not base64"
        ),
        pytest.param(
            lambda: {**signed(), "webhook-signature": "v1,"}, "webhook-signature-wrong", id="empty signature"
        ),
        pytest.param(lambda: {**signed(), "webhook-id": ""}, "webhook-header-missing", id="empty id"),
        pytest.param(lambda: {**signed(), "webhook-id": "x" * 300}, "webhook-id-too-long", id="long id"),
        pytest.param(lambda: {"webhook-id": "msg_1"}, "webhook-header-missing", id="id alone"),
        pytest.param(lambda: {"webhook-signature": "v1,x"}, "webhook-header-missing", id="signature alone"),
    ],
)
async def test_a_wrong_signature_is_refused_saying_why(
    guarded: httpx2.AsyncClient, events: Events, make_headers: Callable[[], dict[str, str]], slug: str
) -> None:
    encoded = {name: value.encode("latin-1") for name, value in make_headers().items()}
    response = await guarded.post("/v1/articles", content=BODY, headers=encoded)
    assert (response.status_code, response.json()["type"]) == (401, f"/problems/{slug}")
    assert await events() == []


async def test_a_signed_body_that_is_not_utf_8_is_a_bad_body(guarded: httpx2.AsyncClient) -> None:
    response = await post(guarded, signed(), b'{"title":"\xff"}')
    assert (response.status_code, response.json()["type"]) == (400, "/problems/invalid-utf-8")


async def test_a_webhook_sent_again_gets_the_first_answer(
    guarded: httpx2.AsyncClient, events: Events
) -> None:
    first = await post(guarded, signed())
    retried = await post(guarded, signed(at=datetime.now(UTC) - timedelta(seconds=5)))
    assert (retried.status_code, retried.content) == (202, first.content)
    assert len(await events()) == 1


async def test_a_webhook_id_with_another_body_is_refused(guarded: httpx2.AsyncClient, events: Events) -> None:
    await post(guarded, signed())
    other = BODY.replace(b"Bali", b"Rome")
    response = await post(guarded, signed(other), other)
    assert (response.status_code, response.json()["type"]) == (409, "/problems/idempotency-key-reused")
    assert len(await events()) == 1


async def test_a_batch_takes_a_key(guarded: httpx2.AsyncClient, events: Events) -> None:
    assert (await guarded.post(BATCH_PATH, content=BODY, headers={"x-api-key": KEY})).status_code == 200
    assert (await events())[0]["provenance"]["submitted_by"] == "alice"


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"ingest_host": "0.0.0.0"}, id="exposed without a secret"),
        pytest.param({"api_keys": "alice"}, id="name alone"),
        pytest.param({"api_keys": "alice plain-text-key"}, id="plain key"),
        pytest.param({"api_keys": f"alice {hash_api_key('k')} retired"}, id="unknown word"),
        pytest.param({"api_keys": f"a/b {hash_api_key('k')}"}, id="odd name"),
        pytest.param({"webhook_secrets": "wire secret"}, id="no whsec_"),
        pytest.param({"webhook_secrets": "wire whsec_"}, id="empty secret"),
        pytest.param({"webhook_secrets": "wire whsec_AAAA"}, id="short secret"),
        pytest.param({"webhook_secrets": "wire whsec_a"}, id="not base64"),
    ],
)
def test_bad_secrets_refuse_to_start_without_telling_them(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        create_app(IngestSettings(**settings))  # type: ignore[arg-type]
    assert "WIREROOM_" in str(caught.value)
    assert "plain-text-key" not in str(caught.value)


@pytest.mark.parametrize("settings", [{"api_keys": API_KEYS}, {"webhook_secrets": WEBHOOK_SECRETS}])
def test_an_exposed_service_starts_with_a_secret(settings: dict[str, str]) -> None:
    create_app(IngestSettings(ingest_host="0.0.0.0", **settings))  # type: ignore[arg-type]


def test_a_bad_setting_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIREROOM_MAX_BODY_BYTES", "lots")
    with pytest.raises(ConfigurationError, match="WIREROOM_MAX_BODY_BYTES"):
        load_settings(IngestSettings)


def test_low_water_must_lie_below_high_water() -> None:
    with pytest.raises(ValueError, match="low_water"):
        IngestSettings(high_water_entries=10, low_water_entries=10)
