"""Disks that fill up, and an index that is damaged while nothing runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.chaos.probing import probe
from bench.chaos.scenarios import LOAD_S, READY_AGAIN_S, Setting, conclude
from bench.chaos.session import running_world, scratch_stack, under_load
from bench.chaos.stack import ROOT, StackFailed
from bench.chaos.world import Result, World

DISK_MB = 64
FULL_S = 8.0
RECOVERY_S = 30.0


@asynccontextmanager
async def small_disk(directory: Path) -> AsyncIterator[Callable[[bool], None]]:
    """Mount a small file system there; yield what fills it up (True) and frees it again (False)."""
    _make_private(directory)
    await _run("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(directory))
    filler = directory / "filler"

    def fill(full: bool) -> None:
        if not full:
            filler.unlink(missing_ok=True)
            return
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError:
                    continue

    try:
        yield fill
    finally:
        await _run("umount", "-l", str(directory))


def _make_private(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)


async def _run(*argv: str) -> None:
    process = await asyncio.create_subprocess_exec(*argv, stderr=asyncio.subprocess.PIPE)
    _, told = await process.communicate()
    if process.returncode:
        raise OSError(f"{' '.join(argv)}: {told.decode().strip()}")


def cannot_mount() -> str:
    """Return why no file system can be mounted here; empty when one can."""
    if os.geteuid() != 0:
        return "mounting a small file system takes root"
    return "" if shutil.which("mount") else "there is no mount command"


async def index_disk_full(setting: Setting, result: Result) -> None:
    """The disk of the index fills up under load, then that of the archive."""
    if why := cannot_mount():
        result.not_run = why
        return
    stack = scratch_stack(setting.scratch, "index-disk")
    async with (
        small_disk(stack.data_dir / "index") as index,
        small_disk(stack.data_dir / "archive") as archive,
    ):
        seed = f"{setting.seed}disk"
        async with running_world(stack, seed=seed, rate=setting.rate, say=setting.say) as world:
            async with under_load(world):
                await asyncio.sleep(LOAD_S / 2)
                for name, fill in (("index", index), ("archive", archive)):
                    await _while_full(world, result, name, fill)
            await conclude(world, result, "disk")


async def _while_full(world: World, result: Result, name: str, fill: Callable[[bool], None]) -> None:
    fill(True)
    try:

        async def red() -> bool:
            return (await world.observer.status("index", "/readyz"))[0] == 503

        took = await world.until(red, FULL_S, 0.2)
        result.expect(
            took is not None, f"/readyz of index was not red {FULL_S:g} s after the {name} disk filled"
        )
        status, seconds = await world.observer.status("index", "/v1/search?q=")
        result.expect(status == 200, f"search answered {status} while the {name} disk was full")
        result.worst("search_while_full_s", seconds)
        await asyncio.sleep(FULL_S / 2)
    finally:
        fill(False)
    took = await world.until(world.stack.ready, RECOVERY_S, 0.2)
    if result.expect(took is not None, f"not ready {RECOVERY_S:g} s after the {name} disk had room again"):
        result.worst(f"{name}_recovery_s", took or 0)


async def redis_disk_full(setting: Setting, result: Result) -> None:
    """The disk of Redis fills up under load. With appendfsync always it then exits."""
    if why := cannot_mount():
        result.not_run = why
        return
    stack = scratch_stack(setting.scratch, "redis-disk")
    async with small_disk(stack.data_dir / "redis") as fill:
        seed = f"{setting.seed}rdisk"
        async with running_world(stack, seed=seed, rate=setting.rate, say=setting.say) as world:
            async with under_load(world):
                await asyncio.sleep(LOAD_S / 2)
                fill(True)
                try:
                    began = time.monotonic()

                    async def refused() -> bool:
                        return any(
                            sample.status == 503 for sample in world.producer.samples if sample.at > began
                        )

                    took = await world.until(refused, 10, 0.1)
                    result.expect(took is not None, "no submit was refused within 10 s")
                    for door in ("single", "keyed", "batch"):
                        # Each start of Redis cuts off a torn command, which may leave room for a small one.
                        await probe(world, result, door, may_be_taken=True)
                    await asyncio.sleep(FULL_S / 2)
                finally:
                    fill(False)
                took = await world.until(world.stack.ready, RECOVERY_S, 0.2)
                if result.expect(took is not None, f"not ready {RECOVERY_S:g} s after there was room again"):
                    result.worst("recovery_s", took or 0)
            await conclude(world, result, "rdisk")


def _segment_files(index: Path) -> list[Path]:
    """Return the files of the current index that hold articles, largest first."""
    current = index / (index / "CURRENT").read_text(encoding="utf-8").strip()
    files = [
        path for path in current.iterdir() if path.suffix in (".store", ".idx", ".term", ".fast", ".pos")
    ]
    return sorted(files, key=lambda path: path.stat().st_size, reverse=True)


def flip_bytes(index: Path) -> str:
    """Change bytes in the middle of every file that holds articles."""
    for path in _segment_files(index):
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        for at in range(middle, min(middle + 64, len(data))):
            data[at] ^= 0xFF
        path.write_bytes(bytes(data))
    return "bytes flipped"


def flip_one_bit(index: Path) -> str:
    path = _segment_files(index)[0]
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 3)
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    return f"one bit of {path.suffix} flipped"


def truncate_file(index: Path) -> str:
    path = _segment_files(index)[0]
    os.truncate(path, path.stat().st_size // 2)
    return f"{path.suffix} truncated"


def delete_file(index: Path) -> str:
    path = _segment_files(index)[0]
    path.unlink()
    return f"{path.suffix} deleted"


def delete_everything(index: Path) -> str:
    shutil.rmtree(index)
    return "index deleted"


DAMAGES = (flip_bytes, flip_one_bit, truncate_file, delete_file, delete_everything)


async def index_damaged(setting: Setting, result: Result) -> None:
    """Damage the index in five ways while nothing runs; each time it must be found and rebuilt at start."""
    stack = scratch_stack(setting.scratch, "damage")
    async with running_world(stack, seed=f"{setting.seed}dmg", rate=setting.rate, say=setting.say) as world:
        async with under_load(world):
            await asyncio.sleep(LOAD_S)
        await world.observer.drained()
        total = await world.observer.total()
        for damage in DAMAGES:
            await stack.stop()
            what = damage(stack.data_dir / "index")
            await _start_again(world, result, what, total)
        await conclude(world, result, "dmg")


async def _start_again(world: World, result: Result, what: str, total: int) -> None:
    result.times += 1
    began = time.monotonic()
    try:
        await world.stack.start()
    except StackFailed as error:
        await world.stack.stop()
        result.failures.append(f"{what}: it did not start by itself: {' '.join(str(error).split())[-300:]}")
    else:
        await world.until(lambda: _counts(world, total), READY_AGAIN_S, 0.5)
        found = await world.observer.total()
        altered = await _unreadable(world)
        if found == total and not altered:
            result.worst("rebuilt_s", time.monotonic() - began)
            return
        result.failures.append(f"{what}: {found} of {total} articles are counted, {altered} cannot be read")
        await world.stack.stop()
    # By hand, so that the next damage is done to a whole index.
    environment = os.environ | {"PYTHONPATH": str(ROOT), "WIREROOM_DATA_DIR": str(world.stack.data_dir)}
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.cli", "reindex", "--json"],
        capture_output=True, text=True, cwd=ROOT, env=environment, check=False,
    )  # fmt: skip
    result.expect(
        done.returncode == 0, f"{what}: `wireroom reindex` failed too: {(done.stderr or done.stdout)[-300:]}"
    )
    await world.stack.start()


async def _counts(world: World, total: int) -> bool:
    return await world.observer.total() == total


async def _unreadable(world: World) -> int:
    """Return how many articles are served otherwise than the ledger allows."""
    obligations = world.ledger.obligations()
    sights = await asyncio.gather(*map(world.observer.sight, obligations))
    allowed = {one.article_id: {(s.revision, s.digest) for s in one.states} for one in obligations}
    return sum(
        sight.status not in (404, 410)
        and (sight.status != 200 or (sight.revision, sight.digest) not in allowed[one.article_id])
        for one, sight in zip(obligations, sights, strict=True)
    )
