"""Why a run cannot go on."""

from __future__ import annotations


class BenchFailed(Exception):
    """A measurement cannot go on; the message says why."""


class ProcessGone(BenchFailed):
    """A measured process has exited, so its figures mean nothing."""


class ConnectionLost(BenchFailed):
    """The other side closed the connection before it had answered."""
