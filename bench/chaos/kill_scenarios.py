"""Twenty deaths in a row, close together, while submits go on."""

from __future__ import annotations

import asyncio
import random
import signal
import time

from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.world import Result

KILLS = 20
SERVICES = ("ingest", "enrich", "index")
# Less than a supervisor takes to bring one back when it dies again and again, so several may be away at once.
BETWEEN_S = (0.8, 3.0)
BACK_S = 40.0
GIVE_UP_S = 180.0


async def kills(setting: Setting, result: Result) -> None:
    """SIGKILL services in an order from the seed, without waiting until the last one is back."""
    rng = random.Random(f"kills {setting.seed}")  # reproducible, not secret
    stack = scratch_stack(setting.scratch, "kills")
    async with running_world(stack, seed=f"{setting.seed}kills", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S / 2)
            began = time.monotonic()
            while result.times < KILLS and time.monotonic() - began < GIVE_UP_S:
                for service in rng.sample(SERVICES, len(SERVICES)):
                    ended = stack.signal(service, signal.SIGKILL)
                    # One that is still away from last time does not count.
                    result.times += bool(ended)
                    result.add(f"{service}_killed", len(ended))
                    await asyncio.sleep(rng.uniform(*BETWEEN_S))
            result.expect(result.times >= KILLS, f"only {result.times} times was somebody there to kill")
            took = await world.until(stack.ready, BACK_S, 0.2)
            if result.expect(took is not None, f"not ready {BACK_S:g} s later: {await stack.not_ready()}"):
                result.worst("recovery_s", took or 0)
        await conclude(world, result, "kills")
