"""All faults that the schedule may draw, by name."""

from __future__ import annotations

import signal
from collections.abc import Callable

from bench.chaos.consumer_faults import SlowConsumer, TenfoldSlower
from bench.chaos.hostile_clients import Bombs, SlowLoris
from bench.chaos.poison import Poison
from bench.chaos.process_faults import Kill, KillRedis, StallEnrich
from bench.chaos.redis_faults import PauseRedis, RedisOutOfMemory
from bench.chaos.revision_faults import ReorderedRevisions
from bench.chaos.traffic_faults import IdempotencyConflict, IdenticalSubmits
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
    "tenfold_slower": TenfoldSlower,
    "poison": Poison,
    "identical_submits": IdenticalSubmits,
    "idempotency_conflict": IdempotencyConflict,
    "reordered_revisions": ReorderedRevisions,
    "slow_loris": SlowLoris,
    "bombs": Bombs,
}
