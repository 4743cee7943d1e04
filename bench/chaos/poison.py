"""Entries that cannot be processed, written straight to the stream, and their dead letters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from redis.asyncio import Redis

from bench.chaos.ledger import Operation
from bench.chaos.texts import SOURCE, Subject
from bench.chaos.world import Result, World
from shared.events import ArticleSubmitted, DeadLetter, Provenance, SubmittedArticle, encode_event
from shared.streams import DEAD, EVENT_FIELD, RAW

DIES_WITHIN_S = 20.0


def submitted_event(subject: Subject) -> ArticleSubmitted:
    """Return the event that ingest writes for version 1 of a subject."""
    text = subject.text(1)
    return ArticleSubmitted(
        article_id=subject.article_id,
        revision=1,
        received_at=datetime.now(UTC),
        content_hash=text.digest,
        article=SubmittedArticle(publisher_id=subject.word, source=SOURCE, title=text.title, body=text.body),
        provenance=Provenance(door="api"),
    )


def poisons(token: str) -> dict[str, tuple[dict[bytes, bytes], str]]:
    """Return entries by what is wrong with them, and the reason each must die of. `token` marks them."""
    event: dict[str, Any] = json.loads(encode_event(submitted_event(Subject(f"zq{token}poison"))))
    blank = event | {
        "article_id": Subject(f"zq{token}blank").article_id,
        "article": {"title": " ", "body": ""},
    }
    mark = {b"token": token.encode()}
    return {
        "no JSON": ({EVENT_FIELD: b"{" + token.encode(), **mark}, "invalid_event"),
        "no event": ({b"other": b"x", **mark}, "invalid_event"),
        "unknown major": (
            {EVENT_FIELD: json.dumps(event | {"schema_version": "99.0"}).encode(), **mark},
            "unsupported_schema",
        ),
        "no text": ({EVENT_FIELD: json.dumps(blank).encode(), **mark}, "unprocessable_article"),
    }


def raw_fields(fields: Mapping[bytes, bytes]) -> dict[Any, Any]:
    """Return an entry as redis-py's stub wants it."""
    return dict(fields)


@dataclass(slots=True)
class Poison:
    """Four kinds of bad entries among good ones; then discard, replay, and replay after the fix."""

    name: str = "poison"
    passes_when: str = (
        "each becomes a dead letter with its reason and bytes; neighbours unharmed; discard and replay work"
    )

    async def apply(self, world: World, result: Result, length_s: float) -> None:
        token = world.fresh_name()
        redis = world.stack.redis()
        try:
            for fields, _ in poisons(token).values():
                await redis.xadd(RAW.key(0), raw_fields(fields))
            found: dict[str, dict[str, Any]] = {}

            async def all_dead() -> bool:
                found.update(await _letters(world, token))
                return len(found) >= 4

            took = await world.until(all_dead, DIES_WITHIN_S, 0.3)
            if not result.expect(
                took is not None, f"{len(found)} of 4 were dead letters {DIES_WITHIN_S:g} s later"
            ):
                return
            result.worst("dead_after_s", took or 0)
            self._reasons(result, token, found)
            await self._discard_and_replay(world, result, token, found)
            await self._replay_after_fix(world, result, redis)
        finally:
            await redis.aclose()

    def _reasons(self, result: Result, token: str, found: dict[str, dict[str, Any]]) -> None:
        expected = sorted(reason for _, reason in poisons(token).values())
        told = sorted(letter["reason"] for letter in found.values())
        result.expect(told == expected, f"they died of {told}, not {expected}")
        result.expect(all(letter["error"] for letter in found.values()), "one has no error text")

    async def _discard_and_replay(
        self, world: World, result: Result, token: str, found: dict[str, dict[str, Any]]
    ) -> None:
        """Discard one; replay another, which has not been mended, and so must die again."""
        first, second = list(found)[:2]
        status = await _call(world, "DELETE", f"/v1/dead-letters/{first}")
        result.expect(status == 204, f"discard was answered {status}")
        status = await _call(world, "POST", f"/v1/dead-letters/{second}/replay")
        result.expect(status == 202, f"replay was answered {status}")

        async def back() -> bool:
            now = await _letters(world, token)
            return len(now) == 3 and first not in now and second not in now

        took = await world.until(back, DIES_WITHIN_S, 0.3)
        result.expect(took is not None, "a replayed letter whose cause remains did not come back")
        for letter_id in await _letters(world, token):
            await _call(world, "DELETE", f"/v1/dead-letters/{letter_id}")

    async def _replay_after_fix(self, world: World, result: Result, redis: Redis) -> None:
        """Replay a letter that died of what is mended by now: its article must become searchable."""
        subject = Subject(f"zq{world.fresh_name()}fixed")
        letter = DeadLetter(
            stream=RAW.key(0), group="enrich", entry_id="1-1", article_id=subject.article_id,
            reason="attempts_exhausted", error="RuntimeError: mended since", attempts=5,
            died_at=datetime.now(UTC),
            fields={EVENT_FIELD.decode(): encode_event(submitted_event(subject))},
        )  # fmt: skip
        entry_id: Any = await redis.xadd(DEAD.key(0), raw_fields({EVENT_FIELD: encode_event(letter)}))
        operation = Operation("publish", 1, subject.text(1).digest)
        obligation = world.ledger.open(subject.article_id, subject.word)
        before = obligation.begin(operation)
        status = await _call(world, "POST", f"/v1/dead-letters/0-{entry_id.decode()}/replay")
        if result.expect(status == 202, f"replay after the fix was answered {status}"):
            obligation.settle(before, operation, "accepted", at_s=0, revision=1)

            async def found() -> bool:
                return await world.observer.found(subject.word) == (subject.article_id,)

            took = await world.until(found, DIES_WITHIN_S, 0.2)
            result.expect(took is not None, "the article was not searchable after its replay")

    async def undo(self, world: World, result: Result) -> None:
        return


async def _letters(world: World, token: str) -> dict[str, dict[str, Any]]:
    """Return the dead letters whose entry carries the token, by id, with their bytes."""
    found = {}
    for letter in await world.observer.letters():
        document = await world.observer.document("ingest", f"/v1/dead-letters/{letter.id}")
        if document is not None and document["fields"].get("token") == token:
            found[letter.id] = document
    return found


async def _call(world: World, method: str, path: str) -> int:
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        try:
            return (await client.request(method, world.stack.url("ingest") + path)).status_code
        except httpx2.HTTPError:
            return 0
