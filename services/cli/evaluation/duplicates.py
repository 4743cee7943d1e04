"""Near duplicates: links to earlier copies found as the articles arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation import placing
from services.cli.evaluation.records import Row, key_field, title_and_body
from services.cli.evaluation.report import Report, Speed
from services.enrich.scoring import Score

FORMAT: Final = '{"id": "b2", "text": "…", "duplicate_of": "a1" or null}'


@dataclass(frozen=True, slots=True)
class Copy:
    id: str
    article: placing.Report
    duplicate_of: str | None


def parse(row: Row) -> Copy:
    title, body = title_and_body(row)
    original = None if row.get("duplicate_of") in (None, "") else key_field(row, "duplicate_of")
    return Copy(key_field(row, "id"), placing.Report(title, body), original)


def evaluate(records: Iterable[Copy], models_dir: Path | None) -> Report:
    ids: list[str] = []
    originals: list[str | None] = []
    speed = Speed()

    def articles() -> Iterator[placing.Report]:
        for record in records:
            ids.append(record.id)
            originals.append(record.duplicate_of)
            yield record.article

    placed = placing.place(articles(), models_dir, speed)
    groups = groups_of(ids, originals)
    links = [one.duplicates for one in placed]
    found, right = score(groups, links)
    f1 = 2 * found.recall * right.precision / (found.recall + right.precision or 1.0)
    return Report(
        measures={"recall": found.recall, "precision": right.precision, "f1": f1},
        counts={
            "articles": len(placed),
            "duplicates": found.expected,
            "duplicates_found": found.true_positives,
            "links": right.predicted,
            "links_right": right.true_positives,
            "originals_unknown": len({one for one in originals if one is not None} - set(ids)),
        },
        speed=speed,
    )


def groups_of(ids: Sequence[str], originals: Sequence[str | None]) -> list[str]:
    """Return a name for the group of copies that each article belongs to, by `duplicate_of` in any order."""
    parents: dict[str, str] = {}

    def root(name: str) -> str:
        while (parent := parents.get(name, name)) != name:
            parents[name] = parents.get(parent, parent)  # halve the path, so that long chains stay cheap
            name = parents[name]
        return name

    for name, original in zip(ids, originals, strict=True):
        if original is not None:
            parents[root(name)] = root(original)
    return [root(name) for name in ids]


def score(groups: Sequence[str], links: Sequence[Sequence[int]]) -> tuple[Score, Score]:
    """Return two scores: of articles that have an earlier copy, and of links.

    An article is found when any of its links leads to a copy of it; a link is right when it does.
    """
    seen: set[str] = set()
    expected = found = right = 0
    for group, linked in zip(groups, links, strict=True):
        good = sum(groups[other] == group for other in linked)
        right += good
        if group in seen:
            expected += 1
            found += good > 0
        seen.add(group)
    total = sum(map(len, links))
    return Score(found, found, expected), Score(right, total, right)
