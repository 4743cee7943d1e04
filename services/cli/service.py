"""Run one service in this process, as Compose and the supervisor do."""

from __future__ import annotations

import importlib
import sys

from shared.errors import ConfigurationError

SERVICES = ("ingest", "enrich", "index")


def run_service(name: str) -> int:
    """Run a service until it is told to stop; return its exit code.

    Only that service is imported: each image holds the libraries of its own service alone.
    """
    try:
        module = importlib.import_module(f"services.{name}.app")
        module.main()
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        if missing.startswith(("services.", "shared.")):
            raise  # ours, so no installing would bring it
        message = f"{name} cannot start: {missing} is not installed; pip install 'wireroom[{name}]'"
        print(message, file=sys.stderr)
        return 1
    except ConfigurationError as error:
        print(f"{name} cannot start: {error}", file=sys.stderr)
        return 2
    return 0
