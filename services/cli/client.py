"""Finds the running services and calls their HTTP interfaces, turning each failure into words."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from services.cli.output import Failure
from services.supervisor.instance import default_data_dir, read_instance, sources_path
from shared.sources_place import operator_key

if TYPE_CHECKING:
    import httpx2

DEFAULT_URLS = {
    "ingest": "http://127.0.0.1:8001",
    "enrich": "http://127.0.0.1:8002",
    "index": "http://127.0.0.1:8003",
}
TIMEOUT_S = 30.0


def service_url(service: str, given: str | None = None, data_dir: Path | None = None) -> str:
    """Return where a service is: as given, as WIREROOM_<SERVICE>_URL says, as `wireroom up` wrote down, or
    the default port on this machine."""
    url = given or os.environ.get(f"WIREROOM_{service.upper()}_URL")
    if not url:
        instance = read_instance(data_dir or default_data_dir())
        url = getattr(instance, f"{service}_url") if instance is not None else DEFAULT_URLS[service]
    if urlsplit(url).scheme not in {"http", "https"}:
        raise Failure(f"{url} is not an http(s) URL.", f"Write it like {DEFAULT_URLS[service]}.")
    return str(url).rstrip("/")


def api_key(key_file: Path | None = None) -> str | None:
    """Return the API key to send: from a file, or from WIREROOM_API_KEY, or None."""
    if key_file is None:
        return os.environ.get("WIREROOM_API_KEY") or None
    try:
        return key_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Failure(f"cannot read the API key from {key_file}: {error}") from error


class ServiceClient:
    """One service over HTTP. Answers of 400 and above, and no answer at all, raise Failure."""

    def __init__(
        self, service: str, url: str, key: str | None = None, *, data_dir: Path | None = None
    ) -> None:
        """Without a `key`, an ingest on this machine gets the one that is beside its sources, if any."""
        import httpx2

        self.service = service
        self.url = url
        host = urlsplit(url).hostname or ""
        local = host in {"localhost", "::1"} or host.startswith("127.")
        if key is None and local and service == "ingest":
            key = operator_key(sources_path(data_dir=data_dir))
        headers = {"user-agent": "wireroom-cli", **({"authorization": f"Bearer {key}"} if key else {})}
        # No proxy of the environment stands between us and this machine.
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, trust_env=not local)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        params: dict[str, Any] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
        timeout_s: float = TIMEOUT_S,
    ) -> httpx2.Response:
        """Return the answer whatever its status. Raises Failure when there is none."""
        import httpx2

        headers = {"content-type": content_type} if content is not None else {}
        try:
            return self._http.request(
                method, path, params=params, content=content, headers=headers, timeout=timeout_s
            )
        except httpx2.TimeoutException as error:
            raise Failure(
                f"{self.service} at {self.url} did not answer within {timeout_s:g} s.",
                "`wireroom doctor` shows what is wrong.",
            ) from error
        except httpx2.TransportError as error:
            raise Unreachable(self.service, self.url) from error

    @contextmanager
    def stream(
        self, path: str, params: dict[str, Any], headers: dict[str, str], *, silence_s: float
    ) -> Iterator[httpx2.Response]:
        """Open a GET whose answer is read as it comes, each part of it within `silence_s`.

        Raises Unreachable when there is no answer. A connection that breaks later raises httpx2's errors.
        """
        import httpx2

        timeout = httpx2.Timeout(TIMEOUT_S, read=silence_s)
        request = self._http.build_request("GET", path, params=params, headers=headers, timeout=timeout)
        try:
            response = self._http.send(request, stream=True)
        except httpx2.TransportError as error:
            raise Unreachable(self.service, self.url) from error
        try:
            yield response
        finally:
            response.close()

    def json(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """Return the JSON object of an answer below 400."""
        return self._object(path, self.call(method, path, **options))

    def find(self, path: str) -> dict[str, Any] | None:
        """Return the JSON object at `path`, None where there is none (404) or none any more (410)."""
        response = self.call("GET", path)
        return None if response.status_code in {404, 410} else self._object(path, response)

    def _object(self, path: str, response: httpx2.Response) -> dict[str, Any]:
        if response.status_code >= 400:
            raise refusal(self.service, response)
        try:
            document = response.json()
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            raise Failure(
                f"{self.service} at {self.url} answered {path} with something unknown here.",
                "Something else may listen there: stop it, or name the right address.",
            )
        return document


class Unreachable(Failure):
    """Nothing answers at the service's address."""

    def __init__(self, service: str, url: str) -> None:
        super().__init__(
            f"{service} does not answer at {url}.",
            f"Start it with `wireroom up`, or name its address with --{service}-url.",
        )


def refusal(service: str, response: httpx2.Response) -> Failure:
    """Return the failure that an answer of 400 or more stands for, in the words of its problem document."""
    try:
        document = response.json()
        detail = str(document.get("detail") or document.get("title"))
        if str(document.get("type", "")).endswith("/query-syntax"):
            return Failure(f"the query is not understood: {detail}")
        problems = [f"{error['pointer']}: {error['detail']}" for error in document.get("errors", [])]
    except (ValueError, AttributeError, KeyError, TypeError):
        detail, problems = response.text.strip()[:200], []
    lines = [*problems, *_hint(response.status_code)]
    return Failure(f"{service} answered {response.status_code}: {detail}", "\n".join(lines))


def _hint(status: int) -> list[str]:
    if status in {401, 403}:
        return ["Set WIREROOM_API_KEY, or pass --api-key-file; `wireroom keys new NAME` makes a key."]
    if status == 503:
        return ["It is busy or not ready: try again in a moment; `wireroom doctor` shows more."]
    return []


def index_client(
    data_dir: Path | None, url: str | None = None, key_file: Path | None = None
) -> ServiceClient:
    """Return a client of index: where it is, and with which key, as options say or as is found by itself."""
    return ServiceClient("index", service_url("index", url, data_dir), api_key(key_file))


def ingest_client(
    data_dir: Path | None, url: str | None = None, key_file: Path | None = None
) -> ServiceClient:
    """Return a client of ingest: where it is, and with which key, as options say or as is found by itself."""
    return ServiceClient("ingest", service_url("ingest", url, data_dir), api_key(key_file), data_dir=data_dir)
