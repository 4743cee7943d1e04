"""Entries of a schema version that nobody can read yet wait as dead letters until somebody can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from shared import events
from shared.events import DeadLetter, encode_event
from shared.runtime.deadletters import DeadLetters
from shared.runtime.delivery import Delivery, Done, Result
from shared.runtime.parked import ParkedReplayer
from shared.streams import DEAD, EVENT_FIELD, RAW
from tests.shared.conftest import Start
from tests.support import NOW, article_id, eventually, submitted

NEXT_MAJOR = b'"schema_version":"2.0"'


def of_next_major(name: str) -> bytes:
    return encode_event(submitted(name)).replace(b'"schema_version":"1.0"', NEXT_MAJOR)


class Recorder:
    def __init__(self) -> None:
        self.ids: list[str] = []

    async def __call__(self, deliveries: Sequence[Delivery]) -> list[Result]:
        self.ids += [delivery.event.article_id for delivery in deliveries]
        return [Done(None) for _ in deliveries]


async def park(redis: Redis, start: Start, names: Sequence[str]) -> list[str]:
    """Have entries of the next major version parked by a consumer of this one; return the letters' ids."""
    consumer = await start(Recorder())
    for name in names:
        await redis.xadd(RAW.key(0), {EVENT_FIELD: of_next_major(name)})
    letters = DeadLetters(redis, 1)

    async def parked() -> bool:
        return await letters.count() == len(names)

    await eventually(parked)
    await consumer.stop()
    return [letter_id for letter_id, _ in await letters.list()]


def understand_next_major(monkeypatch: pytest.MonkeyPatch) -> None:
    """Be the version that reads both."""
    monkeypatch.setattr(events, "_is_ours", lambda version: version.partition(".")[0] in ("1", "2"))


async def test_an_unknown_major_is_parked_with_its_bytes(redis: Redis, start: Start) -> None:
    (letter_id,) = await park(redis, start, ["later"])
    letter = await DeadLetters(redis, 1).get(letter_id)
    assert letter is not None
    assert letter.reason == "unsupported_schema"
    assert "2.0" in letter.error
    assert letter.fields["event"] == of_next_major("later")


async def test_it_is_read_by_the_first_version_that_can(
    redis: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    await park(redis, start, ["one", "two"])
    understand_next_major(monkeypatch)
    recorder = Recorder()
    await start(recorder)
    await eventually(lambda: len(recorder.ids) == 2)
    assert set(recorder.ids) == {article_id("one"), article_id("two")}
    assert await DeadLetters(redis, 1).count() == 0


async def test_a_version_that_cannot_read_it_leaves_it_alone(redis: Redis, start: Start) -> None:
    letters = await park(redis, start, ["later"])
    recorder = Recorder()
    consumer = await start(recorder)
    await redis.xadd(RAW.key(0), {EVENT_FIELD: encode_event(submitted("now"))})
    await eventually(lambda: recorder.ids == [article_id("now")])
    assert await consumer._parked.replay() == 0
    assert [letter_id for letter_id, _ in await DeadLetters(redis, 1).list()] == letters


async def test_other_dead_letters_wait_for_a_person(
    redis: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = await start(Recorder())
    await redis.xadd(RAW.key(0), {EVENT_FIELD: b"no event"})
    letters = DeadLetters(redis, 1)

    async def dead() -> bool:
        return await letters.count() == 1

    await eventually(dead)
    understand_next_major(monkeypatch)
    assert await consumer._parked.replay() == 0
    assert await letters.count() == 1


async def test_a_stream_full_of_them_halts_instead_of_draining(redis: Redis, start: Start) -> None:
    consumer = await start(Recorder(), halt_window=20, halt_ratio=0.1)
    for n in range(10):
        await redis.xadd(RAW.key(0), {EVENT_FIELD: of_next_major(str(n))})

    async def halted() -> str | None:
        problem = await consumer.check()
        return problem if problem and problem.startswith("halted") else None

    problem: str = await eventually(halted)
    assert "2.0 is not readable here: upgrade this service" in problem
    assert await DeadLetters(redis, 1).count() == 2


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({EVENT_FIELD: b'{"type":"DeadLetter","schema_version":"2.0","fields":[]}'}, "unsupported_schema"),
        ({EVENT_FIELD: b"rubbish"}, "invalid_event"),
        ({b"other": b"field"}, "invalid_event"),
        ({EVENT_FIELD: encode_event(submitted())}, "unexpected_event"),
    ],
    ids=["next major", "rubbish", "no event", "no letter"],
)
async def test_a_letter_that_cannot_be_read_is_listed_with_its_bytes(
    redis: Redis, fields: dict[bytes, bytes], reason: str
) -> None:
    await redis.xadd(DEAD.key(0), fields)  # type: ignore[arg-type]
    ((_, letter),) = await DeadLetters(redis, 1).list()
    assert letter.reason == reason
    assert "cannot be read" in letter.error
    assert {name.encode(): value for name, value in letter.fields.items()} == fields


async def test_a_letter_that_cannot_be_put_back_keeps_no_other_waiting(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def letter(event: bytes, stream: str = RAW.key(0), **more: bytes) -> dict[Any, Any]:
        parked = DeadLetter(
            stream=stream, group="enrich", entry_id="1-1", reason="unsupported_schema", error="later",
            attempts=1, died_at=NOW, fields={"event": event} | more,
        )  # fmt: skip
        return {EVENT_FIELD: encode_event(parked)}

    await redis.xadd(DEAD.key(0), letter(of_next_major("a"), **{f"f{n}": b"x" for n in range(9_000)}))
    await redis.xadd(DEAD.key(0), letter(of_next_major("b"), **{"name outside latin-1 \u4e00": b"x"}))
    await redis.xadd(DEAD.key(0), letter(of_next_major("c"), stream=RAW.key(1)))
    await redis.xadd(DEAD.key(0), letter(of_next_major("good")))
    understand_next_major(monkeypatch)
    replayer = ParkedReplayer(redis, spec=RAW, group="enrich", partitions=2)
    assert await replayer.replay() == 1
    assert await redis.xlen(RAW.key(0)) == 1
    assert await redis.xlen(DEAD.key(0)) == 3
