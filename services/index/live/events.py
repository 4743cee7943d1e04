"""Server-sent events (HTML standard, section 9.2) of the live wire, as bytes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic_core import to_json

from services.index.engine.protocol import ArrivalKey, Hit
from services.index.json_lines import on_one_line

# Milliseconds after which a browser connects again.
HELLO = b"retry: 2000\n\n"
HEARTBEAT = b":\n\n"
_EVENT_ID = re.compile(r"([0-9]{1,19})-([0-9a-f]{16})")
_LARGEST = 2**63 - 1


def event_id(key: ArrivalKey) -> str:
    return f"{key.indexed_us}-{key.id_prefix}"


def key_of(text: str) -> ArrivalKey | None:
    """Return the place that an event's id stands for, or None when it is no id of ours."""
    match = _EVENT_ID.fullmatch(text)
    if match is None or int(match[1]) > _LARGEST:
        return None
    return ArrivalKey(int(match[1]), match[2])


def article_events(hits: Iterable[Hit]) -> bytes:
    """Return an event for each hit, its data always one line."""
    return b"".join(
        b"event: article\nid: %b\ndata: %b\n\n"
        % (event_id(hit.arrival).encode(), on_one_line(to_json({**hit.card, "id": hit.id})))
        for hit in hits
    )


def retracted_events(article_ids: Iterable[str]) -> bytes:
    """Return an event for each article that is gone. They have no id: one resumes after articles."""
    return b"".join(b"event: retracted\ndata: %b\n\n" % to_json({"id": each}) for each in article_ids)
