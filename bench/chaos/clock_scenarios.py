"""Clocks that are six minutes off: a sender's, and those of the services in turn."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
import time
from datetime import datetime
from pathlib import Path

import httpx2

from bench.chaos.ledger import Operation
from bench.chaos.metrics_reading import no_negative_times
from bench.chaos.rolling import end_service
from bench.chaos.scenarios import LOAD_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.texts import Subject
from bench.chaos.trees import Patch, Trees
from bench.chaos.world import Result, World

OFF_S = 360
LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
SECRET = secrets.token_bytes(24)
SERVICES = ("ingest", "enrich", "index")


def shifted(service: str, seconds: int) -> Patch:
    """Return the change by which one service starts itself again under libfaketime."""
    begin = f'''def main() -> None:
    import os as _os
    import sys as _sys

    if "FAKETIME" not in _os.environ:
        _os.environ |= {{
            "LD_PRELOAD": "{LIBRARY}", "FAKETIME": "{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }}
        _os.execv(_sys.executable, _sys.orig_argv)
'''
    return Patch(f"services/{service}/app.py", "def main() -> None:\n", begin)


def has_faketime() -> bool:
    return LIBRARY.exists()


async def clock_off(setting: Setting, result: Result) -> None:
    """Each service in turn has a clock that is fast, then one that is slow; so has a sender of webhooks."""
    if not has_faketime():
        result.not_run = "libfaketime is not installed"
        return
    trees = Trees(setting.scratch / "clock-trees")
    trees.make("right")
    for service in SERVICES:
        trees.make(f"{service}-fast", [shifted(service, OFF_S)])
        trees.make(f"{service}-slow", [shifted(service, -OFF_S)])
    trees.point_to("right")
    await _senders(setting, result)
    stack = scratch_stack(setting.scratch, "clock")
    stack.code = trees.current
    async with running_world(stack, seed=f"{setting.seed}clock", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            for service in SERVICES:
                for way in ("fast", "slow", ""):
                    trees.point_to(f"{service}-{way}" if way else "right")
                    await end_service(world, result, service)
                    if way and service == "ingest":
                        await _is_off(world, result, OFF_S if way == "fast" else -OFF_S)
                    result.add("restarts", 1)
                    await asyncio.sleep(LOAD_S / 3)
                    # Before the next restart: it would begin to count anew.
                    await no_negative_times(world, result, f"with {service} {way or 'right again'}")
        await conclude(world, result, "clock")


async def _senders(setting: Setting, result: Result) -> None:
    """A signed webhook from a right clock is taken; six minutes off, it is refused with the reason."""
    secret = f"cms whsec_{base64.b64encode(SECRET).decode()}"
    stack = scratch_stack(setting.scratch, "senders", WIREROOM_WEBHOOK_SECRETS=secret)
    seed = f"{setting.seed}senders"
    async with running_world(stack, seed=seed, rate=setting.rate, say=setting.say) as world:
        for off_s, expected in ((0, 202), (OFF_S, 401), (-OFF_S, 401)):
            response = await _webhook(world, int(time.time()) + off_s)
            result.expect(
                response.status_code == expected,
                f"a webhook {off_s} s off was answered {response.status_code}: {response.text[:160]}",
            )
            told = "webhook-timestamp" in response.text
            result.expect(told == (expected != 202), f"{off_s} s off, the reason was {response.text[:160]}")


async def _webhook(world: World, at: int) -> httpx2.Response:
    subject = Subject(f"zq{world.fresh_name()}webhook")
    obligation = world.ledger.open(subject.article_id, subject.word)
    body = json.dumps(subject.payload(1, revision=None))
    webhook_id = world.fresh_name()
    signed = hmac.new(SECRET, f"{webhook_id}.{at}.{body}".encode(), hashlib.sha256).digest()
    headers = {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        "content-type": "application/json",
    }
    operation = Operation("publish", 1, subject.text(1).digest)
    before = obligation.begin(operation)
    async with httpx2.AsyncClient(base_url=world.stack.url("ingest"), timeout=10, trust_env=False) as client:
        response = await client.post("/v1/articles", content=body.encode(), headers=headers)
    taken = response.status_code == 202
    if taken:
        obligation.settle(before, operation, "accepted", at_s=0, revision=1)
    else:
        obligation.states = obligation.ever = before  # refused: it must stay absent
    return response


async def _is_off(world: World, result: Result, off_s: int) -> None:
    """Make sure that the clock really is off, or nothing was tried."""
    subject = Subject(f"zq{world.fresh_name()}off")
    payload = subject.payload(1, revision=1)
    operation = Operation("publish", 1, subject.text(1).digest)
    obligation = world.ledger.open(subject.article_id, subject.word)
    before = obligation.begin(operation)
    response = await world.producer.request("POST", "/v1/articles", json=payload)
    if response is None or not response.is_success:
        return
    obligation.settle(before, operation, "accepted", at_s=0, revision=1)
    receipt = await world.observer.receipt(subject.article_id) or {}
    accepted = [entry["at"] for entry in receipt.get("timeline", ()) if entry["stage"] == "accepted"]
    skew = datetime.fromisoformat(accepted[0]).timestamp() - time.time() if accepted else 0.0
    result.expect(abs(skew - off_s) < 30, f"ingest was {skew:.0f} s off, not {off_s}: nothing was tried")
