"""The ingest service: takes articles in over HTTP and puts them on the raw stream.

    request ─► doors (who) ─► formats (what) ─► identity (which) ─► submission (one Lua step)
            ─► writer (many steps, one pipeline) ─► articles.raw

Everything it needs is made in `create_app`; nothing else reads the environment or the clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.ingest.api.articles import add_submit_route, articles_router
from services.ingest.api.batches import batches_router
from services.ingest.api.dead_letters import dead_letters_router
from services.ingest.api.feeds import feeds_router
from services.ingest.api.urls import urls_router
from services.ingest.api.websub import websub_router
from services.ingest.doors import Doors
from services.ingest.feeds.assembly import feeds_of
from services.ingest.fetching.pages import PageFetcher
from services.ingest.idempotency import Idempotency
from services.ingest.rates import Rates
from services.ingest.recent import RecentSubmits
from services.ingest.service import Ingest
from services.ingest.settings import IngestSettings
from services.ingest.source_book import SourceWatch
from services.ingest.state_watch import StateWatch
from services.ingest.writer import CoalescingWriter
from shared.clock import utc_now
from shared.errors import ConfigurationError
from shared.events import SCHEMA_VERSION
from shared.fetch.polite import polite_fetcher
from shared.fetch.settings import fetcher_from_settings
from shared.http.docs import docs_router
from shared.http.health import Check, health_router
from shared.http.limits import Limits
from shared.http.own_site import OwnSiteOnly
from shared.http.serve import install_http, run_service
from shared.logging import configure_logging, get_logger
from shared.metrics import Metrics
from shared.runtime.backpressure import BackpressureSampler
from shared.runtime.connection import connect
from shared.runtime.deadletters import DeadLetters
from shared.runtime.groups import ensure_groups
from shared.runtime.tasks import end_tasks
from shared.settings import load_settings

log = get_logger(__name__)

BATCH_PATH = "/v1/articles/batch"
_RETRY_S = 1.0


def create_app(settings: IngestSettings, *, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Return the whole service. Raises ConfigurationError when its secrets or exposure are not in order."""
    metrics = Metrics()
    redis = connect(settings)
    writer = CoalescingWriter(
        redis,
        metrics=metrics,
        timeout_s=settings.write_timeout_s,
        max_queued=settings.write_queue_articles,
    )
    backlog = BackpressureSampler(
        redis,
        partitions=settings.partitions,
        high_entries=settings.high_water_entries,
        low_entries=settings.low_water_entries,
        interval_s=settings.backlog_interval_s,
        metrics=metrics,
    )
    recent = RecentSubmits(settings.recent_submits_bytes)
    states = StateWatch(
        redis,
        recent,
        partitions=settings.partitions,
        ttl_s=settings.article_state_ttl_s,
        metrics=metrics,
        now=now,
    )
    fetcher = fetcher_from_settings(settings, metrics=metrics)
    doors = Doors.from_settings(settings)
    sources = SourceWatch(settings.sources_path, doors.use, now)
    settings.check_exposure(guarded=doors.guarded)
    ingest = Ingest(
        settings=settings,
        metrics=metrics,
        redis=redis,
        doors=doors,
        rates=Rates(redis),
        backlog=backlog,
        states=states,
        recent=recent,
        writer=writer,
        idempotency=Idempotency(writer, ttl_s=settings.idempotency_ttl_s),
        dead_letters=DeadLetters(redis, settings.partitions),
        pages=PageFetcher(polite_fetcher(fetcher, settings), max_bytes=settings.fetch_max_page_bytes),
        now=now,
    )

    feeds = feeds_of(ingest, fetcher)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The backlog is sampled only once the groups exist, and until it was, nothing is taken:
        # so no article goes by a group that is made later.
        tasks = [
            asyncio.create_task(writer.run(), name="writer"),
            asyncio.create_task(_groups_then_backlog(redis, settings.partitions, backlog), name="backlog"),
            asyncio.create_task(states.run(), name="states"),
            asyncio.create_task(sources.run(), name="sources"),
            asyncio.create_task(feeds.poller.run(), name="feeds"),
        ]
        try:
            yield
        finally:
            await end_tasks(tasks)
            await feeds.aclose()
            await fetcher.aclose()
            await redis.aclose()

    app = FastAPI(
        title="Wireroom ingest",
        version=SCHEMA_VERSION,
        description="Takes news articles in: one at a time, in batches, and takes them down again.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.add_middleware(
        OwnSiteOnly,
        public_url=settings.public_url,
        setting="WIREROOM_PUBLIC_URL",
        is_open=lambda: doors.open,
    )
    install_http(app, metrics=metrics, limits=_limits(settings))
    add_submit_route(app, ingest)
    for router in (
        articles_router(ingest),
        batches_router(ingest),
        urls_router(ingest),
        feeds_router(ingest, feeds),
        websub_router(ingest, feeds),
        dead_letters_router(ingest),
        health_router(_checks(redis, backlog, states), metrics),
        docs_router(app),
    ):
        app.include_router(router)
    return app


def _limits(settings: IngestSettings) -> Limits:
    return Limits(
        max_body_bytes=settings.max_body_bytes,
        by_path={BATCH_PATH: settings.max_batch_bytes},
        idle_timeout_s=settings.body_idle_timeout_s,
        body_timeout_s=settings.body_timeout_s,
    )


async def _groups_then_backlog(redis: Redis, partitions: int, backlog: BackpressureSampler) -> None:
    """Make the consumer groups, however long Redis is away, then sample the backlog for ever."""
    while True:
        try:
            await ensure_groups(redis, partitions)
            break
        except (RedisError, OSError) as error:
            log.warning("waiting for redis", error=str(error))
            await asyncio.sleep(_RETRY_S)
    log.info("ready for articles", partitions=partitions)
    await backlog.run()


def _checks(redis: Redis, backlog: BackpressureSampler, states: StateWatch) -> dict[str, Check]:
    async def redis_answers() -> str | None:
        try:
            await redis.ping()
        except (RedisError, OSError) as error:
            return f"Redis does not answer: {type(error).__name__}"
        return None

    async def backlog_known() -> str | None:
        return None if backlog.fresh else "the consumer groups or their backlog could not be read lately"

    async def room() -> str | None:
        return f"the pipeline is full: {backlog.reason}" if backlog.full else None

    async def state() -> str | None:
        return states.problem()

    return {"redis": redis_answers, "backlog": backlog_known, "room": room, "state": state}


def main() -> None:
    """Run the service as the environment says, until SIGTERM or SIGINT.

    Raises ConfigurationError when it cannot start as configured.
    """
    settings = load_settings(IngestSettings)
    configure_logging("ingest", log_format=settings.log_format, level=settings.log_level)
    run_service(
        create_app(settings),
        settings.ingest_host,
        settings.ingest_port,
        drain_timeout_s=settings.drain_timeout_s,
    )


if __name__ == "__main__":
    try:
        main()
    except ConfigurationError as error:
        raise SystemExit(f"ingest cannot start: {error}") from None
