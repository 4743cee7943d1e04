"""Rebuilding the index inside the service: whoever cancels it, nothing that is stored meanwhile is lost."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import httpx2
import pytest
from fastapi import FastAPI

from services.index.archive import Archive, archive_line
from services.index.archive_reading import segment_path
from services.index.engine.protocol import StoredArticle, Tombstone
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.handler import StoreHandler
from services.index.maintenance import Reindexer, maintenance_router
from services.index.reindex import Rebuild, ReindexReport
from services.index.replacement import Replacement
from services.index.staging import Run, Staging
from shared.http.limits import Limits
from shared.http.problems import Problem
from shared.http.serve import install_http
from shared.metrics import Metrics
from shared.runtime.delivery import Delivery, Done, Entry
from tests.index.articles import NOW, article_id, enriched, retracted
from tests.support import eventually


@dataclass
class Service:
    data_dir: Path
    engine: TantivyEngine
    archive: Archive
    handler: StoreHandler
    reindexer: Reindexer

    async def store(self, *keys: str) -> None:
        results = await self.handler([Delivery(Entry("1-0", {}), enriched(key)) for key in keys])
        assert all(isinstance(result, Done) for result in results)

    def reopened(self) -> TantivyEngine:
        self.engine.close()
        self.engine = TantivyEngine(self.data_dir)
        return self.engine


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    engine, archive = TantivyEngine(tmp_path), Archive(tmp_path)
    handler = StoreHandler(engine, archive, Metrics(), full_batch=1, commit_interval_s=0)
    service = Service(tmp_path, engine, archive, handler, Reindexer(engine, archive, handler.lock))
    await service.store("a", "b")
    yield service
    service.engine.close()
    archive.close()


class Gate:
    """Holds a method of Rebuild in its thread, after or before its work, until the test opens it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, *, after: bool = False) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        original = getattr(Rebuild, method)

        def held(rebuild: Rebuild, *given: object) -> ReindexReport | None:
            report = original(rebuild, *given) if after else None
            self.reached.set()
            assert self.opened.wait(10)
            return report if after else original(rebuild, *given)

        monkeypatch.setattr(Rebuild, method, held)


async def cancelled(task: asyncio.Task[object]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)


async def test_cancelled_in_the_switch_nobody_stores_before_it_is_over(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "switch", after=True)
    running = asyncio.create_task(service.reindexer.run())
    await eventually(gate.reached.is_set)
    running.cancel()
    storing = asyncio.create_task(service.store("c"))
    await asyncio.sleep(0.1)
    running.cancel()
    await asyncio.sleep(0.1)
    assert not storing.done(), "stored into an index that is being replaced"
    gate.opened.set()
    await cancelled(running)
    await storing
    engine = service.reopened()
    assert engine.stats().directory == "index-2"
    assert all(engine.get(article_id(key)) for key in "abc")


async def test_cancelled_before_the_exchange_the_old_index_stays(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "catch_up")
    running = asyncio.create_task(service.reindexer.run())
    await eventually(gate.reached.is_set)
    running.cancel()
    await asyncio.sleep(0.1)
    with pytest.raises(Problem, match="already"):
        await service.reindexer.run()
    gate.opened.set()
    await cancelled(running)
    await service.store("c")
    engine = service.reopened()
    assert engine.stats().directory == "index-1"
    assert all(engine.get(article_id(key)) for key in "abc")


async def test_cancelled_while_it_is_abandoned_it_is_abandoned(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> ReindexReport:
        raise OSError("no space left")

    monkeypatch.setattr(Rebuild, "switch", fail)
    gate = Gate(monkeypatch, "abandon")
    running = asyncio.create_task(service.reindexer.run())
    await eventually(gate.reached.is_set)
    running.cancel()
    await asyncio.sleep(0.1)
    assert not running.done()
    gate.opened.set()
    await cancelled(running)
    monkeypatch.undo()
    assert (await service.reindexer.run())["records"] == 2, "another can follow"


async def test_stopping_the_service_ends_a_rebuild_first(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch, "catch_up")
    running = asyncio.create_task(service.reindexer.run())
    await eventually(gate.reached.is_set)
    stopping = asyncio.create_task(service.reindexer.stop())
    await asyncio.sleep(0.1)
    assert not stopping.done()
    gate.opened.set()
    await asyncio.wait_for(stopping, 10)
    with pytest.raises(Problem, match="stopped"):
        await running
    assert service.engine.stats().directory == "index-1"


async def test_stopping_without_a_rebuild_is_at_once(service: Service) -> None:
    await asyncio.wait_for(service.reindexer.stop(), 1)


async def test_undisturbed_it_goes_over_to_the_new_index(service: Service) -> None:
    report = await service.reindexer.run()
    assert (report["records"], report["directory"]) == (2, "index-2")
    await service.store("c")
    engine = service.reopened()
    assert all(engine.get(article_id(key)) for key in "abc")


async def test_what_a_damaged_archive_could_not_give_back_is_told_as_an_error(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    await service.store("c")
    path = segment_path(service.archive.path, 1)
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(content)
    log = Mock()
    monkeypatch.setattr("services.index.maintenance.log", log)
    report = await service.reindexer.run()
    assert (report["damaged_frames"], report["written"]) == (1, 1)
    ((said, (words,), fields),) = log.method_calls
    assert (said, words, fields["damaged_frames"]) == ("error", "index rebuilt", 1)


async def staged(service: Service, *keys: str) -> str:
    staging = Staging(service.data_dir)
    staging.begin(Run(id="0" * 32, purpose={}))
    again = [enriched(key, "again", enriched_at=NOW) for key in keys]
    staging.append([archive_line(event, NOW) for event in again])
    staging.save({}, complete=True)
    staging.close()
    return "0" * 32


def title(engine: TantivyEngine, key: str) -> str:
    held = engine.get(article_id(key))
    assert isinstance(held, StoredArticle)
    return str(held.article["title"])


async def test_while_articles_are_re_enriched_the_wire_goes_on_and_a_takedown_stays(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await staged(service, "a", "b")
    gate = Gate(monkeypatch, "switch")
    running = asyncio.create_task(service.reindexer.run(run))
    await eventually(gate.reached.is_set)
    assert title(service.engine, "a") == "A title", "the old index serves"
    storing = asyncio.create_task(service.store("c"))
    gate.opened.set()
    report = await asyncio.wait_for(running, 10)
    await storing
    assert (report["re_enriched"], report["overtaken"]) == (2, 0)
    assert (title(service.engine, "a"), title(service.engine, "c")) == ("again", "A title")
    await service.handler([Delivery(Entry("2-0", {}), retracted("b"))])
    run = await staged(service, "b")
    report = await service.reindexer.run(run)
    assert (report["re_enriched"], report["overtaken"]) == (0, 1)
    assert isinstance(service.engine.get(article_id("b")), Tombstone)
    engine = service.reopened()
    assert title(engine, "a") == "again" and isinstance(engine.get(article_id("b")), Tombstone)


async def test_a_takedown_between_preparing_and_switching_stays_a_takedown(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await staged(service, "a")
    prepare = Replacement.prepare
    loop = asyncio.get_running_loop()

    def then_taken_down(replacement: Replacement, rebuild: Rebuild) -> None:
        prepare(replacement, rebuild)
        storing = service.handler([Delivery(Entry("2-0", {}), retracted("a"))])
        asyncio.run_coroutine_threadsafe(storing, loop).result(10)

    monkeypatch.setattr(Replacement, "prepare", then_taken_down)
    await service.reindexer.run(run)
    assert isinstance(service.engine.get(article_id("a")), Tombstone)
    await service.reindexer.run()
    assert isinstance(service.engine.get(article_id("a")), Tombstone), "from the archive, too"


async def test_what_is_not_staged_is_refused_and_nothing_changes(service: Service) -> None:
    with pytest.raises(Problem, match="no re-enriched articles"):
        await service.reindexer.run("0" * 32)
    assert service.engine.stats().directory == "index-1"
    assert (await service.reindexer.run())["records"] == 2, "another can follow"


async def test_a_switch_that_fails_leaves_what_is_staged_for_another_try(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await staged(service, "a")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("services.index.replacement.make_switch", fail)
    with pytest.raises(OSError, match="no space"):
        await service.reindexer.run(run)
    monkeypatch.undo()
    await service.store("c")
    assert title(service.engine, "a") == "A title"
    assert (await service.reindexer.run(run))["re_enriched"] == 1
    engine = service.reopened()
    assert (title(engine, "a"), title(engine, "c")) == ("again", "A title")


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        (None, {"run": "0" * 32}, 401),
        ("wrong", {"run": "0" * 32}, 401),
        ("secret", {}, 422),
        ("secret", {"run": "../../etc"}, 422),
        ("secret", {"run": "0" * 32}, 409),
    ],
    ids=["no token", "wrong token", "no run", "no run's name", "nothing staged"],
)
async def test_a_switch_is_asked_for_with_the_token_and_the_run(
    service: Service, token: str | None, body: dict[str, str], status: int
) -> None:
    app = FastAPI()
    install_http(app, metrics=Metrics(), limits=Limits())
    app.include_router(maintenance_router(service.reindexer, "secret"))
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1", headers=headers
    ) as client:
        answer = await client.post("/v1/admin/re-enrich", json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_over_http_the_report_is_answered(service: Service) -> None:
    app = FastAPI()
    app.include_router(maintenance_router(service.reindexer, "secret"))
    run = await staged(service, "a")
    headers = {"authorization": "Bearer secret"}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1", headers=headers
    ) as client:
        answer = await client.post("/v1/admin/re-enrich", json={"run": run})
    assert (answer.status_code, answer.json()["re_enriched"]) == (200, 1), answer.text
