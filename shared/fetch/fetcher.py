"""One fetch at a bounded cost: time in all, bytes before and after decompression, redirects."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from time import perf_counter
from typing import Final
from urllib.parse import urljoin

import httpcore2
import httpx2

from shared.fetch.errors import FetchError, FetchFailed, FetchRefused
from shared.fetch.guard import Guard, Target
from shared.fetch.transport import MOST_RAW_BYTES, GuardedTransport
from shared.metrics import Metrics

DEFAULT_AGENT: Final = "Wireroom"
MAX_REDIRECTS: Final = 5
MAX_CONNECTIONS: Final = 100
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# A redirect to another host must not take the caller's secrets along (RFC 9110, 15.4).
_PRIVATE_HEADERS: Final = frozenset({"authorization", "cookie", "proxy-authorization"})
_CODINGS: Final = frozenset({"gzip", "deflate"})
_SLACK_BYTES: Final = 65_536


# Asked before each URL of a fetch, redirects included. Raises FetchError to end it.
Permit = Callable[[str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """A response, whatever its status.

    `url` is where it came from in the end. `redirects` are those on the way, in order, as (status, URL that
    it led to). `body` is decompressed; `truncated` tells that it was cut. It was there `at` an instant,
    `elapsed_s` after it was asked for.
    """

    status: int
    url: str
    headers: httpx2.Headers
    body: bytes
    redirects: tuple[tuple[int, str], ...]
    elapsed_s: float
    at: datetime
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class _Ask:
    """What stays the same over the redirects of one fetch."""

    method: str
    content: bytes | None
    most_bytes: int
    follow: bool
    truncate: bool
    permit: Permit | None
    media_types: frozenset[str] | None = None
    read: bool = True


class Fetcher:
    """Fetches what the guard lets through. One for a process; `aclose` ends it.

    No cookies are kept, no proxy or password of the environment is used.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        user_agent: str = DEFAULT_AGENT,
        max_redirects: int = MAX_REDIRECTS,
        metrics: Metrics | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = guard
        self._max_redirects = max_redirects
        self._metrics = metrics
        self._client = httpx2.AsyncClient(
            transport=GuardedTransport(
                guard,
                ssl_context=ssl_context or httpx2.create_ssl_context(),
                max_connections=MAX_CONNECTIONS,
            ),
            headers={"user-agent": user_agent, "accept": "*/*", "accept-encoding": "gzip, deflate"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=None,  # the deadline of each fetch bounds all of it
            trust_env=False,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def fetch(
        self,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        most_bytes: int,
        seconds: float,
        follow: bool = True,
        truncate: bool = False,
        permit: Permit | None = None,
        media_types: frozenset[str] | None = None,
    ) -> Fetched:
        """GET `url` within `seconds` in all, following redirects that the guard lets through.

        A body of more than `most_bytes`, decompressed, fails as `too_large`, or is cut when `truncate`.
        `permit` is asked before the URL and before each that it redirects to. A 2xx of a type that is not
        among `media_types` fails before its body is read; one without a type does not.
        Raises FetchRefused and FetchFailed; a response with any status is returned.
        """
        ask = _Ask("GET", None, most_bytes, follow, truncate, permit, media_types)
        return await self._measured(url, headers, ask, seconds)

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        most_bytes: int = 65_536,
        seconds: float = 20.0,
        follow: bool = True,
        read: bool = True,
    ) -> Fetched:
        """POST `body`. Only 307 and 308 are followed, for only they repeat a POST. Raises as `fetch` does.

        Without `read` the body of the response is left where it is, and is empty in the result.
        """
        ask = _Ask("POST", body, most_bytes, follow, truncate=True, permit=None, read=read)
        return await self._measured(url, headers, ask, seconds)

    async def _measured(self, url: str, headers: Mapping[str, str], ask: _Ask, seconds: float) -> Fetched:
        start = perf_counter()
        outcome = "failed"
        try:
            async with asyncio.timeout(seconds):
                fetched = await self._follow(url, httpx2.Headers(dict(headers)), ask, start)
            outcome = f"{fetched.status // 100}xx" if fetched.status < 600 else "protocol"
            return fetched
        except TimeoutError:
            outcome = "timeout"
            raise FetchFailed(
                "timeout", f"No answer was complete within {seconds:g} s.", transient=True
            ) from None
        except FetchError as error:
            outcome = "refused" if isinstance(error, FetchRefused) else error.reason
            raise
        finally:
            if self._metrics is not None:
                self._metrics.inc("wireroom_fetches_total", outcome=outcome)
                self._metrics.observe("wireroom_fetch_seconds", perf_counter() - start)

    async def _follow(self, url: str, headers: httpx2.Headers, ask: _Ask, start: float) -> Fetched:
        target = self.guard.target(url)
        redirects: list[tuple[int, str]] = []
        seen = {target.url}
        while True:
            if ask.permit is not None:
                await ask.permit(target.url)
            response, body, truncated = await self._once(target, headers, ask)
            led_to = _redirect_of(response, target.url, ask)
            if led_to is None:
                elapsed_s = perf_counter() - start
                return Fetched(
                    response.status_code,
                    target.url,
                    response.headers,
                    body,
                    tuple(redirects),
                    elapsed_s,
                    datetime.now(UTC),
                    truncated,
                )
            following = self.guard.target(led_to)
            if following.url in seen:
                raise FetchFailed("redirects", f"{target.host} redirects in a circle.", transient=False)
            if len(redirects) == self._max_redirects:
                detail = f"More than {self._max_redirects} redirects, the last at {target.host}."
                raise FetchFailed("redirects", detail, transient=False)
            seen.add(following.url)
            redirects.append((response.status_code, following.url))
            if (following.host, following.port) != (target.host, target.port):
                headers = httpx2.Headers(
                    [(name, value) for name, value in headers.items() if name not in _PRIVATE_HEADERS]
                )
            target = following

    async def _once(
        self, target: Target, headers: httpx2.Headers, ask: _Ask
    ) -> tuple[httpx2.Response, bytes, bool]:
        """Return one response with its body, empty for a redirect, and whether the body was cut."""
        request = self._request(target, headers, ask)
        try:
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                if not ask.read or _redirect_of(response, target.url, ask) is not None:
                    return response, b"", False
                body, truncated = await _read_body(response, target.host, ask)
                return response, body, truncated
            finally:
                await response.aclose()
        except (httpcore2.ConnectError, ssl.SSLError) as error:
            raise _tls_failure(target.host, error) from error
        except (httpcore2.NetworkError, OSError) as error:
            raise FetchFailed("connect", f"{target.host} broke the connection.", transient=True) from error
        except (httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
            detail = f"{target.host} answered with something that is not HTTP, or not the whole of it."
            raise FetchFailed("protocol", detail, transient=True) from error
        except httpx2.DecodingError as error:
            detail = f"What {target.host} sent does not decompress."
            raise FetchFailed("encoding", detail, transient=False) from error

    def _request(self, target: Target, headers: httpx2.Headers, ask: _Ask) -> httpx2.Request:
        try:
            request = self._client.build_request(
                ask.method,
                target.url,
                headers=headers,
                content=ask.content,
                extensions={MOST_RAW_BYTES: ask.most_bytes + _SLACK_BYTES},
            )
        except (httpx2.InvalidURL, UnicodeError, ValueError):
            raise FetchRefused("url", "This is no URL that can be fetched.") from None
        if request.url.raw_host.decode() != target.host.strip("[]"):
            # Two readings of one URL: the connection would be guarded still, and the request not be meant.
            raise FetchRefused("url", "The URL can be read in two ways and is not fetched.")
        return request


def _redirect_of(response: httpx2.Response, url: str, ask: _Ask) -> str | None:
    """Return where a response leads if it is to be followed. Raises FetchRefused for no URL at all."""
    location = response.headers.get("location", "").strip()
    if not ask.follow or response.status_code not in REDIRECTS or not location:
        return None
    if ask.method != "GET" and response.status_code not in (307, 308):
        return None
    try:
        return urljoin(url, location.replace(" ", "%20"))
    except ValueError:
        raise FetchRefused("url", "It redirects to something that is no URL.") from None


async def _read_body(response: httpx2.Response, host: str, ask: _Ask) -> tuple[bytes, bool]:
    codings = [name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")]
    codings = [name for name in codings if name not in ("", "identity")]
    if len(codings) > 1 or not _CODINGS.issuperset(codings):
        # One compression within another multiplies what a byte can cost, and no site does it.
        raise FetchFailed(
            "encoding", f"{host} compressed its answer in a way that was not asked for.", transient=False
        )
    _check_media_type(response, host, ask)
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > ask.most_bytes:
            if ask.truncate:
                return bytes(body[: ask.most_bytes]), True
            detail = f"{host} sent more than {ask.most_bytes:,} bytes."
            raise FetchFailed("too_large", detail, transient=False)
    return bytes(body), False


def _check_media_type(response: httpx2.Response, host: str, ask: _Ask) -> None:
    given = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if ask.media_types is None or not response.is_success or not given or given in ask.media_types:
        return
    what = given if len(given) <= 80 and given.isprintable() else "another type"
    wanted = " or ".join(sorted(ask.media_types, reverse=True))
    raise FetchFailed("media_type", f"{host} answered with {what}, not {wanted}.", transient=False)


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def _tls_failure(host: str, error: BaseException) -> FetchFailed:
    certificate = _certificate_error(error)
    # OpenSSL's words about a certificate hold nothing of the URL but its host.
    why = "the handshake failed" if certificate is None else str(certificate.verify_message)[:120]
    return FetchFailed("tls", f"No secure connection to {host}: {why}.", transient=certificate is None)
