"""Who may see and do what operators do: dead letters hold what was submitted."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import Headers

from services.index.access import may_read
from shared.http.auth import ApiKeys
from shared.http.own_site import require_own_site
from shared.http.problems import Problem


@dataclass(frozen=True, slots=True)
class OperatorAccess:
    """`keys` open the operator's page. Without any it is open on this machine, or to nobody."""

    keys: ApiKeys | None
    on_loopback: bool

    async def check(self, request: Request) -> None:
        """Raise a 401 or 403 Problem unless this request may see the operator's page."""
        if self.keys is not None:
            may_read(self.keys, request.headers)
        elif self.on_loopback:
            # Its own names only: a stranger's page may have had its name lead here (DNS rebinding).
            require_own_site(Headers({"host": request.headers.get("host", "")}), loopback_only=True)
        else:
            raise Problem(
                403,
                "operators-only",
                "This page is for operators. Others may reach this service, so give operators keys: set "
                "WIREROOM_OPERATOR_KEYS_FILE.",
            )
