"""The guard against server-side request forgery: which URLs may be fetched, and at which addresses.

A name is resolved once for each connection, every address that it has must be of the public internet, and the
connection goes to one of the addresses that were looked at. `shared/fetch/transport.py` asks the guard where
connections are made, so that neither a redirect nor two readings of one URL can get by.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self
from urllib.parse import SplitResult, urlsplit, urlunsplit

from shared.errors import ConfigurationError
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.networks import parse_address, why_not_global
from shared.urls import DEFAULT_PORTS, canonical_host, split_url

SETTING: Final = "WIREROOM_FETCH_ALLOW_HOSTS"
PORTS: Final = frozenset(DEFAULT_PORTS.values())
_MAX_ALLOWED: Final = 1_000
# What inet_aton takes for an address (WHATWG URL: "ends in a number"): 127.1, 0x7f000001, 0177.0.0.1.
_ENDS_IN_A_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\Z")

# Returns the addresses of a name. Raises OSError when it has none.
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]


async def system_resolver(host: str, port: int) -> Sequence[str]:
    """Return every address of `host` as the system resolves names. Raises OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Hosts that an operator opened by name although they are private or listen on other ports.

    An entry is (host, port); a port of None opens every port of that host. `setting` names them.
    """

    entries: frozenset[tuple[str, int | None]] = frozenset()
    setting: str = SETTING

    @classmethod
    def parse(cls, text: str, setting: str = SETTING) -> Self:
        """Read `host[:port],…`. Raises ConfigurationError for an entry that names no host."""
        names = [name for name in re.split(r"[,\s]+", text) if name]
        if len(names) > _MAX_ALLOWED:
            raise ConfigurationError(f"{setting}: names {len(names)} hosts; {_MAX_ALLOWED} are the most")
        return cls(frozenset(_allowed_entry(name, setting) for name in names), setting)

    def __contains__(self, host_and_port: tuple[str, int]) -> bool:
        host, port = host_and_port
        return (host, port) in self.entries or (host, None) in self.entries


def _allowed_entry(name: str, setting: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{name if name.count(':') < 2 or name.startswith('[') else f'[{name}]'}")
        if parts.path or parts.query or parts.username is not None or not parts.hostname:
            raise ValueError("write host or host:port")
        host = canonical_host(parts.hostname)
        if _is_disguised(host):
            raise ValueError("an IPv4 address is written with four decimal numbers")
        return host, parts.port
    except ValueError as error:
        raise ConfigurationError(f"{setting}: {name[:80]!r} is no host: {error}") from None


def _is_disguised(host: str) -> bool:
    """Whether programs could read the host as an IPv4 address that is not written as such."""
    return _ENDS_IN_A_NUMBER.search(host) is not None and parse_address(host) is None


class Target(NamedTuple):
    """A URL that may be asked for: absolute, without user and fragment, its host in canonical form."""

    url: str
    host: str
    port: int


class Guard:
    """Decides what may be fetched. `allowed` is exempt from the rules on ports and addresses."""

    def __init__(self, allowed: AllowedHosts | None = None, *, resolver: Resolver = system_resolver) -> None:
        self.allowed = allowed or AllowedHosts()
        self._resolver = resolver

    def target(self, url: str) -> Target:
        """Return what to ask for, without any lookup. Raises FetchRefused for what may not be fetched."""
        parts = _split(url)
        if parts.username is not None or parts.password is not None:
            raise FetchRefused("userinfo", "A URL with a user or a password in it is not fetched.")
        try:
            host = canonical_host(parts.hostname or "")
        except ValueError as error:
            raise FetchRefused("host", f"The URL cannot be fetched: {error}.") from None
        port = parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]
        self._check(host, port)
        netloc = host if port == DEFAULT_PORTS[parts.scheme] else f"{host}:{port}"
        return Target(urlunsplit((parts.scheme, netloc, parts.path or "/", parts.query, "")), host, port)

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses to connect to, as text.

        Raises FetchRefused unless every address of `host` may be connected to, FetchFailed when it has none.
        """
        self._check(host, port)
        bare = host.strip("[]")
        literal = parse_address(bare)
        found = [str(literal)] if literal is not None else await self._resolve(bare, port)
        if (host, port) not in self.allowed:
            for text in found:
                self._check_address(host, text)
        return found

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        try:
            found = await self._resolver(host, port)
        except (OSError, UnicodeError) as error:
            transient = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            raise FetchFailed("dns", f"The name {host} was not found.", transient=transient) from error
        if not found:
            raise FetchFailed("dns", f"The name {host} has no address.", transient=False)
        return found

    def _check(self, host: str, port: int) -> None:
        """Raises FetchRefused for what can be told from a canonical host and a port alone."""
        if "%" in host:
            raise FetchRefused("host", "An address with a zone is not fetched.")
        if _is_disguised(host):
            detail = "The host is a number in disguise; an IPv4 address is written with four decimal numbers."
            raise FetchRefused("host", detail)
        if (host, port) in self.allowed:
            return
        if host == "localhost" or host.endswith(".localhost"):
            raise FetchRefused("address", f"{host} is this machine, which {self._rule(host, port)}")
        literal = parse_address(host.strip("[]"))
        if literal is not None and (what := why_not_global(literal)) is not None:
            raise FetchRefused("address", f"{host} is {what}, which {self._rule(host, port)}")
        if port not in PORTS:
            opening = f"{self.allowed.setting}={host}:{port} opens it."
            raise FetchRefused("port", f"Port {port} is not fetched from, only 80 and 443. {opening}")

    def _check_address(self, host: str, text: str) -> None:
        address = parse_address(text)
        what = "no address that we know" if address is None else why_not_global(address)
        if what is not None:
            # Which address it is stays out: it would tell outsiders how our network is laid out.
            raise FetchRefused("address", f"{host} leads to {what}, which {self._rule(host, None)}")

    def _rule(self, host: str, port: int | None) -> str:
        where = host if port is None else f"{host}:{port}"
        return f"is not fetched from: only public addresses are. {self.allowed.setting}={where} opens it."


def _split(url: str) -> SplitResult:
    try:
        return split_url(url)
    except ValueError as error:
        text = str(error)
    scheme, colon, _ = url.partition(":")
    if colon and scheme.lower() not in DEFAULT_PORTS and scheme.isascii() and scheme.isalnum():
        raise FetchRefused("scheme", f"Only http and https are fetched, not {scheme.lower()[:20]}.")
    raise FetchRefused("url", f"This cannot be fetched: {text}.")
