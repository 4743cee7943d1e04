"""Timelines of what matches, over every engine: nothing is lost between the buckets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.index.engine.protocol import Filters, SearchEngine
from services.index.intervals import TooManyBuckets, end_of
from services.index.query.nodes import MATCH_ALL, Term
from services.index.timeline import IntervalChoice, Timeline, timeline_of
from tests.index.articles import NOW, enriched, retracted

DAY = timedelta(days=1)


def published(engine: SearchEngine, *instants: datetime, **fields: object) -> None:
    received_at = max(NOW, *instants)
    engine.upsert_many(
        [
            enriched(
                f"{at}{number}{fields.get('source')}", published_at=at, received_at=received_at, **fields
            )  # type: ignore[arg-type]
            for number, at in enumerate(instants)
        ],
        NOW,
    )
    engine.commit()


def of_all(engine: SearchEngine, interval: IntervalChoice = "auto", **filters: object) -> Timeline:
    return timeline_of(engine.aggregations, MATCH_ALL, Filters(**filters), interval)  # type: ignore[arg-type]


def test_empty_intervals_between_are_filled(engine: SearchEngine) -> None:
    published(engine, NOW - 3 * DAY, NOW, sentiment=0.5)
    found = of_all(engine, "day")
    assert [bucket.count for bucket in found.buckets] == [1, 0, 0, 1]
    assert [bucket.sentiment for bucket in found.buckets] == [0.5, None, None, 0.5]
    assert (found.interval, found.total, found.earlier) == ("day", 2, 0)


def test_the_mean_tone_is_of_articles_whose_tone_was_read(engine: SearchEngine) -> None:
    events = [
        enriched("a", published_at=NOW, sentiment=-0.6),
        enriched("b", published_at=NOW, sentiment=0.2),
        enriched("c", published_at=NOW, unsupported=("sentiment",)),
        enriched("d", published_at=NOW - DAY, unsupported=("sentiment",)),
    ]
    engine.upsert_many(events, NOW)
    engine.commit()
    before, today = of_all(engine, "day").buckets
    assert (before.count, before.sentiment) == (1, None)
    assert today.count == 3 and today.sentiment == pytest.approx(-0.2)


def test_a_timeline_counts_what_matches_and_is_not_taken_down(engine: SearchEngine) -> None:
    events = [enriched(key, title=f"Storm {key}", published_at=NOW) for key in "abc"]
    engine.upsert_many([*events, enriched("d", published_at=NOW), retracted("a", revision=2)], NOW)
    engine.commit()
    assert timeline_of(engine.aggregations, Term("storm"), Filters(), "auto").total == 2


def test_given_bounds_are_shown_whole(engine: SearchEngine) -> None:
    published(engine, NOW)
    found = of_all(engine, "day", from_at=NOW - 9 * DAY, to_at=NOW + 5 * DAY)
    assert [bucket.count for bucket in found.buckets] == [0] * 9 + [1] + [0] * 5
    nothing = of_all(engine, "day", from_at=NOW - 20 * DAY, to_at=NOW - 18 * DAY)
    assert [bucket.count for bucket in nothing.buckets] == [0, 0, 0] and nothing.total == 0
    assert of_all(engine, "day", from_at=NOW, to_at=NOW - DAY).buckets == ()


def test_nothing_found_has_no_buckets(engine: SearchEngine) -> None:
    assert of_all(engine) == Timeline("day", (), 0, 0)
    assert of_all(engine, "month").interval == "month"


def test_a_few_strays_of_long_ago_are_counted_but_do_not_stretch_the_chart(engine: SearchEngine) -> None:
    lately = [NOW - timedelta(hours=hour) for hour in range(240)]
    published(engine, datetime(1970, 1, 1, tzinfo=UTC), datetime(1678, 1, 1, tzinfo=UTC), *lately)
    found = of_all(engine)
    assert found.interval in ("hour", "day") and len(found.buckets) < 1_000
    assert (found.earlier, found.total) == (2, 242)
    assert of_all(engine, "year").earlier == 0


def test_few_articles_are_all_shown_however_far_apart(engine: SearchEngine) -> None:
    published(engine, datetime(1970, 1, 1, tzinfo=UTC), NOW)
    found = of_all(engine)
    assert (found.interval, found.earlier) == ("year", 0)
    assert sum(bucket.count for bucket in found.buckets) == 2


def test_wild_spans_are_refused_before_anything_is_counted(engine: SearchEngine) -> None:
    published(engine, datetime(1678, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC))
    with pytest.raises(TooManyBuckets):
        of_all(engine, "hour")
    whole = of_all(engine, "year")
    assert len(whole.buckets) == 585
    assert [bucket.count for bucket in (whole.buckets[0], whole.buckets[-1])] == [1, 1]


def test_an_article_on_an_edge_is_in_the_interval_that_begins_there(engine: SearchEngine) -> None:
    midnight = datetime(2026, 11, 18, tzinfo=UTC)
    published(engine, midnight - timedelta(microseconds=1), midnight)
    assert [bucket.count for bucket in of_all(engine, "day").buckets] == [1, 1]
    assert [bucket.start for bucket in of_all(engine, "day").buckets] == [midnight - DAY, midnight]


def between(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    return st.timedeltas(timedelta(0), last - first).map(lambda age: last - age)


dates = between(datetime(1600, 1, 1, tzinfo=UTC), datetime(2300, 1, 1, tzinfo=UTC)) | between(
    NOW - 20 * DAY, NOW
)
markers = count()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(instants=st.lists(dates, min_size=1, max_size=8), choice=st.sampled_from(get_args(IntervalChoice)))
def test_buckets_are_contiguous_and_their_counts_sum_to_the_total(
    engine: SearchEngine, instants: list[datetime], choice: IntervalChoice
) -> None:
    marker = f"source {next(markers)}"
    published(engine, *instants, source=marker)
    try:
        found = of_all(engine, choice, source=(marker,))
    except TooManyBuckets:
        assert choice != "auto"
        return
    assert found.earlier + sum(bucket.count for bucket in found.buckets) == found.total == len(instants)
    for bucket, following in pairwise(found.buckets):
        assert end_of(found.interval, bucket.start) == following.start
