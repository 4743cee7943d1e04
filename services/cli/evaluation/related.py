"""Related articles and stories: links and clusters found as the articles arrive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from services.cli.evaluation import placing
from services.cli.evaluation.placing import Placed
from services.cli.evaluation.records import Row, key_field, optional_text, title_and_body
from services.cli.evaluation.report import Report, Speed
from services.enrich.scoring import bcubed, mean, recall_at

FORMAT: Final = '{"id": "a1", "title": "…", "body": "…", "cluster": "flood" or null, "published_at": "…"}'
LINKS: Final = 5
_ALONE: Final = frozenset({"", "-"})


@dataclass(frozen=True, slots=True)
class Clustered:
    """`cluster` is None for an article that belongs with no other."""

    article: placing.Report
    cluster: str | None


def parse(row: Row) -> Clustered:
    title, body = title_and_body(row)
    cluster = None if row.get("cluster") in (None, *_ALONE) else key_field(row, "cluster")
    return Clustered(placing.Report(title, body, _instant(optional_text(row, "published_at"))), cluster)


def _instant(value: str) -> datetime | None:
    """Return an ISO 8601 instant, in UTC when it names no zone; "" is None."""
    if not value:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"published_at" is not an ISO 8601 instant: {value[:40]!r}') from error


def evaluate(records: Iterable[Clustered], models_dir: Path | None) -> Report:
    clusters: list[str | None] = []
    speed = Speed()

    def articles() -> Iterator[placing.Report]:
        for record in records:
            clusters.append(record.cluster)
            yield record.article

    placed = placing.place(articles(), models_dir, speed)
    measures, with_earlier = score(clusters, placed)
    return Report(
        measures=measures,
        counts={
            "articles": len(placed),
            "clusters": len(set(clusters) - {None}),
            "with_earlier_reports": with_earlier,
            "links": sum(len(_links(one)) for one in placed),
            "stories": len({one.story_id for one in placed}),
        },
        speed=speed,
    )


def _links(placed: Placed) -> tuple[int, ...]:
    return (*placed.duplicates, *placed.similar)[:LINKS]


def score(clusters: Sequence[str | None], placed: Sequence[Placed]) -> tuple[dict[str, float], int]:
    """Return the measures, and over how many articles the links were judged: those with an earlier report."""
    earlier: dict[str, set[int]] = defaultdict(set)
    recalls: list[float] = []
    hits: list[float] = []
    for number, (cluster, found) in enumerate(zip(clusters, placed, strict=True)):
        if cluster is None:
            continue
        links = _links(found)
        if expected := earlier[cluster]:
            recalls.append(recall_at(links, expected, LINKS))
            hits.append(not expected.isdisjoint(links))
        expected.add(number)
    # An article alone is a cluster of its own: its number cannot be any cluster's name.
    named: list[str | int] = [number if name is None else name for number, name in enumerate(clusters)]
    stories = bcubed([(name, one.story_id) for name, one in zip(named, placed, strict=True)])
    return {
        "recall_at_5": mean(recalls),
        "hit_at_5": mean(hits),
        "b3_f1": stories.f1,
        "b3_precision": stories.precision,
        "b3_recall": stories.recall,
    }, len(recalls)
