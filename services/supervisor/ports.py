"""TCP ports on loopback: free ones, and ones that something else already holds."""

from __future__ import annotations

import socket

from shared.errors import ConfigurationError


def free_port() -> int:
    """Return a port that nothing listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As uvicorn binds: a port whose last connection still lingers counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def claim_port(port: int, flag: str) -> int:
    """Return `port`, or a free one for 0. Raises ConfigurationError, naming `flag`, if it is taken."""
    if port == 0:
        return free_port()
    if not is_free(port):
        raise ConfigurationError(
            f"port {port} is already in use.\n"
            f"Stop what listens there (`ss -ltnp 'sport = :{port}'` shows it), or choose another with {flag}."
        )
    return port
