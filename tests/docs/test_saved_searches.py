"""The receiver of docs/saved-searches.md takes what is signed for it, once, and nothing else."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import httpx2
import pytest

from tests.conftest import ROOT, free_port
from tests.index.saved_searches.conftest import Clock, close_world, open_world
from tests.support import article_id, enriched, eventually, retracted

PAGE = ROOT / "docs" / "saved-searches.md"
pytestmark = pytest.mark.process


async def test_the_receiver_of_the_page_works(tmp_path: Path) -> None:
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "receiver.py").write_text(source, encoding="utf-8")
    clock, port = Clock(), free_port()
    # A receiver takes no timestamp that is far from its own clock.
    clock.now = clock.now.now(clock.now.tzinfo)
    world = open_world(tmp_path / "data", clock)
    search = world.save(webhook_url=f"http://127.0.0.1:{port}/")
    assert search.secret is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(tmp_path / "receiver.py"),
        str(port),
        search.secret,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await eventually(lambda: answers(port), within_s=20)
        await world.store(enriched(title="Storm at sea"))
        await world.deliver()
        since = search.created_at
        assert world.saved.service._queue.replay_since(search, since, clock.now) == 1
        world.saved.deliverer.wake([search.key])
        await world.deliver()
        await world.store(retracted(revision=2))
        await world.deliver()
        assert world.log(search) == [("delivered", 204)] * 3
        assert process.stdout is not None
        lines = [(await process.stdout.readline()).decode().strip() for _ in range(2)]
        assert lines == ["article.matched Storm at sea", f"article.retracted {article_id('a')}"]
    finally:
        process.kill()
        await process.wait()
        await close_world(world)


async def answers(port: int) -> bool:
    """Whether the receiver is there, and refuses what nobody has signed."""
    try:
        async with httpx2.AsyncClient() as client:
            answer = await client.post(f"http://127.0.0.1:{port}/", content=b"{}")
    except httpx2.HTTPError:
        return False
    return answer.status_code == 401
