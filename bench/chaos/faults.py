"""All faults that the schedule may draw, by name."""

from __future__ import annotations

import signal
from collections.abc import Callable

from bench.chaos.poison import Poison
from bench.chaos.process_faults import Kill, KillRedis, StallEnrich
from bench.chaos.redis_faults import PauseRedis, RedisOutOfMemory
from bench.chaos.traffic_faults import IdempotencyConflict, IdenticalSubmits, SlowConsumer, SlowLoris
from bench.chaos.world import Fault

FAULTS: dict[str, Callable[[], Fault]] = {
    "kill_ingest": lambda: Kill("kill_ingest", "ingest"),
    "kill_enrich": lambda: Kill("kill_enrich", "enrich"),
    "kill_index": lambda: Kill("kill_index", "index"),
    "kill_redis": lambda: KillRedis("kill_redis", "redis"),
    "term_redis": lambda: KillRedis("term_redis", "redis", signal.SIGTERM),
    "pause_redis": PauseRedis,
    "redis_out_of_memory": RedisOutOfMemory,
    "stall_enrich": StallEnrich,
    "slow_consumer": SlowConsumer,
    "poison": Poison,
    "identical_submits": IdenticalSubmits,
    "idempotency_conflict": IdempotencyConflict,
    "slow_loris": SlowLoris,
}
