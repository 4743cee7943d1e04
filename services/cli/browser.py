"""Opening pages of the index service in the user's browser."""

from __future__ import annotations

import webbrowser
from typing import Any
from urllib.parse import quote

from services.cli.output import Failure, plural, stderr, stdout


def open_page(url: str) -> None:
    """Open the address; where there is no browser, print it, for another one."""
    try:
        opened = webbrowser.open(url)
    except webbrowser.Error:
        opened = False
    if opened:
        stderr().print(f"Opened {url}", style="dim", markup=False, soft_wrap=True)
    else:
        stdout().print(url, markup=False, soft_wrap=True)


def article_page(index_url: str, article_id: Any) -> str:
    return f"{index_url}/articles/{quote(str(article_id), safe='')}"


def nth(rows: list[dict[str, Any]], number: int, what: str) -> dict[str, Any]:
    """Return row `number`, counted from 1 as they are shown. Raises Failure when there are fewer."""
    if not 1 <= number <= len(rows):
        raise Failure(f"there is no {what} {number} to open: {plural(len(rows), what)} came.")
    return rows[number - 1]
