"""`wireroom doctor`: checks what could be wrong, and says how to mend it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from services.cli import checks, options
from services.cli.backend_checks import BACKEND_SETTINGS, check_backends
from services.cli.checks import Check
from services.cli.client import DEFAULT_URLS, ServiceClient, ingest_client, service_url
from services.cli.output import Failure, as_typed, print_json, stdout
from services.supervisor.instance import Instance, default_data_dir, read_instance

if TYPE_CHECKING:
    from shared.runtime.lag import GroupLag
    from shared.settings import ServiceSettings

OLD_PENDING_S = 60.0
MARKS = {"ok": "[green]✓[/]", "warn": "[yellow]![/]", "fail": "[red]✗[/]"}


def register(app: typer.Typer) -> None:
    app.command()(doctor)


def doctor(data_dir: options.DataDir = None, json_output: options.JsonOutput = False) -> None:
    """Check what could be wrong, and say how to mend it."""
    directory = data_dir or default_data_dir()
    found = list(_all_checks(directory))
    failed = any(check.state == "fail" for check in found)
    if json_output:
        print_json({"ok": not failed, "checks": [asdict(check) for check in found]})
    else:
        _show(found)
    if failed:
        raise typer.Exit(1)


def _all_checks(data_dir: Path) -> Iterator[Check]:
    instance = read_instance(data_dir)
    external = bool(os.environ.get("WIREROOM_REDIS_URL"))
    yield checks.check_python()
    yield from checks.check_libraries()
    yield checks.check_redis_server(external)
    models = os.environ.get("WIREROOM_MODELS_DIR")
    yield checks.check_models(Path(models) if models else None)
    if any(os.environ.get(name, "builtin") != "builtin" for name in BACKEND_SETTINGS):
        yield from check_backends()
    yield from checks.check_data_dir(data_dir)
    yield from checks.check_index(data_dir)
    yield checks.check_clock(datetime.now(UTC))
    elsewhere = any(os.environ.get(f"WIREROOM_{service.upper()}_URL") for service in DEFAULT_URLS)
    if instance is None and not external and not elsewhere:
        yield Check("Wireroom", "warn", f"does not run on {data_dir}", "wireroom up")
        yield from checks.check_ports({"ingest": 8001, "enrich": 8002, "index": 8003})
        return
    yield from _check_pipeline(instance)
    for service in DEFAULT_URLS:
        yield _check_service(service, data_dir)
    yield from _check_feeds(data_dir)


def _check_service(service: str, data_dir: Path) -> Check:
    from services.supervisor.readiness import readiness_words

    name = service.capitalize()
    try:
        url = service_url(service, None, data_dir)
        with ServiceClient(service, url) as client:
            response = client.call("GET", "/readyz", timeout_s=5.0)
    except Failure as error:
        return Check(name, "fail", error.message, "wireroom up, or look at its last log lines")
    if response.status_code == 200:
        return Check(name, "ok", f"ready at {url}")
    return Check(name, "fail", f"not ready: {readiness_words(response.text)}", "Its log says more.")


def _check_feeds(data_dir: Path) -> Iterator[Check]:
    """Tell how polling goes, where there are feeds and their list may be read."""
    try:
        with ingest_client(data_dir) as client:
            document = client.json("GET", "/v1/feeds", timeout_s=5.0)
    except Failure:
        return  # said above already, or no key
    feeds = document.get("feeds", [])
    if not feeds:
        return
    troubled = [feed for feed in feeds if feed["state"] != "active"]
    found = f"{len(feeds):,} polled" + (f", {len(troubled):,} of them failing or stopped" if troubled else "")
    yield Check("Feeds", "warn" if troubled else "ok", found, "wireroom feeds list" if troubled else "")
    if document.get("websub", {}).get("enabled"):
        pushed = sum((feed["websub"] or {}).get("state") == "active" for feed in feeds)
        yield Check("WebSub", "ok", f"{pushed:,} of {len(feeds):,} feeds are pushed by hubs")
    else:
        yield Check("WebSub", "ok", "off: hubs need WIREROOM_PUBLIC_URL to reach ingest; feeds are polled")


def _check_room(client: Any) -> Iterator[Check]:
    """Check that Redis has room for as much as enrich keeps there and ingest lets wait there."""
    from services.enrich.settings import EnrichSettings
    from services.ingest.settings import IngestSettings
    from shared.errors import ConfigurationError
    from shared.settings import load_settings

    try:
        corpus = load_settings(EnrichSettings).corpus_articles
        backlog = load_settings(IngestSettings).high_water_entries
    except ConfigurationError as error:
        yield Check("Settings", "fail", str(error), "Correct them: a service that reads them does not start.")
        return
    yield from checks.check_redis_room(client, corpus, backlog)


def _check_pipeline(instance: Instance | None) -> Iterator[Check]:
    """Check Redis, and what waits in its streams."""
    import asyncio

    from redis import Redis
    from redis.exceptions import RedisError

    from services.cli.backups.redis_access import redis_settings
    from shared.runtime.connection import redis_url

    try:
        settings = redis_settings(instance)
        client = Redis.from_url(redis_url(settings), socket_timeout=5.0, socket_connect_timeout=2.0)
        with client:
            yield from checks.check_redis(client)
            yield from _check_room(client)
        lags, dead = asyncio.run(_read_streams(settings))
    except (RedisError, OSError, ValueError) as error:
        mend = "Start it, or correct WIREROOM_REDIS_URL and WIREROOM_REDIS_PASSWORD."
        yield Check("Redis", "fail", f"does not answer: {error}", mend)
        return
    yield from _stream_checks(lags, dead)


async def _read_streams(settings: ServiceSettings) -> tuple[list[GroupLag], int]:
    from shared.runtime.connection import connect
    from shared.runtime.deadletters import DeadLetters
    from shared.runtime.lag import read_lags

    redis = connect(settings)
    try:
        return (
            await read_lags(redis, settings.partitions),
            await DeadLetters(redis, settings.partitions).count(),
        )
    finally:
        await redis.aclose()


def _stream_checks(lags: list[GroupLag], dead: int) -> Iterator[Check]:
    for lag in lags:
        found = f"{lag.lag:,} waiting, {lag.pending:,} in hand"
        if lag.oldest_pending_s > OLD_PENDING_S:
            found += f", the oldest for {lag.oldest_pending_s:,.0f} s"
            yield Check(f"Stream for {lag.group}", "warn", found, f"Look at the log of {lag.group}.")
        else:
            yield Check(f"Stream for {lag.group}", "ok", found)
    if dead:
        yield Check("Dead letters", "warn", f"{dead:,}", "wireroom dead list")
    else:
        yield Check("Dead letters", "ok", "none")


def _show(found: list[Check]) -> None:
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in found:
        said = Text(check.found)
        if check.mend:
            said.append(f"\n→ {as_typed(check.mend)}", style="bold")
        table.add_row(MARKS[check.state], check.name, said)
    console.print(table)
    failed = sum(check.state == "fail" for check in found)
    warned = sum(check.state == "warn" for check in found)
    verdict = "All is well." if not failed + warned else f"{failed} to mend, {warned} to look at."
    console.print(f"\n[bold]{verdict}[/]")
