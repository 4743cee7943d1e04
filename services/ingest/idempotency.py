"""Idempotency keys: the same key and body gives the first answer again, another body is refused.

A key is claimed before the submit and the answer stored after it. A crash in between leaves a claim that
ends by itself; the retry then runs the submit again, which is harmless: it finds its article and says
duplicate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from pydantic_core import from_json, to_json

from services.ingest.writer import CoalescingWriter
from shared.http.problems import FieldError, Problem
from shared.runtime.scripts import Call, Script

MAX_KEY_CHARS = 256
CLAIM_S = 10
_POLL_S = 0.05
_RELEASE_WAIT_S = 0.3

# KEYS: record. ARGV: fingerprint, seconds a claim lasts. Returns nothing when the key is claimed now.
_CLAIM = Script.of("""
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return false
""")
# KEYS: record. ARGV: fingerprint and answer, seconds to keep it.
_STORE = Script.of("return redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])")
_RELEASE = Script.of("return redis.call('DEL', KEYS[1])")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as sent: given again byte for byte."""

    status: int
    body: bytes
    location: str | None = None


class Idempotency:
    """First answers by (submitter, key), kept for `ttl_s` seconds."""

    def __init__(self, writer: CoalescingWriter, *, ttl_s: float) -> None:
        self._writer = writer
        self._ttl_s = int(ttl_s)
        self._releasing: set[asyncio.Task[None]] = set()

    async def once(
        self, submitter: str | None, key: str, body: bytes, answer: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """Return the first answer to this key, making it if there is none yet.

        Raises a 409 Problem if the key came with another body, or if its first request still runs.
        """
        record, fingerprint = _record_key(submitter, key), _fingerprint(body)
        deadline = asyncio.get_running_loop().time() + CLAIM_S / 2
        while (held := await self._claim(record, fingerprint)) is not None:
            first = _answer_from_record(held, fingerprint)
            if first is not None:
                return first
            if asyncio.get_running_loop().time() > deadline:
                detail = "The first request with this key has not been answered yet. Try again in 10 s."
                raise Problem(409, "idempotency-key-in-use", detail, headers={"retry-after": str(CLAIM_S)})
            await asyncio.sleep(_POLL_S)
        try:
            given = await answer()
        except Exception:
            releasing = asyncio.create_task(self._release(record))
            self._releasing.add(releasing)
            releasing.add_done_callback(self._releasing.discard)
            # Not for as long as it takes: where Redis hangs, the client has waited long enough.
            await asyncio.wait({releasing}, timeout=_RELEASE_WAIT_S)
            raise
        await self._run(_STORE, record, _record(fingerprint, given), self._ttl_s)
        return given

    async def _release(self, record: str) -> None:
        with suppress(Problem):  # an unreachable Redis: the claim ends by itself
            await self._run(_RELEASE, record)

    async def _claim(self, record: str, fingerprint: str) -> bytes | None:
        held: bytes | None = await self._run(_CLAIM, record, fingerprint, CLAIM_S)
        return held

    async def _run(self, script: Script, record: str, *args: str | bytes | int) -> Any:
        return await self._writer.write(script, Call((record,), args))


def check_key(key: str, header: str) -> str:
    """Raises a 400 Problem for a key that is empty or too long."""
    if not 0 < len(key) <= MAX_KEY_CHARS:
        detail = f"{header} must have 1 to {MAX_KEY_CHARS} characters."
        raise Problem(400, "idempotency-key-invalid", detail, errors=[FieldError(f"header/{header}", detail)])
    return key


def _record_key(submitter: str | None, key: str) -> str:
    digest = blake2b(to_json([submitter, key]), digest_size=16, person=b"wireroom.idem").hexdigest()
    return f"idempotency:{digest}"


def _fingerprint(body: bytes) -> str:
    return blake2b(body, digest_size=16).hexdigest()


def _record(fingerprint: str, answer: Answer) -> bytes:
    fields = [answer.status, answer.body.decode(), answer.location]
    return fingerprint.encode() + b" " + to_json(fields)


def _answer_from_record(record: bytes, fingerprint: str) -> Answer | None:
    """Return the answer in a record, None while it is only claimed. Raises a 409 Problem for another body."""
    held, _, answer = record.partition(b" ")
    if held.decode() != fingerprint:
        detail = "This key was used with another body. Use a new key for a new request."
        raise Problem(409, "idempotency-key-reused", detail)
    if not answer:
        return None
    status, body, location = from_json(answer)
    return Answer(status, body.encode(), location)
