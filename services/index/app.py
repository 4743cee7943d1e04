"""The index service: consumes articles.enriched into the index and the archive, and serves search."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

from services.index.api import answer_index_failed, search_router
from services.index.archive import Archive
from services.index.engine.protocol import IndexFailed
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.entity_edits_api import entity_edits_router
from services.index.entity_edits_file import EntityEdits
from services.index.erasing import Eraser
from services.index.erasures import Erasures
from services.index.erasures_api import erasures_router
from services.index.export.routes import export_router
from services.index.feeds_out.routes import feeds_router
from services.index.gauges import IndexGauges
from services.index.guard import IndexGuard
from services.index.handler import StoreHandler
from services.index.live.routes import stream_router
from services.index.live.wire import Wire
from services.index.maintenance import Reindexer, maintenance_router, write_admin_token
from services.index.opening import open_engine
from services.index.overview_api import overview_router
from services.index.saved_searches.api import saved_searches_router
from services.index.saved_searches.parts import SavedSearchParts
from services.index.settings import IndexSettings
from services.index.state import StateRestorer
from services.index.web.operator_access import OperatorAccess
from services.index.web.operator_page import OperatorDesk
from services.index.web.routes import web_router
from services.index.web.saved_page import SavedDesk
from shared import __version__
from shared.clock import utc_now
from shared.http.auth import ApiKeys
from shared.http.docs import docs_router
from shared.http.health import health_router
from shared.http.limits import Limits
from shared.http.own_site import OwnSiteOnly
from shared.http.serve import install_http, run_service
from shared.logging import configure_logging
from shared.metrics import Metrics
from shared.runtime.consumer import StreamConsumer
from shared.runtime.tasks import end_tasks
from shared.runtime.trim import Trimmer
from shared.settings import is_loopback, load_settings
from shared.streams import ENRICHED


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of. `consumer` feeds `handler`, which alone writes index and archive."""

    metrics: Metrics
    archive: Archive
    engine: TantivyEngine
    edits: EntityEdits
    erasures: Erasures
    wire: Wire
    saved: SavedSearchParts
    handler: StoreHandler
    reindexer: Reindexer
    consumer: StreamConsumer
    states: StateRestorer
    eraser: Eraser


def create_app(settings: IndexSettings) -> FastAPI:
    """Return the service with its index open. Raises ConfigurationError when that cannot be."""
    metrics = Metrics()
    metrics.set("wireroom_build_info", 1, version=__version__, service="index")
    parts = open_parts(settings, metrics)
    app = FastAPI(
        title="Wireroom index",
        version=__version__,
        lifespan=_lifespan(settings, parts),
        docs_url=None,
        redoc_url=None,
    )
    if settings.read_keys is None:
        app.add_middleware(
            OwnSiteOnly,
            public_url=settings.index_public_url,
            setting="WIREROOM_INDEX_PUBLIC_URL",
            is_open=lambda: True,
            # They say who waits for what, and where it is sent.
            private=("/v1/saved-searches", "/saved"),
        )
    install_http(app, metrics=metrics, limits=Limits())
    app.add_exception_handler(IndexFailed, answer_index_failed)
    _add_routes(app, settings, parts)
    # What must end before the service waits for the requests in hand, and would never by itself.
    app.state.on_drain = parts.wire.end
    return app


def open_parts(settings: IndexSettings, metrics: Metrics) -> Parts:
    """Open index and archive, and connect what works on them. Raises ConfigurationError."""
    archive = Archive(settings.data_dir)
    engine = open_engine(settings.data_dir, archive)
    edits = EntityEdits(archive.path)
    erasures = Erasures(archive.path)
    wire = Wire(engine)
    saved = SavedSearchParts.open(settings, engine, metrics, utc_now)
    handler = StoreHandler(
        engine,
        archive,
        metrics,
        full_batch=settings.index_batch_entries,
        commit_interval_s=settings.commit_interval_s,
        edited=edits.apply,
        unlinked=erasures.unlinked,
        committed=wire.committed,
        stored=saved.matcher,
    )
    reindexer = Reindexer(engine, archive, handler.lock, edits)
    consumer = StreamConsumer(
        settings,
        spec=ENRICHED,
        group="index",
        handler=handler,
        next_spec=None,
        max_records=settings.index_batch_entries,
        metrics=metrics,
        pace=handler.pace,
    )
    states = StateRestorer(
        consumer.redis,
        archive,
        handler.lock,
        file=settings.data_dir / "index" / "STATE",
        partitions=settings.partitions,
        ttl_s=settings.article_state_ttl_s,
        batch_timeout_s=settings.handler_timeout_s,
        metrics=metrics,
    )
    eraser = Eraser(
        erasures,
        consumer.redis,
        engine,
        archive,
        reindexer,
        states,
        handler.lock,
        partitions=settings.partitions,
    )
    return Parts(
        metrics=metrics,
        archive=archive,
        engine=engine,
        edits=edits,
        erasures=erasures,
        wire=wire,
        saved=saved,
        handler=handler,
        reindexer=reindexer,
        consumer=consumer,
        states=states,
        eraser=eraser,
    )


def _lifespan(
    settings: IndexSettings, parts: Parts
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    trimmer = Trimmer(parts.consumer.redis, partitions=settings.partitions, metrics=parts.metrics)
    guard = IndexGuard(
        parts.engine, parts.reindexer, parts.metrics, interval_s=settings.index_check_interval_s
    )
    work: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
        "trimmer": trimmer.run,
        "states": parts.states.run,
        "guard": guard.run,
        "gauges": IndexGauges(parts.engine, parts.archive, parts.metrics).run,
        "eraser": parts.eraser.run,
        **parts.saved.work,
    }

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(run(), name=name) for name, run in work.items()]
        async with parts.consumer.running():
            yield
        await end_tasks(tasks)
        await parts.saved.close()
        await parts.reindexer.stop()
        parts.engine.close()
        parts.archive.close()

    return lifespan


def _add_routes(app: FastAPI, settings: IndexSettings, parts: Parts) -> None:
    engine, metrics, saved = parts.engine, parts.metrics, parts.saved.searches
    read_keys = _read_keys(settings)
    app.include_router(search_router(engine, metrics, read_keys))
    app.include_router(stream_router(parts.wire, saved, metrics, read_keys, max_streams=settings.max_streams))
    app.include_router(export_router(engine, saved, metrics, read_keys))
    app.include_router(feeds_router(engine, saved, metrics, read_keys, settings.index_public_url))
    app.include_router(overview_router(engine, metrics, read_keys, utc_now))
    admin_token = write_admin_token(settings.data_dir)
    app.include_router(maintenance_router(parts.reindexer, admin_token))
    app.include_router(entity_edits_router(parts.edits, admin_token, utc_now))
    app.include_router(erasures_router(parts.eraser, parts.erasures, admin_token))
    app.include_router(
        saved_searches_router(parts.saved.service, read_keys, loopback_only=settings.is_for_this_machine)
    )
    app.include_router(docs_router(app))

    async def engine_check() -> str | None:
        health = engine.health()
        return None if health.ok else health.detail

    checks = {
        "articles.enriched": parts.consumer.check,
        "engine": engine_check,
        "state": parts.states.check,
    }
    app.include_router(health_router(checks, metrics))
    operator = OperatorDesk(
        parts.consumer.redis, settings.partitions, checks, _operator_access(settings, read_keys)
    )
    saved_desk = SavedDesk(parts.saved.service, loopback_only=settings.is_for_this_machine)
    app.include_router(web_router(engine, metrics, read_keys, operator=operator, saved=saved_desk))


def _read_keys(settings: IndexSettings) -> ApiKeys | None:
    if settings.read_keys is None:
        return None
    return ApiKeys.parse(settings.read_keys.get_secret_value(), "WIREROOM_READ_KEYS")


def _operator_access(settings: IndexSettings, read_keys: ApiKeys | None) -> OperatorAccess:
    keys = None
    if settings.operator_keys is not None:
        keys = ApiKeys.parse(settings.operator_keys.get_secret_value(), "WIREROOM_OPERATOR_KEYS")
    return OperatorAccess(keys, is_loopback(settings.index_host) and read_keys is None)


def main() -> None:
    """Run the service until SIGTERM. Raises ConfigurationError when it cannot start as configured."""
    settings = load_settings(IndexSettings)
    configure_logging("index", log_format=settings.log_format, level=settings.log_level)
    app = create_app(settings)
    run_service(
        app,
        settings.index_host,
        settings.index_port,
        drain_timeout_s=settings.drain_timeout_s,
        on_drain=app.state.on_drain,
    )
