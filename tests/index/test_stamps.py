"""Stamps tell the rank of an archived line without reading the article."""

from __future__ import annotations

import pytest

from services.index.archive import archive_line
from services.index.engine.protocol import IndexableEvent
from services.index.engine.revisions import rank_of
from services.index.stamps import Stamp
from tests.index.articles import NOW, enriched, minutes, retracted


@pytest.mark.parametrize(
    "event",
    [
        enriched("a"),
        enriched("a", revision=7, epoch=2),
        enriched("a", updated_at=NOW - minutes(5), enriched_at=NOW),
        enriched("a", updated_at=NOW.replace(year=1931)),
        retracted("a", revision=3),
        retracted("a", revision=3, epoch=1, withheld=True),
    ],
    ids=["plain", "revision", "times", "before 1970", "takedown", "withheld"],
)
def test_the_rank_is_that_of_the_event(event: IndexableEvent) -> None:
    stamp = Stamp.model_validate_json(archive_line(event, NOW))
    assert (stamp.article_id, stamp.rank) == (event.article_id, rank_of(event))
    assert stamp.retracted == (event.type == "ArticleRetracted")


def test_a_number_beyond_the_columns_is_an_error() -> None:
    with pytest.raises(OverflowError):
        _ = Stamp.model_validate_json(archive_line(enriched("a", revision=2**63), NOW)).rank
