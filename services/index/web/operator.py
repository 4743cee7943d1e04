"""What the operator's page shows: how the pipeline is, and the dead letters. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from pydantic_core import from_json

from services.index.engine.protocol import EngineStats
from services.index.web.texts import Moment, clip, moment, within
from shared.errors import DEAD_LETTER_REASONS
from shared.events import DeadLetter
from shared.runtime.lag import GroupLag

LETTERS_ON_PAGE = 20
# Longer events are shown by their beginning, unread.
MAX_EVENT_BYTES = 256 << 10
SHOWN_EVENT_CHARS = 8_000
# Older than this, what is pending is stuck: a batch takes seconds, and a reclaim waits a quarter of a minute.
STUCK_S = 60.0
REASONS = {
    "invalid_event": "not readable",
    "unsupported_schema": "from another version",
    "unexpected_event": "in the wrong stream",
    "unprocessable_article": "cannot be processed",
    "permanent": "failed for good",
    "attempts_exhausted": "failed again and again",
}
_SIZES = ("bytes", "KB", "MB", "GB", "TB")


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    value: str
    note: str = ""
    bad: bool = False


@dataclass(frozen=True, slots=True)
class StageRow:
    """One consumer group of one partition."""

    stage: str
    stream: str
    waiting: int
    pending: int
    oldest: str
    stuck: bool


@dataclass(frozen=True, slots=True)
class CheckRow:
    name: str
    said: str
    ok: bool


@dataclass(frozen=True, slots=True)
class LetterRow:
    """`title` is that of the article where the entry holds one, `href` leads to it."""

    id: str
    reason: str
    error: str
    where: str
    attempts: int
    died: Moment | None
    title: str
    href: str | None
    event: str


@dataclass(frozen=True, slots=True)
class ReasonLink:
    label: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """What Redis says. `letters` are those of the page asked for, `letter_count` are all."""

    lags: Sequence[GroupLag]
    letters: Sequence[tuple[str, DeadLetter]]
    letter_count: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class OperatorView:
    tiles: tuple[Tile, ...]
    stages: tuple[StageRow, ...]
    checks: tuple[CheckRow, ...]
    letters: tuple[LetterRow, ...]
    reasons: tuple[ReasonLink, ...]
    older_href: str | None
    redis_fault: str
    outcome: str


def operator_view(
    stats: EngineStats,
    last_at: datetime | None,
    checks: Mapping[str, str | None],
    backlog: Backlog | None,
    *,
    reason: str,
    outcome: str,
    now: datetime,
) -> OperatorView:
    """`last_at` is when the newest article became searchable, `backlog` None when Redis did not answer."""
    letters = backlog.letters if backlog else ()
    older = letters[-1][0] if len(letters) == LETTERS_ON_PAGE else None
    return OperatorView(
        tiles=_tiles(stats, last_at, backlog, now),
        stages=tuple(_stage(lag) for lag in backlog.lags) if backlog else (),
        checks=tuple(
            CheckRow(name, clip(problem or "fine", 300), problem is None) for name, problem in checks.items()
        ),
        letters=tuple(_letter(id_, letter, now) for id_, letter in letters),
        reasons=_reasons(reason),
        older_href=_href(reason=reason, before=older) if older else None,
        redis_fault=""
        if backlog
        else "Redis does not answer, so the streams and dead letters cannot be shown.",
        outcome=outcome,
    )


def _tiles(
    stats: EngineStats, last_at: datetime | None, backlog: Backlog | None, now: datetime
) -> tuple[Tile, ...]:
    newest = moment(last_at.isoformat(), now) if last_at else None
    tiles = [
        Tile("Articles", f"{stats.articles:,}", f"{stats.tombstones:,} taken down or withheld"),
        Tile("Newest", newest.relative if newest else "none yet", newest.absolute if newest else ""),
        Tile("Index", size_phrase(stats.size_bytes), f"{stats.segments:,} segments"),
    ]
    if backlog:
        waiting = sum(lag.backlog for lag in backlog.lags)
        oldest = max((lag.oldest_pending_s for lag in backlog.lags), default=0.0)
        tiles += [
            Tile("In the pipeline", f"{waiting:,}", _age("oldest in hand", oldest), oldest > STUCK_S),
            Tile("Dead letters", f"{backlog.letter_count:,}", "", backlog.letter_count > 0),
            Tile("Redis", size_phrase(backlog.memory_bytes), "of memory in use"),
        ]
    return tuple(tiles)


def _age(what: str, seconds: float) -> str:
    return f"{what} {seconds:,.1f} s" if seconds else ""


def size_phrase(count: float) -> str:
    for unit in _SIZES:
        if count < 1_000 or unit == _SIZES[-1]:
            break
        count /= 1_000
    return f"{count:,.0f} {unit}" if unit == "bytes" or count >= 100 else f"{count:,.1f} {unit}"


def _stage(lag: GroupLag) -> StageRow:
    return StageRow(
        stage=lag.group,
        stream=lag.spec.key(lag.partition),
        waiting=lag.lag,
        pending=lag.pending,
        oldest=f"{lag.oldest_pending_s:,.1f} s" if lag.pending else "–",
        stuck=lag.oldest_pending_s > STUCK_S,
    )


def _letter(id_: str, letter: DeadLetter, now: datetime) -> LetterRow:
    payload = letter.fields.get("event", b"")
    event = _event_of(payload)
    return LetterRow(
        id=id_,
        reason=REASONS.get(letter.reason, clip(letter.reason, 60)),
        error=clip(letter.error, 600),
        where=clip(f"{letter.group} of {letter.stream}", 120),
        attempts=letter.attempts,
        died=moment(letter.died_at.isoformat(), now),
        title=clip(within(event, "article", "title"), 160) if isinstance(event, dict) else "",
        href=f"/articles/{letter.article_id}" if letter.article_id else None,
        event=_shown(event, payload),
    )


def _event_of(payload: bytes) -> Any:
    if len(payload) > MAX_EVENT_BYTES:
        return None
    try:
        return from_json(payload, allow_inf_nan=False)
    except ValueError:
        return None


def _shown(event: Any, payload: bytes) -> str:
    """Return the event as indented JSON, or the bytes as they are where they are none."""
    if event is None:
        text = payload[: SHOWN_EVENT_CHARS + 1].decode("utf-8", "backslashreplace")
    else:
        text = json.dumps(event, indent=2, ensure_ascii=False)
    return clip(text, SHOWN_EVENT_CHARS)


def _reasons(chosen: str) -> tuple[ReasonLink, ...]:
    everything = ReasonLink("All", _href(), not chosen)
    return (
        everything,
        *(ReasonLink(REASONS[name], _href(reason=name), name == chosen) for name in DEAD_LETTER_REASONS),
    )


def _href(*, reason: str = "", before: str = "") -> str:
    asked = {name: value for name, value in {"reason": reason, "before": before}.items() if value}
    return f"/operator?{urlencode(asked)}#letters" if asked else "/operator#letters"


def outcome_phrase(counts: Iterable[tuple[str, int]]) -> str:
    """Return what was done with dead letters: "2 replayed, 1 was gone already"."""
    words = {
        "replayed": "put back on the stream",
        "discarded": "discarded",
        "gone": "gone already",
        "refused": "not replayable",
    }
    said = [f"{count:,} {words[name]}" for name, count in counts if name in words and count > 0]
    return f"Dead letters: {', '.join(said)}." if said else ""
