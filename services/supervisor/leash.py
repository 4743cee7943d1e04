"""Replace this process by a command that dies with its supervisor: `leash.py SIGNAL PARENT_PID COMMAND…`.

A supervisor killed by `kill -9` cannot stop anything, so each child asks the kernel for a signal when its
parent is gone. The request survives exec. It is made here, in the child after its own exec, because code
between fork and exec in a process with threads may deadlock.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    signal_number, parent_pid, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the request was made
        sys.exit(1)
    try:
        os.execv(command[0], command)  # noqa: S606  # replacing this process is what a leash is for
    except OSError as error:
        sys.exit(f"cannot run {command[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
