"""The `wireroom` command. Containers run `ingest`, `enrich`, `index` and `probe`; people run the rest."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. Services and the probe start without the libraries of people's commands."""
    arguments = sys.argv[1:]
    if len(arguments) >= 1 and "--help" not in arguments:
        from services.cli.service import SERVICES, run_service

        if arguments[0] in SERVICES and len(arguments) == 1:
            sys.exit(run_service(arguments[0]))
        if arguments[0] == "probe" and len(arguments) == 2:
            from services.cli.probe import probe

            sys.exit(probe(arguments[1]))
    try:
        from services.cli.app import run
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        sys.exit(f"wireroom: {missing} is not installed here. Install it with: pip install 'wireroom[cli]'")
    sys.exit(run(arguments))
