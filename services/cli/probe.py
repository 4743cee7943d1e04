"""The health check of containers: standard library only, so that it costs next to nothing."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from http import HTTPStatus

TIMEOUT_S = 3.0
MAX_SHOWN_BYTES = 2_000


def probe(url: str) -> int:
    """Return 0 if `url` answers 200 within three seconds, else 1 with the reason on stderr."""
    if not url.startswith(("http://", "https://")):
        print(f"wireroom probe: {url} is not an http(s) URL", file=sys.stderr)
        return 2
    # A health check never goes through a proxy that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as response:
            if response.status == HTTPStatus.OK:
                return 0
            reason = f"answered {response.status}"
    except urllib.error.HTTPError as error:
        said = error.read(MAX_SHOWN_BYTES).decode("utf-8", "replace").strip()
        reason = f"answered {error.code}: {said}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = str(getattr(error, "reason", error)) or type(error).__name__
    print(f"wireroom probe: {url} {reason}", file=sys.stderr)
    return 1
