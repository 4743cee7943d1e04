"""`wireroom tail`: articles as they become searchable, one a line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import filters, options
from services.cli.client import ServiceClient, index_client
from services.cli.event_stream import ServerEvent
from services.cli.filters import Filters
from services.cli.instants import instant_of
from services.cli.live_wire import LiveWire, resume_id
from services.cli.output import stderr, stdout
from services.cli.wire_lines import article_line, retraction_line

if TYPE_CHECKING:
    from rich.text import Text

MAX_LAST = 100
REMEMBERED = 10_000


def register(app: typer.Typer) -> None:
    app.command("tail")(tail)


def tail(
    query: filters.QueryText = "",
    source: filters.Source = None,
    entity: filters.Entity = None,
    topic: filters.Topic = None,
    language: filters.Language = None,
    sentiment: filters.Tone = None,
    story: filters.Story = None,
    published_from: filters.PublishedFrom = None,
    published_to: filters.PublishedTo = None,
    last: Annotated[
        int, typer.Option("--last", "-n", min=0, max=MAX_LAST, help="Show so many of the newest first.")
    ] = 0,
    since: Annotated[
        str | None,
        typer.Option(metavar="WHEN", help="Begin with what became searchable since: 10m, 2h, 2026-11-25."),
    ] = None,
    count: Annotated[int | None, typer.Option(min=1, help="End after so many articles.")] = None,
    strict: filters.Strict = False,
    data_dir: options.DataDir = None,
    index_url: options.IndexUrl = None,
    api_key_file: options.ApiKeyFile = None,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Follow articles as they become searchable, through restarts of the service; Ctrl-C ends it."""
    if since and last:
        raise typer.BadParameter("--since and --last do not go together.")
    given = Filters(
        query, source, entity, topic, language, sentiment, story, published_from, published_to
    ).params()
    params = given | {"lenient": not strict}
    start = resume_id(instant_of(since, datetime.now(UTC))) if since else ""
    printer = Printer(json_output=json_output, limit=count)
    with index_client(data_dir, index_url, api_key_file) as client:
        wire = LiveWire(client, params, last_id=start, tell=_tell)

        def opened() -> None:
            # After the wire stands: what arrives between the two is in one of them, or in both.
            if last:
                for hit in _newest(client, params, last):
                    printer.article(hit)

        try:
            for event in wire.events(opened):
                printer.event(event)
        except (KeyboardInterrupt, _Enough):
            return


def _newest(client: ServiceClient, params: dict[str, Any], size: int) -> list[dict[str, Any]]:
    asked = params | {"sort": "newest", "size": size, "count": "none", "collapse": False}
    hits: list[dict[str, Any]] = client.json("GET", "/v1/search", params=asked).get("hits") or []
    return hits[::-1]


def _tell(words: str) -> None:
    stderr().print(words, style="dim")


class _Enough(Exception):
    """So many articles as were wanted have been printed."""


class Printer:
    """Prints each revision of an article once, and says when one that was printed is taken down."""

    def __init__(self, *, json_output: bool, limit: int | None) -> None:
        self._json = json_output
        self._left = limit
        # By article id; what has scrolled by long ago is forgotten.
        self._printed: dict[str, tuple[Any, str]] = {}

    def event(self, event: ServerEvent) -> None:
        try:
            document = json.loads(event.data)
        except (ValueError, RecursionError):
            return
        if not isinstance(document, dict):
            return
        if event.name == "retracted":
            self._retracted(document)
        elif event.name == "article":
            self.article(document)

    def article(self, card: dict[str, Any]) -> None:
        """Raises _Enough after the last article that is wanted."""
        article_id, revision = str(card.get("id")), card.get("revision", 1)
        before = self._printed.pop(article_id, None)
        self._printed[article_id] = (revision, str(card.get("title") or ""))
        if len(self._printed) > REMEMBERED:
            del self._printed[next(iter(self._printed))]
        if before is not None and before[0] == revision:
            return
        if self._json:
            sys.stdout.write(json.dumps(card, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            show_line(article_line(card, stdout().width if stdout().is_terminal else None))
        if self._left is not None:
            self._left -= 1
            if not self._left:
                raise _Enough

    def _retracted(self, document: dict[str, Any]) -> None:
        article_id = str(document.get("id"))
        before = self._printed.pop(article_id, None)
        if self._json:
            sys.stdout.write(json.dumps({"event": "retracted", **document}, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        elif before is not None:
            show_line(retraction_line(before[1] or article_id))


def show_line(line: Text) -> None:
    # Never wrapped: a line is an article.
    stdout().print(line, soft_wrap=True)
