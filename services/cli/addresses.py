"""Submit articles by their addresses: ingest fetches them, one after the other."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from services.cli.client import ServiceClient, refusal
from services.cli.documents import Overrides
from services.cli.submission import Outcome, retry_after_s

if TYPE_CHECKING:
    import httpx2

# Longer than ingest fetches by default; its own deadline says more than ours.
FETCH_TIMEOUT_S = 120.0
PATIENCE_S = 120.0


def is_address(name: str) -> bool:
    """Whether an argument is the address of an article and not a file."""
    return name[:8].lower().startswith(("http://", "https://"))


def send_addresses(
    client: ServiceClient,
    urls: Sequence[str],
    overrides: Overrides,
    tell: Callable[[str], None] = lambda _: None,
) -> Iterator[Outcome]:
    """Submit the article at each address and yield what became of it.

    Waits where ingest or the site asks for a pause. Raises Failure when ingest cannot be used.
    """
    for url in urls:
        tell(f"Fetching {url}")
        response = _post(client, {**overrides.fields(), "url": url}, tell)
        if response.status_code == 401:
            raise refusal("ingest", response)
        if response.status_code >= 400:
            yield Outcome(url, "rejected", error=_reason(response))
            continue
        answer = response.json()
        yield Outcome(url, str(answer.get("status")), answer.get("id"), answer.get("detail"))


def _post(client: ServiceClient, document: dict[str, str], tell: Callable[[str], None]) -> httpx2.Response:
    """Return the first answer that is no request to wait, or the last one within our patience."""
    body = json.dumps(document).encode("ascii")
    begun = time.monotonic()
    while True:
        response = client.call("POST", "/v1/urls", content=body, timeout_s=FETCH_TIMEOUT_S)
        if response.status_code not in {429, 503}:
            return response
        wait_s = retry_after_s(response.headers.get("retry-after"), datetime.now(UTC))
        if time.monotonic() - begun + wait_s > PATIENCE_S:
            return response
        tell(f"Waiting {wait_s:g} s: {_reason(response)}")
        time.sleep(wait_s)


def _reason(response: httpx2.Response) -> str:
    """Return the problem's detail, which says all; else what a refusal of ingest is called."""
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return refusal("ingest", response).message
