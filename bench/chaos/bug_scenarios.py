"""A bad deploy: a version with a bug, its dead letters, and the replay after the fix."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from typing import Any

from bench.chaos.ledger import Operation
from bench.chaos.rolling import end_service
from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.stack import ROOT
from bench.chaos.texts import Subject
from bench.chaos.trees import Patch, Trees
from bench.chaos.world import Result, World
from shared.streams import EVENT_FIELD, RAW

RAISES, KILLS = "zqraises", "zqkills"
PIPELINE = "services/enrich/pipeline.py"
BATCH = 6  # below a tenth of the latest hundred, or the consumer would halt
DIES_WITHIN_S = 90.0
MAX_DELIVERIES = 5
MAX_DEATHS = 10

BUG = Patch(
    PIPELINE,
    "def extract_text(draft: Draft, _: Models) -> Draft:\n",
    f'''def extract_text(draft: Draft, _: Models) -> Draft:
    if "{RAISES}" in draft.title:
        raise RuntimeError("the bug of this version")
    if "{KILLS}" in draft.title:
        import os

        os._exit(137)
''',
)


async def poison_deploy(setting: Setting, result: Result) -> None:
    """A version that fails on some articles and dies over one; the fixed version replays them all."""
    trees = Trees(setting.scratch / "bug-trees")
    trees.make("fixed")
    trees.make("bug", [BUG])
    trees.point_to("bug")
    stack = scratch_stack(setting.scratch, "bug", WIREROOM_RECLAIM_IDLE_S="2", WIREROOM_RETRY_BASE_S="0.2")
    stack.code = trees.current
    async with running_world(stack, seed=f"{setting.seed}bug", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            subjects = [Subject(f"{RAISES}{world.fresh_name()}") for _ in range(BATCH)]
            killer = Subject(f"{KILLS}{world.fresh_name()}")
            await _submit(world, [*subjects, killer])
            original = await _bytes_on_the_stream(world, subjects[0])
            letters = await _all_dead(world, result, [*subjects, killer])
            _attempts(result, letters, subjects, killer)
            await _bytes_are_shown(world, result, letters, subjects[0], original)
            trees.point_to("fixed")
            await end_service(world, result, "enrich", died_before=True)
            told = await _command(world, "dead", "replay", "--all", "--reason", "attempts_exhausted")
            result.measured["replayed"] = len(told.get("replayed", ()))
            await asyncio.sleep(LOAD_S / 2)
        await conclude(world, result, "bug")
        left = await world.observer.letters()
        result.expect(not left, f"{len(left)} dead letters are left after the replay")


async def _submit(world: World, subjects: list[Subject]) -> None:
    """Submit all in one batch: they share it with each other, and the stream with good neighbours."""
    operations = [Operation("publish", 1, subject.text(1).digest) for subject in subjects]
    obligations = [world.ledger.open(subject.article_id, subject.word) for subject in subjects]
    before = [one.begin(operation) for one, operation in zip(obligations, operations, strict=True)]
    body = "\n".join(json.dumps(subject.payload(1, revision=1)) for subject in subjects).encode()
    response = await world.producer.request("POST", "/v1/articles/batch", content=body)
    if response is not None and response.is_success:
        for one, operation, states in zip(obligations, operations, before, strict=True):
            one.settle(states, operation, "accepted", at_s=0, revision=1)


async def _all_dead(world: World, result: Result, subjects: list[Subject]) -> dict[str, dict[str, Any]]:
    """Return the letters by article id, once there is one for each."""
    wanted = {subject.article_id for subject in subjects}
    found: dict[str, str] = {}

    async def all_there() -> bool:
        letters = await world.observer.letters()
        found.update({one.article_id: one.id for one in letters if one.article_id in wanted})
        return set(found) == wanted

    took = await world.until(all_there, DIES_WITHIN_S, 0.3)
    if result.expect(took is not None, f"{len(found)} of {len(wanted)} were dead {DIES_WITHIN_S:g} s later"):
        result.worst("dead_after_s", took or 0)
    letters = {}
    for article_id, letter_id in found.items():
        document = await world.observer.document("ingest", f"/v1/dead-letters/{letter_id}")
        letters[article_id] = (document or {}) | {"id": letter_id}
    return letters


def _attempts(
    result: Result, letters: dict[str, dict[str, Any]], subjects: list[Subject], killer: Subject
) -> None:
    for subject in subjects:
        letter = letters.get(subject.article_id, {})
        result.expect(
            letter.get("attempts") == MAX_DELIVERIES and letter.get("reason") == "attempts_exhausted",
            f"one died of {letter.get('reason')} after {letter.get('attempts')} attempts",
        )
        error = str(letter.get("error"))
        result.expect("the bug of this version" in error, f"its error: {error}")
    letter = letters.get(killer.article_id, {})
    result.expect(
        MAX_DELIVERIES <= int(letter.get("attempts") or 0) <= MAX_DEATHS + 1,
        f"the one that kills its worker was buried after {letter.get('attempts')} attempts",
    )
    result.measured["attempts"] = MAX_DELIVERIES
    result.measured["deaths"] = int(letter.get("attempts") or 0)


async def _bytes_on_the_stream(world: World, subject: Subject) -> bytes:
    """Return the event of a subject as ingest wrote it, while it waits for its next attempt."""
    redis = world.stack.redis()
    try:
        rows: Any = await redis.xrange(RAW.key(0))
    finally:
        await redis.aclose()
    return next(
        (fields[EVENT_FIELD] for _, fields in rows if subject.word.encode() in fields[EVENT_FIELD]), b""
    )


async def _bytes_are_shown(
    world: World, result: Result, letters: dict[str, dict[str, Any]], subject: Subject, original: bytes
) -> None:
    result.expect(bool(original), "the article's entry was not on the stream after it was accepted")
    shown = await _command(world, "dead", "show", letters.get(subject.article_id, {}).get("id", "0-0-0"))
    event = str(shown.get("fields", {}).get("event"))
    result.expect(event.encode() == original, f"`dead show` gives {event[:200]}, not {original[:200]!r}")


async def _command(world: World, *words: str) -> dict[str, Any]:
    """Run a command as the operator would, and return its JSON."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "WIREROOM_DATA_DIR": str(world.stack.data_dir)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", *words, "--json"],
        capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
    )  # fmt: skip
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"failed": done.stderr}
    return document
