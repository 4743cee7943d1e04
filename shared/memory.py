"""How much memory this process takes, in units of 10**6 bytes."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

_STATM = Path("/proc/self/statm")


def peak_memory_mb() -> int:
    """Return the most memory that this process has held resident so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6)  # Linux counts in KiB


def resident_memory_mb() -> int:
    """Return what this process holds resident now; its peak where there is no /proc."""
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:
        return peak_memory_mb()
    return round(pages * resource.getpagesize() / 1e6)
