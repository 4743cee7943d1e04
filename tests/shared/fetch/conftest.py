"""A web server of the test's own for whatever is fetched."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.shared.fetch.support import WebServer, web_server


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with web_server() as server:
        yield server
