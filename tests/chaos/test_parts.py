"""Parts of the harness that decide by themselves: texts, plans, the trace, the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.chaos.bug_scenarios import BUG
from bench.chaos.clock_scenarios import SERVICES, shifted
from bench.chaos.faults import FAULTS
from bench.chaos.metrics_reading import negative_times, read_metrics
from bench.chaos.plans import batch_plan, make_plan
from bench.chaos.poison import poisons, submitted_event
from bench.chaos.report import measured_words, passed, table
from bench.chaos.revision_faults import REVISIONS, reordered_plan
from bench.chaos.rows import ROWS, row_verdicts
from bench.chaos.run import NAMES, SCENARIOS
from bench.chaos.skew_scenarios import NEXT_MAJOR, NEXT_MINOR
from bench.chaos.texts import Subject
from bench.chaos.tracing import unsynced_replies
from bench.chaos.trees import Patch, Trees
from bench.chaos.world import Result
from services.enrich.steps.cleanup import clean_text
from services.ingest.schema import read_article
from services.ingest.submission import Origin, submission_from_article
from shared.errors import DEAD_LETTER_REASONS
from shared.events import ArticleSubmitted, decode_event, encode_event
from tests.support import NOW


def test_clean_up_leaves_every_text_as_it_is() -> None:
    for number in range(300):
        text = Subject(f"zq1n{number}").text(number % 4)
        cleaned = clean_text(text.title, text.body)
        assert (cleaned.title, cleaned.body) == (text.title, text.body)


def test_a_subject_knows_the_id_that_ingest_gives_it() -> None:
    subject = Subject("zq1n1")
    read = read_article(subject.payload(1, revision=None), NOW)
    origin = Origin("api", None, NOW)
    assert (
        submission_from_article(
            read, origin, generation="g", restore=False, partitions=1, ttl_s=60
        ).article_id
        == subject.article_id
    )


def test_versions_of_an_article_differ_and_are_the_same_each_time() -> None:
    subject = Subject("zq1n1")
    assert subject.text(1) == subject.text(1)
    assert len({subject.text(version).digest for version in range(5)}) == 5


def test_a_seed_gives_the_same_plans_of_every_kind() -> None:
    plans = [make_plan("1", number) for number in range(1000)]
    assert plans == [make_plan("1", number) for number in range(1000)]
    kinds = Counter(plan.kind for plan in plans)
    assert len(kinds) == 8
    assert kinds["plain"] > 500
    assert {plan.door for plan in plans} == {"single", "keyed"}


def test_no_two_plans_share_an_article() -> None:
    words = [make_plan("1", number).subject.word for number in range(500)]
    words += [batch_plan("1", number, line).subject.word for number in range(20) for line in range(8)]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("number", range(200))
def test_a_plan_of_several_steps_names_its_revisions(number: int) -> None:
    plan = make_plan("1", number)
    payloads = [step.payload for step in plan.steps if step.payload is not None]
    if plan.kind not in ("plain", "duplicate"):
        assert all("revision" in payload for payload in payloads)


def test_poison_is_refused_for_the_reason_that_is_expected() -> None:
    assert isinstance(decode_event(encode_event(submitted_event(Subject("zq1n1")))), ArticleSubmitted)
    assert {reason for _, reason in poisons("t").values()} <= set(DEAD_LETTER_REASONS)


READ = r'read(8, "*9\r\n$7\r\nEVALSHA\r\n$40\r\n…\r\n$16\r\narticles.raw.{0}\r\n…", 65536) = 900'
APPEND = r'write(7, "*5\r\n$4\r\nXADD\r\n$16\r\narticles.raw.{0}\r\n", 800) = 800'
SYNC = "fdatasync(7) = 0"
REPLY = r'write(8, "*2\r\n$8\r\naccepted\r\n:1\r\n", 25) = 25'
REPLY_IN_PARTS = (
    r'writev(8, [{iov_base="*2\r\n", iov_len=4}, {iov_base="$8\r\naccepted\r\n:1\r\n", iov_len=18}], 2) = 22'
)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        pytest.param([READ, APPEND, SYNC, REPLY], (1, 0), id="synced before the answer"),
        pytest.param([READ, APPEND, REPLY, SYNC], (1, 1), id="answered before the sync"),
        pytest.param([SYNC, READ, APPEND, REPLY], (1, 1), id="the sync was of something else"),
        pytest.param([f"4711  {line}" for line in (READ, APPEND, SYNC, REPLY)], (1, 0), id="with thread ids"),
        pytest.param([READ, APPEND, SYNC, REPLY_IN_PARTS], (1, 0), id="the answer in parts"),
        pytest.param(["--- SIGALRM ---", "read(3, …"], (0, 0), id="nothing of ours"),
    ],
)
def test_a_trace_tells_whether_redis_syncs_before_it_answers(
    lines: list[str], found: tuple[int, int]
) -> None:
    assert unsynced_replies(lines) == found


def test_a_result_fails_by_one_failure_and_keeps_the_worst_figure() -> None:
    result = Result("kill", "it is borne")
    result.worst("recovery_s", 1.0)
    result.worst("recovery_s", 0.5)
    assert result.measured == {"recovery_s": 1.0}
    assert result.expect(True, "fine") and result.verdict == "passed"
    assert not result.expect(False, "broken") and result.verdict == "FAILED"
    assert not passed([result], [])
    assert Result("kill", "", not_run="no root").verdict == "not run"


def test_figures_are_told_with_their_units() -> None:
    words = measured_words({"recovery_s": 1.5, "p99_ms": 12.0, "growth_mb": 3.0, "answers_503": 4.0})
    assert words == "recovery 1.5 s, p99 12 ms, growth 3 MB, answers 503 4"
    assert table([Result("kill", "it is borne")]).row_count == 1


def test_faults_and_scenarios_have_names_of_their_own() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert set(NAMES) == {*FAULTS, *SCENARIOS}


@pytest.mark.parametrize(
    "patches",
    [[BUG], NEXT_MINOR, NEXT_MAJOR, [shifted(service, 360) for service in SERVICES]],
    ids=["bug", "next minor", "next major", "wrong clock"],
)
def test_patches_of_other_versions_fit_the_code_as_it_is(patches: Sequence[Patch], tmp_path: Path) -> None:
    Trees(tmp_path).make("patched", patches)
    for patch in patches:
        compile((tmp_path / "patched" / patch.file).read_text(encoding="utf-8"), patch.file, "exec")


def test_each_fault_answers_for_one_row_of_the_table() -> None:
    names = [name for row in ROWS for name in row.names]
    assert sorted(names) == sorted(NAMES)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        pytest.param([Result("poison", ""), Result("poison_deploy", "")], "passed", id="all passed"),
        pytest.param(
            [Result("poison", ""), Result("poison_deploy", "", failures=["lost"])], "FAILED", id="one failed"
        ),
        pytest.param(
            [Result("poison", ""), Result("poison_deploy", "", not_run="no time")],
            "1 of 2 passed, the others were not run",
            id="one not run",
        ),
        pytest.param(
            [Result("poison", "")], "1 of 2 passed, the others were not run", id="one not asked for"
        ),
    ],
)
def test_a_row_has_passed_when_all_that_answers_for_it_has(results: list[Result], verdict: str) -> None:
    assert row_verdicts(results) == {"a poison article, a poison batch": verdict}


def test_reordered_plans_send_every_revision_and_one_of_them_too_late() -> None:
    for number in range(40):
        plan, wanted = reordered_plan(f"zq1n{number}", number)
        sent = [step.operation for step in plan.steps if step.operation.effect == "publish"]
        versions = [operation.version for operation in sent]
        assert sorted(versions) == list(range(1, REVISIONS + 1))
        assert versions != sorted(versions)
        takedowns = [n for n, step in enumerate(plan.steps) if step.payload is None]
        assert len(takedowns) == (plan.kind != "none")
        assert (takedowns == [0]) == (plan.kind == "taken down first")
        assert wanted.effect == {"none": "publish", "restored": "restore"}.get(plan.kind, "take_down")


def test_metrics_are_read_and_a_negative_time_is_found() -> None:
    text = (
        "# HELP wireroom_searchable_seconds Seconds.\n"
        "wireroom_searchable_seconds_sum -3.5\n"
        'wireroom_stage_seconds_sum{stage="corpus"} 1.5\n'
        "wireroom_searchable_seconds_count 2.0\n"
        'wireroom_stream_oldest_pending_seconds{stream="articles.raw"} -1e-3\n'
        "wireroom_backlog_entries -1\n"
        "wireroom_odd NaN\n"
    )
    samples = read_metrics(text)
    assert samples['wireroom_stage_seconds_sum{stage="corpus"}'] == 1.5
    assert len(samples) == 6
    assert [told.split()[0].split("{")[0] for told in negative_times(samples)] == [
        "wireroom_searchable_seconds_sum",
        "wireroom_stream_oldest_pending_seconds",
    ]
