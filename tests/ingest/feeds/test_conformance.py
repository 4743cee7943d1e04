"""The public test feeds, where whoever runs the tests has brought them along."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from services.ingest.feeds.formats.model import MalformedFeed
from services.ingest.feeds.formats.parse import parse_feed
from tests.conftest import SHARED_DATA
from tests.ingest.feeds.conformance import agrees, cases, comparisons

MOST_SECONDS = 2.0
LEAST_SHARE = 0.99


@pytest.fixture(scope="module")
def directory() -> Path:
    given = os.environ.get("WIREROOM_CONFORMANCE_DIR")
    directory = Path(given) if given else SHARED_DATA / "conformance"
    if not any(directory.rglob("*.xml")):
        pytest.skip(f"no test feeds in {directory}: name their directory in WIREROOM_CONFORMANCE_DIR")
    return directory


def test_no_test_feed_crashes_the_reader_or_holds_it_up(directory: Path) -> None:
    for case in cases(directory):
        started = time.process_time()
        try:
            parse_feed(case.body, content_type=case.content_type, url=case.url)
        except MalformedFeed as error:
            assert str(error), case.path
        assert time.process_time() - started < MOST_SECONDS, case.path


def test_titles_links_and_dates_of_the_well_formed_feeds_are_right(directory: Path) -> None:
    wrong, looked_at = [], 0
    for case in cases(directory):
        expected = comparisons(case.expression or "")
        if not expected or "illformed" in case.path.parts:
            continue
        looked_at += 1
        try:
            feed = parse_feed(case.body, content_type=case.content_type, url=case.url)
        except MalformedFeed as error:
            wrong.append(f"{case.path}: {error}")
            continue
        wrong.extend(f"{case.path}: {each}" for each in expected if not agrees(feed, each))
    if not looked_at:
        pytest.skip(f"no feed in {directory} says what to expect of it")
    share = 1 - len({line.partition(":")[0] for line in wrong}) / looked_at
    assert share >= LEAST_SHARE, f"{share:.2%} of {looked_at} feeds\n" + "\n".join(wrong)
