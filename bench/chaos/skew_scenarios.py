"""Two versions at once: a rolling upgrade and back under load, and events that the older cannot read."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bench.chaos.ledger import Operation
from bench.chaos.poison import raw_fields, submitted_event
from bench.chaos.rolling import EXIT_LIMIT_S, end_service
from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.texts import Subject
from bench.chaos.trees import Patch, Trees
from bench.chaos.world import Result, World
from shared.events import encode_event
from shared.streams import EVENT_FIELD, RAW

READERS_FIRST = ("index", "enrich", "ingest")
DESK = "night desk"
EVENTS = "shared/events.py"
SUBMISSION = "services/ingest/submission.py"
PIPELINE = "services/enrich/pipeline.py"

# A next minor version: one optional field more, which ingest sets and enrich hands on.
FIELD = "    desk: str | None = None\n"
NEXT_MINOR = (
    Patch(EVENTS, 'SCHEMA_VERSION = "1.0"', 'SCHEMA_VERSION = "1.1"'),
    Patch(
        EVENTS, "    title: str | None = None\n    body:", f"    title: str | None = None\n{FIELD}    body:"
    ),
    Patch(EVENTS, "    title: str\n    body: str\n", f"    title: str\n{FIELD}    body: str\n"),
    Patch(
        SUBMISSION,
        "article=read.article,",
        f"article=read.article.model_copy(update={{'desk': {DESK!r}}}),",
    ),
    Patch(PIPELINE, "extra=submitted.extra,", "extra=submitted.extra, desk=submitted.desk,"),
)
# A next major version that reads the one before too.
NEXT_MAJOR = (
    Patch(
        EVENTS,
        'return version.partition(".")[0] == str(SCHEMA_MAJOR)',
        'return version.partition(".")[0] in ("1", "2")',
    ),
)


async def version_skew(setting: Setting, result: Result) -> None:
    """Upgrade each service in turn, readers first, then go back, then to a next major: submits never stop."""
    trees = Trees(setting.scratch / "trees")
    trees.make("this")
    trees.make("minor", NEXT_MINOR)
    trees.make("major", NEXT_MAJOR)
    trees.point_to("this")
    stack = scratch_stack(setting.scratch, "skew")
    stack.code = trees.current
    async with running_world(stack, seed=f"{setting.seed}skew", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 3)
            await _roll_out(world, result, trees, "minor", READERS_FIRST)
            upgraded = await _publish_one(world)
            await asyncio.sleep(LOAD_S / 3)
            parked = await _park(world, result)
            await _roll_out(world, result, trees, "this", reversed(READERS_FIRST))
            await _served_with_desk(world, result, upgraded, "served by the older index")
            await asyncio.sleep(LOAD_S / 3)
            await _roll_out(world, result, trees, "major", READERS_FIRST)
            await _is_replayed(world, result, parked)
        await conclude(world, result, "skew")
        await _served_with_desk(world, result, upgraded, "in the end")


async def _roll_out(world: World, result: Result, trees: Trees, name: str, order: Any) -> None:
    trees.point_to(name)
    for service in order:
        await end_service(world, result, service)
        result.add("restarts", 1)


async def _publish_one(world: World) -> Subject:
    subject = Subject(f"zq{world.fresh_name()}upgraded")
    operation = Operation("publish", 1, subject.text(1).digest)
    obligation = world.ledger.open(subject.article_id, subject.word)
    before = obligation.begin(operation)
    response = await world.producer.request("POST", "/v1/articles", json=subject.payload(1, revision=1))
    if response is not None and response.is_success:
        obligation.settle(before, operation, "accepted", at_s=0, revision=1)

    async def found() -> bool:
        return await world.observer.found(subject.word) == (subject.article_id,)

    await world.until(found, EXIT_LIMIT_S, 0.2)
    return subject


async def _served_with_desk(world: World, result: Result, subject: Subject, when: str) -> None:
    document = await world.observer.document("index", f"/v1/articles/{subject.article_id}")
    desk = (document or {}).get("desk")
    result.expect(desk == DESK, f"{when}, the field of the newer version is {desk!r}, not {DESK!r}")


async def _park(world: World, result: Result) -> Subject:
    """Put an event of the next major version on the stream: it must wait as a dead letter."""
    subject = Subject(f"zq{world.fresh_name()}later")
    event = json.loads(encode_event(submitted_event(subject))) | {"schema_version": "2.0"}
    operation = Operation("publish", 1, subject.text(1).digest)
    world.ledger.open(subject.article_id, subject.word).begin(operation)
    redis = world.stack.redis()
    try:
        await redis.xadd(RAW.key(0), raw_fields({EVENT_FIELD: json.dumps(event).encode()}))
    finally:
        await redis.aclose()

    async def parked() -> bool:
        return any(letter.reason == "unsupported_schema" for letter in await world.observer.letters())

    took = await world.until(parked, EXIT_LIMIT_S, 0.2)
    result.expect(took is not None, "an event of the next major version did not become a dead letter")
    return subject


async def _is_replayed(world: World, result: Result, parked: Subject) -> None:
    async def found() -> bool:
        return await world.observer.found(parked.word) == (parked.article_id,)

    took = await world.until(found, EXIT_LIMIT_S, 0.2)
    if result.expect(took is not None, "what was parked was not read by the version that can"):
        result.worst("replayed_after_s", took or 0)
    left = [letter for letter in await world.observer.letters() if letter.reason == "unsupported_schema"]
    result.expect(not left, f"{len(left)} parked dead letters are left")
