"""Whether a loss that Redis suffered was told: in the log, in a metric, and on readiness."""

from __future__ import annotations

from bench.chaos.metrics_reading import service_metrics
from bench.chaos.rolling import log_lines
from bench.chaos.world import Result, World


def told(world: World, words: str) -> list[dict[str, str]]:
    """Return the lines of the log whose message holds `words`."""
    return [line for line in log_lines(world) if words in str(line.get("event", ""))]


async def loss_is_told(world: World, result: Result, words: str, *, least: int = 1) -> None:
    """Expect that the index service said at ERROR what was lost, and counted it."""
    errors = [line for line in told(world, words) if line.get("level") == "error"]
    result.expect(len(errors) >= least, f"{len(errors)} lines of the log say {words!r}, not {least}")
    result.expect(
        all("entries_lost_at_most" in line for line in errors), "one does not say how many entries are lost"
    )
    index, ingest = await service_metrics(world, "index"), await service_metrics(world, "ingest")
    losses = index.get("wireroom_state_losses_total", 0)
    result.expect(losses >= least, f"{losses:g} losses are counted, not {least}")
    result.add("lost_at_most", index.get("wireroom_state_lost_entries_total", 0))
    result.add("published_again", ingest.get("wireroom_articles_republished_total", 0))
