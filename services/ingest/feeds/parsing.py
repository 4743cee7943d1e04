"""Parses feeds in a process of their own, which is ended when a document takes too much (`parse_worker`)."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from pydantic_core import from_json, to_json

from services.ingest.feeds.formats.model import Feed, MalformedFeed
from services.ingest.feeds.parse_worker import CPU_SIGNAL, MAX_CPU_S
from shared.errors import TransientError

WORKER = ("-m", "services.ingest.feeds.parse_worker")
# On a busy machine two seconds of work take longer than that.
WAIT_S = 30.0


class ParserEnded(TransientError):
    """The parsing process ended for another reason than its document."""


class FeedParser:
    """One parsing process, started when it is first needed. `aclose` ends it."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._process: Process | None = None

    async def parse(self, body: bytes, *, content_type: str | None, url: str) -> Feed:
        """Return the feed in `body`. Raises MalformedFeed, and ParserEnded when it may be tried again."""
        request = to_json({"content_type": content_type, "url": url})
        async with self._turn:
            try:
                reply = await self._ask(request, body)
            except (asyncio.IncompleteReadError, ConnectionError, BrokenPipeError):
                raise await self._why_ended() from None
            except TimeoutError:
                await self.aclose()
                raise ParserEnded(f"no answer within {WAIT_S:g} s") from None
            except BaseException:
                # Cancelled in the middle: the next answer would be to this request.
                await self.aclose()
                raise
        answer = from_json(reply)
        if "malformed" in answer:
            raise MalformedFeed(answer["malformed"])
        return Feed.model_validate_json(to_json(answer["feed"]))

    async def _ask(self, request: bytes, body: bytes) -> bytes:
        process = await self._started()
        stdin, stdout = process.stdin, process.stdout
        if stdin is None or stdout is None:
            raise ParserEnded("the parsing process has no pipes")
        async with asyncio.timeout(WAIT_S):
            for frame in (request, body):
                stdin.write(len(frame).to_bytes(4, "big") + frame)
            await stdin.drain()
            size = int.from_bytes(await stdout.readexactly(4), "big")
            return await stdout.readexactly(size)

    async def _started(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            # A session of its own: Ctrl-C in a terminal is for ingest, which ends it in good order.
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *WORKER,
                stdin=PIPE, stdout=PIPE, start_new_session=True,
            )  # fmt: skip
        return self._process

    async def _why_ended(self) -> MalformedFeed | ParserEnded:
        code = await self._ended()
        if code == -CPU_SIGNAL:
            return MalformedFeed(f"the document takes more than {MAX_CPU_S:g} s to read, as no feed does")
        if code is not None and code < 0:
            return MalformedFeed(f"the document ended the process that read it (signal {-code})")
        return ParserEnded(f"the parsing process ended with {code}")

    async def _ended(self) -> int | None:
        """Return the exit code of a process that no longer answers; if need be, it is ended."""
        process = self._process
        if process is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await process.wait()
        await self.aclose()
        return process.returncode if process is not None else None

    async def aclose(self) -> None:
        """End the process, which has nothing to lose."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        # Of the pipes, asyncio closes its own ends only when it has read them to the end.
        process._transport.close()  # type: ignore[attr-defined]
