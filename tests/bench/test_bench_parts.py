"""The parts of the benchmark that decide what its figures mean; nothing is started here but a tiny server."""

from __future__ import annotations

import asyncio
import json
import math
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bench import articles, machine, report, rows
from bench.client import Address, Pool, connections, request_bytes, send_all, split_answer
from bench.failures import BenchFailed, ConnectionLost, ProcessGone
from bench.measures import Latency, Submits, Throughput, batches, percentile
from bench.report import Row
from bench.run import BASELINE, LATENCY_RATE, OURS, Wire, latency_rate
from services.enrich.corpus.signature import shingles, words_of
from services.ingest.identity import article_id
from services.ingest.schema import read_article

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


# --- articles -------------------------------------------------------------------------------------


def test_a_series_is_the_same_each_time_and_shares_no_article_with_another() -> None:
    first = list(articles.make_articles(50, series="a", newest_at=NOW))
    assert first == list(articles.make_articles(50, series="a", newest_at=NOW))
    others = list(articles.make_articles(50, series="b", newest_at=NOW))
    assert not {article["body"] for article in first} & {article["body"] for article in others}
    assert not {article["id"] for article in first} & {article["id"] for article in others}


def test_articles_are_as_long_as_news() -> None:
    lengths = [len(a["body"].split()) for a in articles.make_articles(300, series="a", newest_at=NOW)]
    assert 215 < sum(lengths) / len(lengths) < 255
    assert max(lengths) < 400


def test_no_two_articles_are_near_duplicates() -> None:
    sets = [shingles(words_of(a["body"])) for a in articles.make_articles(250, series="a", newest_at=NOW)]
    closest = max(
        len(one & other) / len(one | other) for number, one in enumerate(sets) for other in sets[:number]
    )
    assert closest < 0.5


def test_articles_are_accepted_by_ingest_each_under_its_own_id() -> None:
    made = [articles.encode(article) for article in articles.make_articles(100, series="a", newest_at=NOW)]
    submitted = [read_article(json.loads(line), NOW).article for line in made]
    assert len({article_id(one) for one in submitted}) == 100
    assert all(NOW - timedelta(days=1) <= (one.published_at or NOW) <= NOW for one in submitted)


def test_the_furniture_of_pages_is_left_out() -> None:
    text = " ".join(articles.read_material().runs)
    for furniture in ("Image Credit:", "Post a Comment", "0 Comments", "Related Articles:"):
        assert furniture not in text


def test_lines_of_a_file_are_taken_once_each(tmp_path: Path) -> None:
    file = tmp_path / "own.ndjson"
    file.write_bytes(b"".join(b'{"n":%d}\n\n' % number for number in range(5)))
    wire = Wire(NOW, file)
    assert wire.lines("any", 2) == [b'{"n":0}', b'{"n":1}']
    assert wire.lines("any", 9, skip=3) == [b'{"n":3}', b'{"n":4}']


# --- figures --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(1, 0.5, 1), (4, 0.5, 2), (100, 0.95, 95), (100, 0.99, 99), (10, 0.95, 10), (1000, 0.999, 999)],
)
def test_a_percentile_is_the_least_value_that_covers_its_share(
    count: int, share: float, expected: int
) -> None:
    assert percentile([float(n) for n in range(count, 0, -1)], share) == expected


def test_the_percentile_of_nothing_is_never() -> None:
    assert percentile([], 0.95) == math.inf


def test_articles_that_never_came_are_the_slowest() -> None:
    found = Latency(50, 100, searchable_s=[0.1] * 94)
    assert rows.tail_ms(found, 0.5) == pytest.approx(100)
    assert rows.tail_ms(found, 0.95) == math.inf
    shown = rows.latency_rows(found, Latency(50, 1, searchable_s=[0.1]))[1]
    assert shown.met is False
    assert report.number(shown.ours) == "never"


def test_the_rate_of_a_run_that_was_cut_off_counts_what_was_searchable() -> None:
    found = Throughput(1000, 300, 10.0, 1.0, {"ingest": 0.3})
    assert found.rate == 30
    assert found.cpu_ms_per_article == {"ingest": 1.0}
    assert "Wireroom was cut off at 300" in rows.throughput_rows(found, found)[0].note


@pytest.mark.parametrize(
    ("better", "ours", "baseline", "met", "ratio"),
    [
        ("lower", 5.0, 20.0, True, 4.0),
        ("lower", 10.0, 5.0, False, 0.5),
        ("higher", 10.0, 5.0, True, 2.0),
        ("higher", 9.9, None, False, None),
        ("lower", math.inf, 5.0, False, None),
        ("lower", 5.0, math.inf, True, None),
    ],
)
def test_a_row_tells_whether_its_target_is_met_and_how_many_times_better_it_is(
    better: str, ours: float, baseline: float | None, met: bool, ratio: float | None
) -> None:
    row = Row("x", "ms", better, ours, baseline, 10.0)  # type: ignore[arg-type]
    assert row.met is met
    assert row.times_better == (ratio and pytest.approx(ratio))
    json.dumps(row.as_json(), allow_nan=False)


def test_one_missed_target_makes_the_whole_run_missed() -> None:
    good, bad = Row("a", "ms", "lower", 1, 2, 10), Row("b", "ms", "lower", 11, 2, 10)
    no_target = Row("c", "ms", "lower", 11, 2)
    assert report.document([good, no_target], {}, {}, {}, "x", 1.0)["met"] is True
    assert report.document([good, bad], {}, {}, {}, "x", 1.0)["met"] is False
    assert report.document([good], {}, {}, {"search": "why"}, "x", 1.0)["met"] is False


def test_submits_are_per_second_of_the_processor_not_of_the_clock() -> None:
    row = rows.submits_row(Submits(6000, 10.0, 2.0), Submits(6000, 3.0, 4.0))
    assert (row.ours, row.baseline, row.met) == (3000, 1500, True)


def test_the_baseline_is_given_a_rate_that_it_can_bear() -> None:
    assert latency_rate(OURS, Throughput(10, 10, 10.0, 1.0, {})) == LATENCY_RATE
    assert latency_rate(BASELINE, Throughput(200, 200, 10.0, 1.0, {})) == pytest.approx(14.0)
    assert latency_rate(BASELINE, Throughput(2000, 2000, 10.0, 1.0, {})) == LATENCY_RATE


# --- processor time -------------------------------------------------------------------------------


def test_processor_time_is_read_after_a_command_with_brackets_and_spaces() -> None:
    ticks = machine.TICKS_PER_S
    stat = f"7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 {2 * ticks} {ticks} 9 9 20 0 1 0 5 6 7"
    assert machine.cpu_seconds_from_stat(stat) == 3.0


def test_processor_time_of_this_process_agrees_with_what_it_used() -> None:
    before, clock = machine.cpu_seconds(os.getpid()), time.process_time()
    while time.process_time() - clock < 0.2:
        pass
    assert machine.cpu_seconds(os.getpid()) - before == pytest.approx(0.2, abs=0.05)


def test_workers_of_one_service_are_counted_together() -> None:
    found = machine.cpu_by_service({"enrich": os.getpid(), "enrich-2": os.getpid()})
    assert set(found) == {"enrich"}
    assert found["enrich"] >= 2 * machine.cpu_seconds(os.getpid()) - 0.1


def test_a_process_that_has_exited_stops_the_measurement() -> None:
    with pytest.raises(ProcessGone):
        machine.cpu_seconds(2**22 + 1)


def test_what_keeps_the_machine_busy_is_all_but_idling_and_waiting_for_disks() -> None:
    ticks = machine.TICKS_PER_S
    stat = f"cpu  {ticks} {ticks} {ticks} {50 * ticks} {70 * ticks} {ticks} {ticks} {ticks} 9 9\ncpu0 1 2\n"
    assert machine.busy_seconds_from_stat(stat) == 6.0


def test_other_programs_are_told_of_and_are_no_cost_of_an_article() -> None:
    noisy = Throughput(100, 100, 10.0, 1.0, {"ingest": 1.0, "others": 12.0})
    quiet = Throughput(100, 100, 10.0, 1.0, {"ingest": 1.0, "others": 0.5})
    head, *costs = rows.throughput_rows(noisy, quiet)
    assert "other programs took 1.2 cores from Wireroom" in head.note
    assert "from the baseline" not in head.note
    assert [row.name.strip() for row in costs] == ["processor, ingest"]


# --- the client -----------------------------------------------------------------------------------


def test_an_answer_is_split_off_only_when_it_is_whole() -> None:
    answer = b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\nRETRY-AFTER: 2\r\n\r\nabc"
    assert all(split_answer(answer[:end]) is None for end in range(len(answer)))
    found = split_answer(answer + b"HTTP/1.1 200")
    assert found is not None
    assert found[0] == (503, b"abc", 2.0)
    assert found[1] == len(answer)


def test_an_answer_that_does_not_tell_its_length_is_refused() -> None:
    with pytest.raises(ValueError, match="without Content-Length"):
        split_answer(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


def test_a_batch_holds_each_article_once_and_tells_its_length() -> None:
    made = list(batches([b"1", b"2", b"3", b"4", b"5"], size=2))
    heads_and_bodies = [request.split(b"\r\n\r\n", 1) for request in made]
    assert [body for _, body in heads_and_bodies] == [b"1\n2\n", b"3\n4\n", b"5\n"]
    assert all(b"content-length: %d" % len(body) in head for head, body in heads_and_bodies)


@pytest.fixture
async def echo() -> AsyncIterator[Address]:
    """A server that answers each request with its body, in two pieces, and closes after `bye`."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body[:1])
            await asyncio.sleep(0)
            writer.write(body[1:])
            if body == b"bye":
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield Address(host, port)
    server.close()


async def test_each_request_is_sent_once_over_several_connections(echo: Address) -> None:
    bodies = [str(number).encode() for number in range(200)]
    async with connections(echo, 7) as opened:
        answers = await send_all(opened, (request_bytes("POST", "/", body) for body in bodies))
    assert sorted(answer.body for answer in answers) == sorted(bodies)


async def test_a_pool_opens_a_connection_anew_that_the_server_has_closed(echo: Address) -> None:
    pool = Pool(echo, 1)
    for body in (b"bye", b"again"):
        assert (await pool.send(request_bytes("POST", "/", body))).body == body
        await asyncio.sleep(0.05)
    pool.close()


async def test_a_server_that_hangs_up_is_a_failure_and_not_a_wait() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with connections(Address(host, port), 1) as [connection]:
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(connection.send(request_bytes("GET", "/")), 5)
    server.close()
    assert issubclass(ConnectionLost, BenchFailed)
