"""Many feeds polled at once, through edits, moves, outages and a killed poller: the cost, and what is lost.

    PYTHONPATH=. .venv/bin/python -m bench.feeds [--feeds 200] [--entries 20] [--replicas 2]

A web server in this process serves the feeds (RSS, Atom and JSON Feed by turns) and notes each version of an
entry that it has served to its end. `--replicas` processes of ingest with one private Redis poll all of them,
three times:

1. all of them for the first time;
2. after each feed has changed one entry and published two, while a tenth is moved for good, a tenth answers
   500 or breaks off, and one of the processes is killed and started again in the middle;
3. after the same changes again, with the outages over and the moves followed.

An entry is lost when a version that was served is not on the raw stream, doubled when it is there more than
once or under two ids. Prints one JSON object; exits 1 when anything was lost or doubled.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
from redis import Redis

from bench.failures import BenchFailed
from bench.feed_site import FakeFeed, Site
from bench.machine import cpu_seconds
from bench.processes import environment, mark_state, private_redis, running, wait_ready
from services.supervisor.ports import free_port
from shared.streams import EVENT_FIELD, RAW

ROUNDS = 3
MOST_WAIT_S = 300.0


class Replica:
    """One ingest process, and what it used until it was killed."""

    def __init__(self, number: int, env: dict[str, str], directory: Path) -> None:
        self.number = number
        self.port = free_port()
        self._env = environment(**env, WIREROOM_INGEST_PORT=str(self.port))
        self._directory = directory
        self._stack = ExitStack()
        self._killed_s = 0.0
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        name = f"ingest-{self.number}"
        argv = [sys.executable, "-m", "services.ingest.app"]
        self._stack = ExitStack()
        self.process = self._stack.enter_context(running(name, argv, self._env, self._directory))
        wait_ready(f"{self.url}/readyz", self.process, name, self._directory)

    def kill(self) -> None:
        self._killed_s = self.cpu_s()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        self._stack.close()

    def stop(self) -> None:
        self._stack.close()

    def pids(self) -> list[int]:
        """Return ingest and the process that parses for it."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(
            encoding="ascii"
        )
        return [self.process.pid, *map(int, children.split())]

    def memory_mb(self) -> float:
        return sum(_peak_kb(pid) for pid in self.pids()) / 1024

    def cpu_s(self) -> float:
        """Return what it and those before it that were killed have used."""
        return self._killed_s + sum(cpu_seconds(pid) for pid in self.pids())


def _peak_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def add_all(url: str, site: Site) -> tuple[float, dict[str, int]]:
    """Add all feeds; return when that began, and how many polls each is to have had."""
    started, wanted = time.monotonic(), {}
    with httpx2.Client(base_url=url, timeout=30, trust_env=False) as client:
        for feed in site.feeds:
            added = client.post("/v1/feeds", json={"url": f"http://{site.host}/old/{feed.number}"})
            wanted[added.raise_for_status().json()["id"]] = 1
    return started, wanted


def poll_all(url: str) -> tuple[float, dict[str, int]]:
    """Have all feeds polled now; return as `add_all` does."""
    started = time.monotonic()
    asked = (
        httpx2.post(f"{url}/v1/feeds/poll", timeout=30, trust_env=False).raise_for_status().json()["feeds"]
    )
    return started, {each["id"]: each["polls"] for each in asked}


def wait_until_polled(url: str, asked: tuple[float, dict[str, int]]) -> dict[str, Any]:
    """Return how the polls went, once each feed had the one that was asked for."""
    started, wanted = asked
    while True:
        feeds = _feeds(url)
        if all(feed["polls"] >= wanted[feed["id"]] for feed in feeds):
            outcomes = Counter(feed["last_outcome"] for feed in feeds)
            return {"wall_s": round(time.monotonic() - started, 2), "outcomes": dict(outcomes)}
        if time.monotonic() - started > MOST_WAIT_S:
            raise BenchFailed(f"not all feeds were polled within {MOST_WAIT_S:g} s")
        time.sleep(0.2)


def judge(redis: Redis, feeds: list[FakeFeed]) -> dict[str, Any]:
    """Return what was lost and what was doubled of the versions that were served."""
    published: Counter[tuple[str, str]] = Counter()
    ids: dict[str, set[str]] = {}
    for _, fields in redis.xrange(RAW.key(0)):  # type: ignore[union-attr]
        event = json.loads(fields[EVENT_FIELD])  # type: ignore[index]
        article = event["article"]
        published[article["url"], article["title"]] += 1
        ids.setdefault(article["url"], set()).add(event["article_id"])
    served = set().union(*(feed.served for feed in feeds))
    return {
        "versions_served": len(served),
        "published": sum(published.values()),
        "lost": len(served - set(published)),
        "doubled": sum(count - 1 for count in published.values()),
        "urls_with_two_ids": sum(1 for found in ids.values() if len(found) > 1),
        "never_served": len(set(published) - served),
    }


def run(directory: Path, wanted: argparse.Namespace) -> dict[str, Any]:
    feeds = [FakeFeed(number, dict.fromkeys(range(wanted.entries), 1)) for number in range(wanted.feeds)]
    site = Site(feeds)
    with private_redis(directory) as server, server.client() as redis, ExitStack() as stack:
        asyncio.run(mark_state(server.url))
        env = {"WIREROOM_REDIS_URL": server.url, "WIREROOM_FETCH_ALLOW_HOSTS": site.host}
        replicas = [Replica(number, env, directory) for number in range(wanted.replicas)]
        for replica in replicas:
            stack.callback(replica.stop)
        rounds = []
        for number in range(1, ROUNDS + 1):
            used_s = sum(replica.cpu_s() for replica in replicas)
            if number == 1:
                result = wait_until_polled(replicas[0].url, add_all(replicas[0].url, site))
            else:
                for feed in feeds:
                    feed.change()
                    feed.broken = number == 2 and feed.number % 10 == 3
                    feed.moved = feed.number % 10 == 7
                asked = poll_all(replicas[0].url)
                if number == 2 and len(replicas) > 1:
                    time.sleep(0.4)
                    replicas[-1].kill()
                    replicas[-1].start()
                result = wait_until_polled(replicas[0].url, asked)
            result["cpu_s"] = round(sum(replica.cpu_s() for replica in replicas) - used_s, 2)
            result["memory_mb"] = [round(replica.memory_mb()) for replica in replicas]
            rounds.append(result)
        moved = sum(1 for record in _feeds(replicas[0].url) if "/new/" in record["url"])
        return {
            "feeds": wanted.feeds,
            "entries": wanted.entries,
            "replicas": wanted.replicas,
            "rounds": rounds,
            "answers": {str(status): count for status, count in sorted(site.answers.items())},
            "moves_followed": moved,
            **judge(redis, feeds),
        }


def _feeds(url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = httpx2.get(f"{url}/v1/feeds", timeout=30, trust_env=False).json()["feeds"]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--feeds", type=int, default=200)
    parser.add_argument("--entries", type=int, default=20)
    parser.add_argument("--replicas", type=int, default=2)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        result = run(Path(name), wanted)
    print(json.dumps(result, indent=2))
    if result["lost"] or result["doubled"] or result["urls_with_two_ids"] or result["never_served"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
