"""The black-box test of a running deployment, over HTTP only. `deploy/check-compose` runs it against Compose.

It needs WIREROOM_INGEST_URL, WIREROOM_INDEX_URL and WIREROOM_API_KEY, and is skipped without them. Each test
submits articles of its own source, so it may be repeated against a deployment that holds other news.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.support import eventually

NAMES = ("WIREROOM_INGEST_URL", "WIREROOM_INDEX_URL", "WIREROOM_API_KEY")
pytestmark = pytest.mark.skipif(
    not all(os.environ.get(name) for name in NAMES),
    reason=f"no deployment to test: {', '.join(NAMES)} are not set",
)
WITHIN_S = 20.0


class Deployment:
    """A publisher and a reader of one deployment."""

    def __init__(self, ingest: httpx2.Client, index: httpx2.Client) -> None:
        self.ingest = ingest
        self.index = index
        self.source = f"Black Box Wire {uuid.uuid4().hex[:12]}"

    def article(self, name: str, **fields: Any) -> dict[str, Any]:
        return {
            "id": name,
            "title": f"Harbour Bridge reopens after repairs, part {name}",
            "body": "Mayor Ana Petrova reopened the Harbour Bridge in Lisbon. Traffic flowed by noon.",
            "source": self.source,
            "published_at": "2026-11-20T09:00:00Z",
            "language": "en",
        } | fields

    def submit(self, name: str, **fields: Any) -> dict[str, Any]:
        answer = self.ingest.post("/v1/articles", json=self.article(name, **fields))
        assert answer.status_code == 202, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    def hits(self, q: str = "") -> list[dict[str, Any]]:
        answer = self.index.get("/v1/search", params={"q": q, "source": self.source, "size": 100})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["hits"]
        return found


@pytest.fixture
def deployment() -> Iterator[Deployment]:
    key = os.environ["WIREROOM_API_KEY"]
    with (
        httpx2.Client(
            base_url=os.environ["WIREROOM_INGEST_URL"],
            headers={"Authorization": f"Bearer {key}"},
            trust_env=False,
        ) as ingest,
        httpx2.Client(base_url=os.environ["WIREROOM_INDEX_URL"], trust_env=False) as index,
    ):
        yield Deployment(ingest, index)


async def test_a_submitted_article_is_found_enriched_and_exactly_once(deployment: Deployment) -> None:
    accepted = deployment.submit("a")
    assert accepted["status"] == "accepted"
    (hit,) = await eventually(lambda: deployment.hits("bridge"), within_s=WITHIN_S)
    assert hit["id"] == accepted["id"]
    served = deployment.index.get(f"/v1/articles/{accepted['id']}").json()
    assert "Ana Petrova" in {entity["canonical"] for entity in served["entities"]}
    assert deployment.submit("a")["status"] == "duplicate"
    assert len(deployment.hits()) == 1


async def test_the_receipt_tells_the_whole_way(deployment: Deployment) -> None:
    accepted = deployment.submit("a")
    await eventually(lambda: deployment.hits(), within_s=WITHIN_S)

    def receipt() -> str:
        answer = deployment.ingest.get(f"/v1/articles/{accepted['id']}/receipt")
        assert answer.status_code == 200, answer.text
        return answer.text

    await eventually(
        lambda: all(stage in receipt() for stage in ("accepted", "enriched", "indexed")), within_s=WITHIN_S
    )


async def test_a_higher_revision_replaces_the_article(deployment: Deployment) -> None:
    deployment.submit("a", revision=1)
    await eventually(lambda: deployment.hits("harbour"), within_s=WITHIN_S)
    deployment.submit("a", revision=2, title="Tunnel opens under the river")
    (hit,) = await eventually(lambda: deployment.hits("tunnel"), within_s=WITHIN_S)
    assert hit["title"] == "Tunnel opens under the river"
    assert len(deployment.hits()) == 1


async def test_a_takedown_leaves_410_and_no_hit(deployment: Deployment) -> None:
    article_id = deployment.submit("a")["id"]
    await eventually(lambda: deployment.hits(), within_s=WITHIN_S)
    assert deployment.ingest.delete(f"/v1/articles/{article_id}").status_code == 202
    await eventually(
        lambda: deployment.index.get(f"/v1/articles/{article_id}").status_code == 410, within_s=WITHIN_S
    )
    assert deployment.hits() == []


async def test_a_batch_is_searchable_article_by_article(deployment: Deployment) -> None:
    names = [f"batch-{number}" for number in range(40)]
    lines = "".join(f"{json.dumps(deployment.article(name))}\n" for name in names)
    answer = deployment.ingest.post(
        "/v1/articles/batch", content=lines.encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert answer.status_code == 200, answer.text
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (len(names), 0)
    await eventually(lambda: len(deployment.hits()) == len(names), within_s=WITHIN_S)


@pytest.mark.parametrize(
    "headers", [{"Authorization": "Bearer wr_unknown"}, {"Authorization": ""}], ids=["unknown", "none"]
)
def test_submitting_without_a_known_key_is_refused(deployment: Deployment, headers: dict[str, str]) -> None:
    answer = deployment.ingest.post("/v1/articles", json=deployment.article("a"), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_both_published_services_say_that_they_are_ready(deployment: Deployment) -> None:
    assert deployment.ingest.get("/readyz").status_code == 200
    assert deployment.index.get("/readyz").status_code == 200
