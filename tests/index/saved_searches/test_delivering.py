"""Delivering to real receivers on loopback that fail in every way, over days of an injected clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from services.index.saved_searches import queue, turns
from services.index.saved_searches.records import MessageState
from shared.events import ArticleEnriched
from shared.runtime.tasks import end_tasks
from tests.index.saved_searches.conftest import Received, Receiver, World
from tests.support import article_id, enriched, eventually


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    task = asyncio.create_task(world.saved.deliverer.run())
    try:
        yield
    finally:
        await end_tasks([task])


def storms(*names: str) -> list[ArticleEnriched]:
    return [enriched(name, title=f"Storm {name}") for name in names]


async def day_by_steps(world: World, *, minutes: int, until: float = 24.5) -> None:
    for _ in range(int(until * 60 / minutes)):
        world.clock.turn(minutes=minutes)
        await world.deliver()


async def test_messages_come_in_their_order(world: World, receiver: Receiver) -> None:
    world.save(webhook_url=receiver.url)
    for name in "abcde":
        await world.store(*storms(name))
    async with running(world):
        await eventually(lambda: len(receiver.received) == 5)
    ids = [one.document["data"]["article"]["id"] for one in receiver.received]
    assert ids == [article_id(name) for name in "abcde"]


async def test_a_receiver_that_hangs_does_not_delay_another(world: World, receiver: Receiver) -> None:
    hanging = Receiver(hold=asyncio.Event())
    await hanging.start()
    for _ in range(20):
        world.save(webhook_url=hanging.url)
    world.save(webhook_url=receiver.url)
    async with running(world):
        started = time.monotonic()
        await world.store(*storms("a", "b", "c"))
        await eventually(lambda: len(receiver.received) == 3)
        assert time.monotonic() - started < 3
        await eventually(lambda: hanging.received)
        assert len(hanging.received) <= turns.MAX_OF_ORIGIN
        assert hanging.hold is not None
        hanging.hold.set()
        await eventually(lambda: len(hanging.received) == 60)
    await hanging.stop()


async def test_a_day_of_retries_ends_in_a_disabled_webhook_and_enabling_goes_on(
    world: World, receiver: Receiver
) -> None:
    await receiver.stop()
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("a"))
    await world.deliver()
    assert world.log(search) == [("connect", None)]
    await day_by_steps(world, minutes=5)
    attempts = len(world.log(search))
    assert 12 <= attempts <= 20
    await world.store(*storms("b"))
    await day_by_steps(world, minutes=60)
    disabled = world.current(search)
    assert disabled.status == "disabled" and "have failed, the last with connect" in (disabled.reason or "")
    assert world.pending(search) == 2, "what there is to tell waits"
    last = len(world.log(search))
    await day_by_steps(world, minutes=60)
    assert len(world.log(search)) == last, "a disabled webhook is left alone"
    await receiver.start()
    world.saved.searches.change(search.id, status="active", reason=None)
    world.saved.deliverer.forget_failures(search.key)
    await world.deliver()
    assert [one.document["data"]["article"]["id"] for one in receiver.received] == [
        article_id("a"),
        article_id("b"),
    ]
    assert world.current(search).reason is None and world.pending(search) == 0


async def test_a_receiver_that_comes_back_gets_all_in_order(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: "503 Busy"
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("a", "b"))
    await world.deliver()
    await day_by_steps(world, minutes=10, until=3)
    failed = len(receiver.received)
    assert {one.document["data"]["article"]["id"] for one in receiver.received} == {article_id("a")}
    receiver.answer = lambda _: "200 OK"
    await day_by_steps(world, minutes=10, until=3)
    ids = [one.document["data"]["article"]["id"] for one in receiver.received[failed:]]
    assert ids == [article_id("a"), article_id("b")] and world.pending(search) == 0


async def test_a_message_that_is_rejected_does_not_hold_up_the_others_and_fails_after_a_day(
    world: World, receiver: Receiver
) -> None:
    def answer(one: Received) -> str:
        return "422 No" if one.document["data"]["article"]["id"] == article_id("bad") else "200 OK"

    receiver.answer = answer
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("bad", "good", "fine"))
    await world.deliver()
    world.clock.turn(minutes=1)
    await world.deliver()
    told = [one.document["data"]["article"]["id"] for one in receiver.received]
    assert article_id("good") in told and article_id("fine") in told
    for hour in range(27):
        await world.store(*storms(f"hour {hour}"))
        await day_by_steps(world, minutes=30, until=1)
    assert world.current(search).status == "active"
    assert world.pending(search) == 0
    with world.saved.database.reading() as connection:
        states = dict(connection.execute("SELECT state, count(*) FROM messages GROUP BY state").fetchall())
    assert states == {MessageState.FAILED: 1, MessageState.DELIVERED: 29}


async def test_410_disables_at_once(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: "410 Gone"
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("a", "b"))
    await world.deliver()
    disabled = world.current(search)
    assert (disabled.status, disabled.reason) == ("disabled", "the receiver answered 410 Gone")
    assert world.log(search) == [("gone", 410)] and world.pending(search) == 2


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect", "308 Permanent Redirect"])
async def test_redirects_are_not_followed(world: World, receiver: Receiver, status: str) -> None:
    other = Receiver()
    await other.start()
    for target in ("http://169.254.169.254/latest/meta-data/", other.url):
        head = f"HTTP/1.1 {status}\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode()
        receiver.answer = lambda _, head=head: head  # type: ignore[misc]
        search = world.save(webhook_url=receiver.url)
        await world.store(*storms(target))
        await world.deliver()
        assert world.log(search)[-1] == ("rejected", int(status[:3]))
        world.saved.searches.remove(search.id)
    assert other.received == []
    await other.stop()


async def test_retry_after_is_respected(world: World, receiver: Receiver) -> None:
    receiver.answer = lambda _: b"HTTP/1.1 429 Slow\r\nretry-after: 3600\r\ncontent-length: 0\r\n\r\n"
    world.save(webhook_url=receiver.url)
    await world.store(*storms("a"))
    await world.deliver()
    world.clock.turn(minutes=59)
    await world.deliver()
    assert len(receiver.received) == 1
    world.clock.turn(minutes=2)
    await world.deliver()
    assert len(receiver.received) == 2


ODD = {
    "hangs up": (None, ("protocol", None)),
    "no HTTP": (b"hello\r\n\r\n", ("protocol", None)),
    "an endless body": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n" + b"x" * 1000,
        ("delivered", 200),
    ),
    "a coding that was not asked for": (
        b"HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: 3\r\n\r\nxxx",
        ("delivered", 200),
    ),
    "a body that breaks off": (b"HTTP/1.1 201 OK\r\ncontent-length: 100\r\n\r\nx", ("delivered", 201)),
    "a bad retry-after": (
        b"HTTP/1.1 500 No\r\nretry-after: never\r\ncontent-length: 0\r\n\r\n",
        ("rejected", 500),
    ),
}


@pytest.mark.parametrize(("answer", "logged"), ODD.values(), ids=ODD)
async def test_odd_answers_are_taken_for_what_their_status_says(
    world: World, receiver: Receiver, answer: bytes | None, logged: tuple[str, int | None]
) -> None:
    receiver.answer = lambda _: answer
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("a"))
    await world.deliver()
    assert world.log(search) == [logged]


async def test_a_receiver_that_does_not_answer_times_out(world: World, receiver: Receiver) -> None:
    receiver.hold = asyncio.Event()
    world.saved.receivers._timeout_s = 0.2
    search = world.save(webhook_url=receiver.url)
    await world.store(*storms("a"))
    await world.deliver()
    assert world.log(search) == [("timeout", None)] and world.pending(search) == 1


async def test_a_name_that_leads_to_a_private_address_is_refused_at_each_delivery(world: World) -> None:
    search = world.save(webhook_url="https://rebinding.example/")

    async def rebound(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    world.saved.receivers._fetcher.guard._resolver = rebound
    await world.store(*storms("a"))
    await world.deliver()
    assert world.log(search) == [("refused", None)]


async def test_what_is_beyond_the_bounds_is_forgotten(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MAX_MATCHES", 3)
    monkeypatch.setattr(queue, "MAX_MESSAGES", 3)
    monkeypatch.setattr(queue, "MAX_LOGGED", 2)
    search, dead = world.save(webhook_url=receiver.url), world.save(webhook_url="http://127.0.0.1:1/")
    for name in "abcde":
        await world.store(*storms(name))
    await world.deliver()
    world.saved.upkeep.tidy()
    assert len(world.saved.service.history.matches(search.key, None, 10)) == 3
    assert len(world.log(search)) == 2
    assert world.pending(dead) == 3 and world.value("wireroom_webhook_messages_expired_total") == 2
    world.clock.turn(days=31)
    world.saved.upkeep.tidy()
    assert world.pending(dead) == 0 and world.log(search) == []
    assert world.value("wireroom_webhook_messages_expired_total") == 5


async def test_the_figures_tell_what_waits(world: World, receiver: Receiver) -> None:
    search, paused = world.save(webhook_url="http://127.0.0.1:1/"), world.save(webhook_url=receiver.url)
    await world.store(*storms("a", "b"))
    world.saved.searches.change(paused.id, status="paused")
    world.clock.turn(minutes=2)
    world.saved.upkeep.measure()
    assert world.value("wireroom_webhook_pending_messages") == 2
    assert world.value("wireroom_webhook_oldest_pending_seconds") == 120
    assert world.value("wireroom_saved_searches", status="paused") == 1
    world.saved.searches.disable(search.key, "x")
    world.saved.upkeep.measure()
    assert world.value("wireroom_webhook_pending_messages") == 0
    assert world.value("wireroom_saved_searches", status="disabled") == 1
