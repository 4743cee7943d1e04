"""What the buttons on the page of a saved search do. Each returns the address that tells what was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from services.index.saved_searches.documents import ReplayInput, SavedSearchChange
from services.index.saved_searches.records import SavedSearch
from services.index.saved_searches.service import SavedSearchService, threaded
from services.index.web.saved import OUTCOMES, delivery_phrase
from shared.http.problems import Problem

REPLAYED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """A button that was pressed for `search`, with the form that it stands in."""

    service: SavedSearchService
    search: SavedSearch
    fields: Mapping[str, list[str]]
    now: datetime


async def _test(asked: Asked) -> str:
    _, attempt = await asked.service.send_test(with_webhook(asked.search))
    told = {"done": "tested", "outcome": attempt.outcome, "status": attempt.status or ""}
    return f"/saved/{asked.search.id}?{urlencode(told)}"


async def _pause(asked: Asked) -> str:
    await threaded(asked.service.change, asked.search.id, SavedSearchChange(status="paused"))
    return f"/saved/{asked.search.id}?done=paused"


async def _enable(asked: Asked) -> str:
    await threaded(asked.service.change, asked.search.id, SavedSearchChange(status="active"))
    asked.service.deliverer.forget_failures(asked.search.key)
    return f"/saved/{asked.search.id}?done=enabled"


async def _replay(asked: Asked) -> str:
    """Send one message again, or without its id all of the last day."""
    with_webhook(asked.search)
    webhook_id = (asked.fields.get("webhook_id") or [""])[0]
    given = (
        ReplayInput(webhook_id=webhook_id[:100]) if webhook_id else ReplayInput(since=asked.now - REPLAYED)
    )
    count = await threaded(asked.service.replay, asked.search, given)
    asked.service.deliverer.wake([asked.search.key])
    return (
        f"/saved/{asked.search.id}?{urlencode({'done': 'replayed', 'count': min(count, 9_999)})}#deliveries"
    )


async def _delete(asked: Asked) -> str:
    await threaded(asked.service.searches.remove, asked.search.id)
    return "/saved?deleted=1"


ACTIONS = {"test": _test, "pause": _pause, "enable": _enable, "replay": _replay, "delete": _delete}


def told_by(parameters: Mapping[str, str]) -> str:
    """Return what the page says was just done, from the address it was led to."""
    done, count = parameters.get("done", ""), parameters.get("count", "")
    if done == "tested" and (outcome := parameters.get("outcome", "")) in OUTCOMES:
        status = parameters.get("status", "")
        number = int(status) if status.isascii() and status.isdigit() and len(status) == 3 else None
        return f"Test message: {delivery_phrase(outcome, number)}."
    if done == "replayed" and count.isascii() and count.isdigit() and len(count) <= 4:
        return f"{int(count):,} message{'' if count == '1' else 's'} will be sent again."
    return {
        "changed": "Changed.",
        "paused": "Paused: nothing is matched or sent until it is active again.",
        "enabled": "Active: what matches from now on is kept and sent.",
    }.get(done, "")


def known(search: SavedSearch | None) -> SavedSearch:
    if search is None:
        raise Problem(404, "not-found", "There is no such saved search; it may have been deleted.")
    return search


def with_webhook(search: SavedSearch) -> SavedSearch:
    if search.webhook_url is None:
        raise Problem(409, "no-webhook", "This saved search has no webhook. Give it one first.")
    return search
