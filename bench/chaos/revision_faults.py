"""Events of one article in an order that nobody meant: corrections, takedowns and creates, all mixed up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.chaos.ledger import Operation
from bench.chaos.oracle import GONE, OK, Sight
from bench.chaos.plans import Door, Plan, make_plan, make_step
from bench.chaos.poison import raw_fields, submitted_event
from bench.chaos.texts import Subject
from bench.chaos.world import Result, World
from shared.events import encode_event
from shared.streams import EVENT_FIELD, RAW

ARTICLES = 24
REVISIONS = 4
SETTLED_WITHIN_S = 15.0
CLOSING = ("none", "taken down first", "taken down later", "restored")


def reordered_plan(word: str, number: int) -> tuple[Plan, Operation]:
    """Return a plan that sends revisions 1 to REVISIONS in an order of its own, and what must be served.

    Every fourth article has no takedown, one before its create, one in between, or one and a restore. Each
    order has a revision that comes too late. Pure: the same word and number give the same plan.
    """
    subject = Subject(word)
    rng = random.Random(f"{word} {number}")  # reproducible, not secret
    order = list(range(1, REVISIONS + 1))
    while order == sorted(order):
        rng.shuffle(order)
    closing = CLOSING[number % len(CLOSING)]
    steps = [make_step("publish", subject, n, n) for n in order]
    last = Operation("publish", REVISIONS, subject.text(REVISIONS).digest)
    if closing == "taken down first":
        steps.insert(0, make_step("take_down", subject, 0, None))
    elif closing != "none":
        steps.insert(rng.randrange(1, len(steps)), make_step("take_down", subject, 0, None))
    if closing == "restored":
        steps.append(make_step("restore", subject, REVISIONS + 1, REVISIONS + 1))
        last = steps[-1].operation
    elif closing != "none":
        last = Operation("take_down", 0)
    door: Door = "keyed" if number % 2 else "single"
    return Plan(closing, subject, door, True, tuple(steps)), last


@dataclass(slots=True)
class ReorderedRevisions:
    """Many articles at once, each with its revisions out of order, and takedowns before and between them.

    Ingest would sort out all of that; so the first revision of each comes once more on the stream, late, as
    from a consumer that hung.
    """

    name: str = "reordered_revisions"
    passes_when: str = "the highest revision is served; a takedown is final until it is restored"

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        chosen = [reordered_plan(f"zq{world.fresh_name()}mixed", number) for number in range(ARTICLES)]
        await asyncio.gather(*(world.producer.carry_out(plan) for plan, _ in chosen))
        await _come_late(world, [plan.subject for plan, _ in chosen])
        after = make_plan(world.producer.seed, 0, kind="plain", word=f"zq{world.fresh_name()}after")
        await world.producer.carry_out(after)
        for plan, wanted in chosen:
            result.add("articles", 1)
            result.add("submits", sum(step.payload is not None for step in plan.steps))
            result.add("takedowns", sum(step.payload is None for step in plan.steps))
            result.add("restored", wanted.effect == "restore")
        left = chosen

        async def settled() -> bool:
            nonlocal left
            left = [one for one in chosen if not _is_as_wanted(await _sight(world, one[0]), one[1])]
            # It came after the late ones, so those have been read when it is served.
            return not left and (await _sight(world, after)).status == OK

        took = await world.until(settled, SETTLED_WITHIN_S, 0.2)
        if result.expect(took is not None, f"not settled {SETTLED_WITHIN_S:g} s later"):
            result.worst("settled_s", took or 0)
        for plan, wanted in left:
            sight = await _sight(world, plan)
            order = ", ".join(f"{step.operation.effect} {step.operation.version}" for step in plan.steps)
            found = f"{sight.status} at revision {sight.revision}"
            result.failures.append(f"after {order}: {found}, not {wanted.effect} {wanted.version}")

    async def undo(self, world: World, result: Result) -> None:
        return


async def _come_late(world: World, subjects: Sequence[Subject]) -> None:
    redis = world.stack.redis()
    try:
        for subject in subjects:
            await redis.xadd(RAW.key(0), raw_fields({EVENT_FIELD: encode_event(submitted_event(subject))}))
    finally:
        await redis.aclose()


async def _sight(world: World, plan: Plan) -> Sight:
    return await world.observer.sight(world.ledger.open(plan.subject.article_id, plan.subject.word))


def _is_as_wanted(sight: Sight, wanted: Operation) -> bool:
    if wanted.effect == "take_down":
        return sight.status == GONE
    return (sight.status, sight.revision, sight.digest) == (OK, wanted.version, wanted.digest)
