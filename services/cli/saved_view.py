"""Saved searches, their matches and their deliveries on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.cli.hit_view import byline, title_text
from services.cli.output import harmless, plural, short_date, show, stdout

if TYPE_CHECKING:
    from rich.text import Text

FILTERS = ("source", "language", "entity", "topic", "sentiment", "story")
STATUS_STYLES = {"active": "green", "paused": "dim", "disabled": "bold red"}
OUTCOMES = {
    "gone": "the receiver is gone:", "rejected": "rejected:", "timeout": "no answer in time",
    "connect": "no connection", "dns": "no such host", "tls": "no TLS connection",
    "protocol": "no HTTP answer", "refused": "an address that is not allowed",
}  # fmt: skip


def show_searches(searches: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    if not searches:
        stdout().print("No saved searches.")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("id", "name", "matches", "webhook", "looks for"):
        table.add_column(title, justify="right" if title == "matches" else "left")
    for search in searches:
        table.add_row(
            Text(str(search.get("id")), "dim"),
            Text(harmless(str(search.get("name"))), "bold"),
            f"{search.get('matches') or 0:,}",
            _delivery(search),
            Text(_meaning(search)),
        )
    show(table)


def show_search(search: dict[str, Any]) -> None:
    """Print one search as a grid of facts."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("Name", Text(harmless(str(search.get("name"))), "bold"))
    grid.add_row("Id", Text(str(search.get("id"))))
    grid.add_row("Looks for", Text(_meaning(search)))
    if search.get("webhook_url"):
        grid.add_row("Webhook", Text(harmless(str(search["webhook_url"]))))
    grid.add_row("Status", _status(search))
    if search.get("old_secret_until"):
        grid.add_row("Old secret", f"signs beside the new one until {short_date(search['old_secret_until'])}")
    if isinstance(search.get("matches"), int):
        last = search.get("last_matched_at")
        grid.add_row("Matches", f"{search['matches']:,}" + (f", last {short_date(last)}" if last else ""))
    if search.get("pending"):
        due = search.get("next_attempt_at")
        grid.add_row(
            "To be sent", f"{search['pending']:,}" + (f", next try {short_date(due)}" if due else "")
        )
    show(grid)


def show_matches(matches: list[dict[str, Any]]) -> None:
    from rich.text import Text

    if matches:
        stdout().print()
    for match in matches:
        article = match.get("article")
        card = article if isinstance(article, dict) else {}
        state = str(match.get("state") or "")
        if "title" in card:
            line = title_text(card, "").append(" · ", "dim").append_text(byline(card))
        else:
            line = Text(str(card.get("id") or ""), "dim")
        if state not in ("", "matched"):
            line.append(f" ({'no longer matches' if state == 'lapsed' else state})", "yellow")
        show(line)


def show_deliveries(deliveries: list[dict[str, Any]]) -> None:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for delivery in deliveries:
        outcome = str(delivery.get("outcome"))
        good = outcome == "delivered"
        status = f" {delivery['status']}" if delivery.get("status") else ""
        mark = Text.assemble(
            ("✓ " if good else "✗ ", "green" if good else "red"),
            f"{OUTCOMES.get(outcome, harmless(outcome))}{status}",
        )
        attempt = delivery.get("attempt")
        grid.add_row(
            mark,
            Text(f"{delivery.get('duration_ms', 0)} ms", "dim"),
            Text(short_date(delivery["at"]) if delivery.get("at") else "", "dim"),
            Text(str(delivery.get("type") or "test")),
            Text(f"try {attempt}" if isinstance(attempt, int) and attempt > 1 else ""),
            Text(str(delivery.get("webhook_id") or ""), "dim"),
        )
    show(grid)


def _delivery(search: dict[str, Any]) -> Text:
    from rich.text import Text

    status = str(search.get("status"))
    if status != "active":
        return _status(search, short=True)
    if not search.get("webhook_url"):
        return Text("none", "dim")
    pending = search.get("pending") or 0
    return Text(f"{pending:,} waiting", "yellow") if pending else Text("✓ nothing waits", "green")


def _status(search: dict[str, Any], *, short: bool = False) -> Text:
    from rich.text import Text

    status = str(search.get("status"))
    text = Text(harmless(status), STATUS_STYLES.get(status, ""))
    if search.get("status_reason") and not short:
        text.append(f": {harmless(str(search['status_reason']))}", "not bold")
    if search.get("failures") and status == "active" and not short:
        text.append(f", but {plural(int(search['failures']), 'delivery', 'deliveries')} failed", "yellow")
    return text


def _meaning(search: dict[str, Any]) -> str:
    """Return the query and the filters, as they are typed."""
    parts = [harmless(str(search.get("q") or ""))]
    for name in FILTERS:
        values = search.get(name)
        parts += [f"{name}: {harmless(str(value))}" for value in values or [] if isinstance(values, list)]
    return " · ".join(part for part in parts if part) or "everything"
