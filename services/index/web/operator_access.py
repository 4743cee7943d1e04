"""Who may see and do what operators do: dead letters hold what was submitted."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from services.index.access import may_read
from services.index.web.forms import check_own_name
from shared.http.auth import ApiKeys
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
            check_own_name(request)
        else:
            raise Problem(
                403,
                "operators-only",
                "This page is for operators. Others may reach this service, so give operators keys: set "
                "WIREROOM_OPERATOR_KEYS_FILE.",
            )
