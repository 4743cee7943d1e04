"""`wireroom re-enrich` beside a running Wireroom: the wire goes on, and is not set back."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import ROOT
from tests.pipeline.conftest import Stack, start_stack, stop_stack
from tests.pipeline.steps import Json, search, story, submit_and_wait, wait_for, word_of
from tests.support import eventually, install_plug_in

pytestmark = pytest.mark.process

# It says that it was reached, and works once it may.
STUB = """
import time
from pathlib import Path
from services.enrich.backends import Info
from shared.events import Entity

class Backend:
    def info(self):
        return Info("stub", "2")

    def process_batch(self, articles):
        (Path(__file__).parent / "reached").touch()
        while not (Path(__file__).parent / "go").exists():
            time.sleep(0.02)
        return [(Entity(text="Antwerp", label="GPE", canonical="Antwerp", count=1),) for _ in articles]

def load(options):
    return Backend()
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = start_stack(tmp_path_factory.mktemp("again") / "data", "--no-samples", "--enrich-workers", "1")
    yield stack
    assert stop_stack(stack) == 0


async def names(index: httpx2.AsyncClient, answer: Json) -> set[str]:
    response = await index.get(f"/v1/articles/{answer['id']}")
    assert response.status_code == 200, response.text
    return {entity["canonical"] for entity in response.json()["entities"]}


async def test_history_follows_a_new_model_while_the_wire_goes_on(own: Stack, tmp_path: Path) -> None:
    install_plug_in(tmp_path, "stubbed", STUB, "[wireroom.entities]\nstub = stubbed:load\n")
    environment = own.environment | {
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
        "WIREROOM_ENTITIES_BACKEND": "stub",
    }
    async with (
        httpx2.AsyncClient(base_url=own.ingest_url, timeout=30) as ingest,
        httpx2.AsyncClient(base_url=own.index_url, timeout=30) as index,
    ):
        articles = [story() for _ in range(20)]
        first = [await submit_and_wait(ingest, article) for article in articles]
        before = (await index.get(f"/v1/articles/{first[5]['id']}")).json()
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "re-enrich", "--yes", "--json", str(tmp_path / "r.json")],
            cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        await eventually((tmp_path / "reached").exists, within_s=150)
        assert (await ingest.delete(f"/v1/articles/{first[0]['id']}")).status_code == 202
        corrected = await submit_and_wait(ingest, articles[1] | {"title": "Corrected: no pier"})
        late = story()
        new = await submit_and_wait(ingest, late)
        assert "Antwerp" not in await names(index, first[2]), "nothing is switched yet"
        (tmp_path / "go").touch()
        said, _ = await asyncio.to_thread(process.communicate, timeout=300)
        assert process.returncode == 0, said
        report = json.loads((tmp_path / "r.json").read_text())
        assert report["switched"]["re_enriched"] + report["switched"]["overtaken"] == report["re_enriched"]
        for answer in first[2:]:
            assert await names(index, answer) == {"Antwerp"}
        assert (await index.get(f"/v1/articles/{first[0]['id']}")).status_code == 410
        served = (await index.get(f"/v1/articles/{corrected['id']}")).json()
        assert (served["title"], served["revision"]) == ("Corrected: no pier", 2)
        assert (await search(index, word_of(late)))["total"] == 1
        after = (await index.get(f"/v1/articles/{first[5]['id']}")).json()
        kept = ("id", "revision", "received_at", "indexed_at", "story_id", "body", "published_at")
        assert {name: after.get(name) for name in kept} == {name: before.get(name) for name in kept}
        assert after["provenance"]["versions"]["entities"] == "stub 2"
        await submit_and_wait(ingest, story())
        receipts = [await wait_for(ingest, answer) for answer in (first[2], new)]
        assert all(found["status"] == "indexed" for found in receipts)
