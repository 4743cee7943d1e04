"""The delivery rules of shared/runtime, on a real Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from shared.errors import TransientError, UnprocessableArticle
from shared.events import ArticleSubmitted, decode_event, encode_event
from shared.metrics import Metrics
from shared.receipts import receipt_from_hash
from shared.runtime.backpressure import BackpressureSampler
from shared.runtime.consumer import StreamConsumer
from shared.runtime.deadletters import DeadLetters
from shared.runtime.delivery import Delivery, Done, Entry, Result, slices
from shared.runtime.groups import ensure_groups
from shared.runtime.lag import read_lags
from shared.runtime.trim import Trimmer
from shared.streams import DEAD, ENRICHED, EVENT_FIELD, RAW, article_key
from tests.shared.conftest import Start
from tests.support import article_id, eventually, submitted


async def add(redis: Redis, *names: str, stream: str = RAW.key(0)) -> None:
    for name in names:
        await redis.xadd(stream, {EVENT_FIELD: encode_event(submitted(name))})


async def pass_on(deliveries: Sequence[Delivery]) -> list[Result]:
    return [Done("enriched", publish=encode_event(delivery.event)) for delivery in deliveries]


async def published_ids(redis: Redis) -> list[str]:
    rows = await redis.xrange(ENRICHED.key(0))
    events = [decode_event(fields[EVENT_FIELD]) for _, fields in rows]
    return [event.article_id for event in events if isinstance(event, ArticleSubmitted)]


async def pending(redis: Redis) -> int:
    summary = await redis.xpending(RAW.key(0), "enrich")
    return int(summary["pending"])


async def test_entries_written_before_the_group_existed_are_delivered(redis: Redis, start: Start) -> None:
    await add(redis, "early")
    await start(pass_on)
    await eventually(lambda: published_ids(redis))
    assert await published_ids(redis) == [article_id("early")]


async def test_a_handed_over_entry_is_acknowledged_and_on_the_receipt(redis: Redis, start: Start) -> None:
    await start(pass_on)
    await add(redis, "a")
    await eventually(lambda: published_ids(redis))
    assert await pending(redis) == 0
    receipt = receipt_from_hash(article_id("a"), await redis.hgetall(article_key(article_id("a"), 1)))
    assert receipt is not None and receipt.status == "enriched"


async def test_a_bad_entry_becomes_a_dead_letter_and_its_neighbours_pass(redis: Redis, start: Start) -> None:
    await add(redis, "before")
    await redis.xadd(RAW.key(0), {EVENT_FIELD: b'{"not": "an event"}\xff'})
    await redis.xadd(RAW.key(0), {b"unknown": b"field"})
    await add(redis, "after")
    await start(pass_on)
    await eventually(lambda: _len_is(redis, DEAD.key(0), 2))
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 2))
    assert await published_ids(redis) == [article_id("before"), article_id("after")]
    letters = await DeadLetters(redis, 1).list()
    assert [letter.reason for _, letter in letters] == ["invalid_event", "invalid_event"]
    assert letters[1][1].fields == {"event": b'{"not": "an event"}\xff'}
    assert await pending(redis) == 0


async def test_an_event_of_an_unknown_major_version_says_so(redis: Redis, start: Start) -> None:
    event = encode_event(submitted("a")).replace(b'"schema_version":"1.0"', b'"schema_version":"2.0"')
    await redis.xadd(RAW.key(0), {EVENT_FIELD: event.replace(b'"article_id"', b'"aid"')})
    await start(pass_on)
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    assert letters[0][1].reason == "unsupported_schema"


async def test_an_unforeseen_error_is_retried_and_then_buried_with_its_attempts(
    redis: Redis, start: Start
) -> None:
    attempts: list[int] = []

    async def fail_on_poison(deliveries: Sequence[Delivery]) -> list[Result]:
        results: list[Result] = []
        for delivery in deliveries:
            if delivery.event.article_id == article_id("poison"):
                attempts.append(delivery.entry.attempt)
                results.append(RuntimeError("cannot digest this"))
            else:
                results.append(Done("enriched", publish=encode_event(delivery.event)))
        return results

    await start(fail_on_poison, max_deliveries=3)
    await add(redis, "a", "poison", "b")
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    assert attempts == [1, 2, 3]
    assert letters[0][1].reason == "attempts_exhausted"
    assert letters[0][1].attempts == 3
    assert "cannot digest this" in letters[0][1].error
    assert await published_ids(redis) == [article_id("a"), article_id("b")]


async def test_a_handler_that_dies_on_a_batch_is_retried_entry_by_entry(redis: Redis, start: Start) -> None:
    sizes: list[int] = []

    async def choke_on_poison(deliveries: Sequence[Delivery]) -> list[Result]:
        sizes.append(len(deliveries))
        if any(delivery.event.article_id == article_id("poison") for delivery in deliveries):
            raise RuntimeError("the whole batch fails")
        return await pass_on(deliveries)

    await add(redis, "a", "poison", "b")
    await start(choke_on_poison, max_deliveries=3)
    await eventually(lambda: DeadLetters(redis, 1).list())
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 2))
    assert sizes[0] == 3 and set(sizes[1:]) == {1}
    assert sorted(await published_ids(redis)) == sorted([article_id("a"), article_id("b")])


async def test_a_permanent_error_is_buried_at_once(redis: Redis, start: Start) -> None:
    async def refuse(deliveries: Sequence[Delivery]) -> list[Result]:
        return [UnprocessableArticle("no text")] * len(deliveries)

    await start(refuse)
    await add(redis, "a")
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    assert (letters[0][1].reason, letters[0][1].attempts) == ("unprocessable_article", 1)
    receipt = receipt_from_hash(article_id("a"), await redis.hgetall(article_key(article_id("a"), 1)))
    assert receipt is not None and receipt.status == "dead_lettered"
    assert "no text" in (receipt.timeline[-1].detail or "")


async def test_a_transient_error_stalls_the_batch_and_is_never_buried(redis: Redis, start: Start) -> None:
    disk_full = True
    tries = 0

    async def commit(deliveries: Sequence[Delivery]) -> list[Result]:
        nonlocal tries
        tries += 1
        if disk_full:
            raise TransientError("no space left on device")
        return await pass_on(deliveries)

    consumer = await start(commit, max_deliveries=2)
    await add(redis, "a", "b")
    await eventually(lambda: tries >= 6)
    assert await consumer.check() == "stalled: TransientError: no space left on device"
    assert await redis.xlen(DEAD.key(0)) == 0
    disk_full = False
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 2))
    assert await published_ids(redis) == [article_id("a"), article_id("b")]
    assert await consumer.check() is None


async def test_entries_of_a_dead_consumer_are_taken_over(redis: Redis, start: Start) -> None:
    await ensure_groups(redis, 1)
    await add(redis, "a", "b")
    await redis.xreadgroup("enrich", "enrich-dead-1", {RAW.key(0): ">"}, count=10)
    await start(pass_on)
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 2))
    assert await pending(redis) == 0


async def _len_is(redis: Redis, key: str, length: int) -> bool:
    return bool(await redis.xlen(key) == length)


async def test_a_slow_batch_is_not_taken_over_while_it_is_worked_on(redis: Redis, start: Start) -> None:
    seen: list[str] = []

    async def slow(deliveries: Sequence[Delivery]) -> list[Result]:
        seen.extend(delivery.event.article_id for delivery in deliveries)
        await asyncio.sleep(1.2)  # three times the idle limit
        return await pass_on(deliveries)

    await start(slow)
    await start(slow)
    await add(redis, "a")
    await eventually(lambda: published_ids(redis))
    assert seen == [article_id("a")]


async def test_only_one_of_two_consumers_of_the_same_entry_publishes(redis: Redis, start: Start) -> None:
    release = asyncio.Event()
    started = asyncio.Event()

    async def wait(deliveries: Sequence[Delivery]) -> list[Result]:
        started.set()
        await release.wait()
        return await pass_on(deliveries)

    await start(wait, reclaim_idle_s=60)
    await add(redis, "a")
    await started.wait()
    # As if the first had been away for long: another consumer takes the entry over and finishes first.
    rows = await redis.xpending_range(RAW.key(0), "enrich", "-", "+", 1)
    await redis.xclaim(RAW.key(0), "enrich", "other", 0, [rows[0]["message_id"]], idle=10**6, justid=True)
    await start(pass_on, reclaim_idle_s=1)
    await eventually(lambda: published_ids(redis))
    release.set()
    await asyncio.sleep(0.2)
    assert await published_ids(redis) == [article_id("a")]


async def test_more_than_a_tenth_dead_halts_instead_of_draining(redis: Redis, start: Start) -> None:
    consumer = await start(pass_on, halt_window=20, halt_ratio=0.1)
    for _ in range(10):
        await redis.xadd(RAW.key(0), {EVENT_FIELD: b"rubbish"})
    await add(redis, "a")
    problem = await eventually(consumer.check)
    assert problem.startswith("halted: ") and "2 of the latest 2 entries were dead" in problem
    assert await redis.xlen(DEAD.key(0)) == 2
    assert sum(lag.backlog for lag in await read_lags(redis, 1)) == 9


async def test_a_lag_that_redis_has_miscounted_is_not_believed(redis: Redis) -> None:
    await ensure_groups(redis, 1)
    await add(redis, *map(str, range(10)))
    read = await redis.xreadgroup("enrich", "c", {RAW.key(0): ">"}, count=10)
    ids = [entry_id for entry_id, _ in read[0][1]]
    await redis.xack(RAW.key(0), "enrich", *ids)
    try:
        # As Redis 7.0 has it after kill -9: it has forgotten how many entries the group has read.
        await redis.execute_command("XGROUP", "SETID", RAW.key(0), "enrich", ids[-1], "ENTRIESREAD", "3")
    except ResponseError:
        pytest.skip("this Redis keeps no count of entries read")
    (info,) = await redis.xinfo_groups(RAW.key(0))
    assert info["lag"] == 7, "or this test tests nothing"
    await redis.xtrim(RAW.key(0), minid="9999999999999")
    assert [lag.backlog for lag in await read_lags(redis, 1)] == [0, 0]


async def test_the_loop_comes_back_after_its_group_was_lost(redis: Redis, start: Start) -> None:
    await start(pass_on)
    await add(redis, "a")
    await eventually(lambda: published_ids(redis))
    await redis.flushall()
    await asyncio.sleep(0.2)
    await add(redis, "b")
    await eventually(lambda: published_ids(redis), within_s=15)
    assert await published_ids(redis) == [article_id("b")]


async def test_readiness_tells_whether_the_loop_really_ran_lately(
    redis: Redis, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    consumer = await start(pass_on)
    await eventually(lambda: _is_fine(consumer), what="ready on an empty stream")
    for subscriber in consumer._broker.subscribers:  # its loop dies without a word
        for task in subscriber.tasks:
            task.get_loop().call_soon(subscriber.tasks.clear)
            task.cancel()
    monkeypatch.setattr("shared.runtime.consumer.LOOP_SILENT_S", 0.3)
    problem = await eventually(consumer.check)
    assert "has not been read" in problem


async def _is_fine(consumer: StreamConsumer) -> bool:
    return await consumer.check() is None


async def test_replaying_a_dead_letter_puts_its_bytes_back_once(redis: Redis, start: Start) -> None:
    broken = True

    async def handler(deliveries: Sequence[Delivery]) -> list[Result]:
        return [UnprocessableArticle("bug")] if broken else await pass_on(deliveries)

    await start(handler)
    await add(redis, "a")
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    broken = False
    dead = DeadLetters(redis, 1)
    assert await dead.replay(letters[0][0]) is True
    assert await dead.replay(letters[0][0]) is False
    await eventually(lambda: published_ids(redis))
    assert await published_ids(redis) == [article_id("a")]
    assert await dead.list() == []


async def test_dead_letters_are_listed_newest_first_by_reason_and_page(redis: Redis, start: Start) -> None:
    await start(pass_on, halt_ratio=1)
    for n in range(5):
        await redis.xadd(RAW.key(0), {EVENT_FIELD: f"rubbish {n}".encode()})
    dead = DeadLetters(redis, 1)
    await eventually(lambda: _len_is(redis, DEAD.key(0), 5))
    first = await dead.list(limit=2)
    rest = await dead.list(limit=10, before=first[-1][0])
    texts = [letter.fields["event"].decode() for _, letter in first + rest]
    assert texts == [f"rubbish {n}" for n in (4, 3, 2, 1, 0)]
    assert await dead.list(reason="attempts_exhausted") == []
    assert await dead.discard(first[0][0]) is True
    assert await dead.get(first[0][0]) is None


@pytest.mark.parametrize("bad", ["", "x", "0", "0-1", "0-x-1", "-1-0", "0-" + "9" * 100 + "-0"])
async def test_a_malformed_dead_letter_id_is_a_value_error(redis: Redis, bad: str) -> None:
    with pytest.raises(ValueError, match="no dead letter id"):
        await DeadLetters(redis, 1).get(bad)


async def test_stopping_finishes_the_batch_and_forgets_the_consumer(redis: Redis, start: Start) -> None:
    started = asyncio.Event()

    async def slow(deliveries: Sequence[Delivery]) -> list[Result]:
        started.set()
        await asyncio.sleep(0.5)
        return await pass_on(deliveries)

    consumer = await start(slow)
    await add(redis, "a")
    await started.wait()
    await consumer.stop()
    assert await published_ids(redis) == [article_id("a")]
    assert await redis.xinfo_consumers(RAW.key(0), "enrich") == []


async def test_trimming_removes_only_what_every_group_acknowledged(redis: Redis) -> None:
    await ensure_groups(redis, 1)
    await add(redis, "a", "b", "c", "d")
    read = await redis.xreadgroup("enrich", "me", {RAW.key(0): ">"}, count=3)
    ids = [entry_id for entry_id, _ in read[0][1]]
    await redis.xack(RAW.key(0), "enrich", ids[0], ids[2])
    trimmer = Trimmer(redis, partitions=1, metrics=Metrics())
    assert await trimmer.lead()
    assert await trimmer.trim() == 1
    assert [entry_id for entry_id, _ in await redis.xrange(RAW.key(0))][:2] == [ids[1], ids[2]]
    await redis.xack(RAW.key(0), "enrich", ids[1])
    assert await trimmer.trim() == 2
    assert await redis.xlen(RAW.key(0)) == 1, "the undelivered entry stays"
    await redis.xgroup_destroy(RAW.key(0), "enrich")
    assert await trimmer.trim() == 0, "a group that is missing would start at the beginning"


async def test_only_one_trimmer_leads(redis: Redis) -> None:
    first, second = (Trimmer(redis, partitions=1, metrics=Metrics()) for _ in range(2))
    assert await first.lead() and await first.lead()
    assert not await second.lead()


async def test_backpressure_has_hysteresis(redis: Redis) -> None:
    await ensure_groups(redis, 1)
    sampler = BackpressureSampler(
        redis, partitions=1, high_entries=4, low_entries=2, interval_s=1, metrics=Metrics()
    )
    await add(redis, "a", "b", "c")
    await sampler.sample()
    assert not sampler.full
    await add(redis, "d")
    await sampler.sample()
    assert sampler.full and "4 entries" in (sampler.reason or "")
    read = await redis.xreadgroup("enrich", "me", {RAW.key(0): ">"}, count=4)
    ids = [entry_id for entry_id, _ in read[0][1]]
    await redis.xack(RAW.key(0), "enrich", ids[0])
    await sampler.sample()
    assert sampler.full, "between the marks it stays as it was"
    await redis.xack(RAW.key(0), "enrich", ids[1])
    await sampler.sample()
    assert not sampler.full


async def test_backpressure_watches_the_memory_of_redis(redis: Redis) -> None:
    await ensure_groups(redis, 1)
    used = int((await redis.info("memory"))["used_memory"])
    sampler = BackpressureSampler(
        redis, partitions=1, high_entries=4, low_entries=2, interval_s=1, metrics=Metrics()
    )
    await redis.config_set("maxmemory", int(used * 1.05))
    try:
        await sampler.sample()
    finally:
        await redis.config_set("maxmemory", 0)
    assert sampler.full and "memory" in (sampler.reason or "")


async def test_a_pending_entry_whose_data_is_gone_is_acknowledged(redis: Redis, start: Start) -> None:
    await ensure_groups(redis, 1)
    await add(redis, "a")
    read = await redis.xreadgroup("enrich", "enrich-dead-1", {RAW.key(0): ">"}, count=1)
    await redis.xdel(RAW.key(0), read[0][1][0][0])
    await start(pass_on)
    await eventually(lambda: _none_pending(redis))


async def _none_pending(redis: Redis) -> bool:
    return await pending(redis) == 0


async def test_what_a_dead_consumer_left_is_taken_over_as_one_batch(redis: Redis, start: Start) -> None:
    sizes: list[int] = []

    async def note_size(deliveries: Sequence[Delivery]) -> list[Result]:
        sizes.append(len(deliveries))
        return await pass_on(deliveries)

    await ensure_groups(redis, 1)
    await add(redis, *(str(n) for n in range(30)))
    await redis.xreadgroup("enrich", "enrich-dead-1", {RAW.key(0): ">"}, count=30)
    await start(note_size)
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 30))
    assert sizes == [30]


async def test_an_entry_that_nobody_survives_is_buried_without_another_try(
    redis: Redis, start: Start
) -> None:
    await ensure_groups(redis, 1)
    await add(redis, "killer", "innocent")
    read = await redis.xreadgroup("enrich", "enrich-dead-1", {RAW.key(0): ">"}, count=2)
    killer, innocent = (entry_id for entry_id, _ in read[0][1])
    await redis.xclaim(RAW.key(0), "enrich", "enrich-dead-2", 0, [killer], retrycount=6)
    await redis.xclaim(RAW.key(0), "enrich", "enrich-dead-2", 0, [innocent], retrycount=5, justid=True)
    seen: list[str] = []

    async def note(deliveries: Sequence[Delivery]) -> list[Result]:
        seen.extend(delivery.event.article_id for delivery in deliveries)
        return await pass_on(deliveries)

    await start(note, max_deliveries=3)
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 1))
    assert seen == [article_id("innocent")]
    assert (letters[0][1].article_id, letters[0][1].reason) == (article_id("killer"), "attempts_exhausted")
    assert "died or hung" in letters[0][1].error


async def test_waiting_for_a_turn_costs_no_delivery(redis: Redis, start: Start) -> None:
    attempts: list[int] = []

    async def slow(deliveries: Sequence[Delivery]) -> list[Result]:
        attempts.extend(delivery.entry.attempt for delivery in deliveries)
        await asyncio.sleep(0.7)  # longer than the idle limit
        return await pass_on(deliveries)

    await ensure_groups(redis, 1)
    await add(redis, "a")
    await redis.xreadgroup("enrich", "enrich-dead-1", {RAW.key(0): ">"}, count=1)
    await add(redis, "b", "c", "d")
    for _ in range(3):
        await start(slow, max_records=1)
    await eventually(lambda: _len_is(redis, ENRICHED.key(0), 4))
    assert sorted(attempts) == [1, 1, 1, 2]


async def test_a_hung_handler_ends_the_process_and_readiness_says_so_first(
    redis: Redis, start: Start
) -> None:
    release = asyncio.Event()
    codes: list[int] = []

    async def hang(deliveries: Sequence[Delivery]) -> list[Result]:
        await release.wait()
        return await pass_on(deliveries)

    consumer = await start(hang, exit_process=codes.append, handler_timeout_s=1)
    await add(redis, "a")

    async def says_so() -> bool:
        return "at one batch for" in (await consumer.check() or "")

    await eventually(says_so)
    await eventually(lambda: codes)
    assert codes[0] == 70
    release.set()


async def test_a_redis_that_refuses_the_handler_stalls_the_batch(redis: Redis, start: Start) -> None:
    refusing = True

    async def write(deliveries: Sequence[Delivery]) -> list[Result]:
        if refusing:
            raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'")
        return await pass_on(deliveries)

    consumer = await start(write, max_deliveries=2)
    await add(redis, "a")
    await eventually(lambda: consumer._processors[0].stalled)
    await asyncio.sleep(0.5)
    refusing = False
    await eventually(lambda: published_ids(redis))
    assert await DeadLetters(redis, 1).list() == []


async def test_the_backlog_drains_though_redis_is_full(redis: Redis, start: Start) -> None:
    await ensure_groups(redis, 1)
    await add(redis, *(str(n) for n in range(20)))
    await redis.config_set("maxmemory", 1)
    try:
        consumer = await start(pass_on)
        await eventually(lambda: _len_is(redis, ENRICHED.key(0), 20))
        assert await consumer.check() is None
        trimmer = Trimmer(redis, partitions=1, metrics=Metrics())
        assert await trimmer.lead() and await trimmer.trim() == 20
    finally:
        await redis.config_set("maxmemory", 0)


async def test_a_result_in_hand_goes_on_though_its_group_was_lost(redis: Redis, start: Start) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(deliveries: Sequence[Delivery]) -> list[Result]:
        started.set()
        await release.wait()
        return await pass_on(deliveries)

    await start(wait)
    await add(redis, "a")
    await started.wait()
    await redis.flushall()
    release.set()
    await eventually(lambda: published_ids(redis))
    assert await published_ids(redis) == [article_id("a")]


async def test_an_error_with_a_lone_surrogate_is_buried_like_any_other(redis: Redis, start: Start) -> None:
    async def refuse(deliveries: Sequence[Delivery]) -> list[Result]:
        return [UnprocessableArticle("bad \ud800 text")] * len(deliveries)

    await start(refuse)
    await add(redis, "a")
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    assert letters[0][1].reason == "unprocessable_article"


async def test_a_letter_of_another_major_version_can_be_replayed(redis: Redis, start: Start) -> None:
    event = encode_event(submitted("a")).replace(b'"schema_version":"1.0"', b'"schema_version":"2.0"')
    await redis.xadd(RAW.key(0), {EVENT_FIELD: event})
    consumer = await start(pass_on)
    letters = await eventually(lambda: DeadLetters(redis, 1).list())
    await consumer.stop()
    assert await DeadLetters(redis, 1).replay(letters[0][0]) is True
    rows = await redis.xrange(RAW.key(0))
    assert rows[-1][1][EVENT_FIELD] == event


@pytest.mark.parametrize(
    ("sizes", "runs"),
    [
        ([], []),
        ([5], [[5]]),
        ([50], [[50]]),
        ([4, 4, 4], [[4, 4], [4]]),
        ([4, 20, 4, 4], [[4], [20], [4, 4]]),
    ],
    ids=str,
)
def test_a_batch_is_cut_by_size_and_loses_nothing(sizes: list[int], runs: list[list[int]]) -> None:
    entries = [Entry(str(n), {b"event": b"x" * size}) for n, size in enumerate(sizes)]
    cut = list(slices(entries, 10))
    assert [[entry.size_bytes for entry in run] for run in cut] == runs
