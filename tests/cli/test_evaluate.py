"""`wireroom eval`: judging of answers known by hand, and whole runs over small files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.cli.evaluation import clean, duplicates, ner, quotes, related, sentiment, topics
from services.cli.evaluation.placing import Placed
from services.cli.evaluation.records import MAX_LINE_BYTES, Records
from services.enrich.scoring import LabelTally, Score
from shared.events import Quote
from tests.cli.conftest import Done

Wireroom = Callable[..., Done]


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., str]:
    """Write rows, or lines as they are, to a file and return its path."""

    def write(*rows: Any) -> str:
        path = tmp_path / "set.jsonl"
        lines = (row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows)
        path.write_bytes(b"\n".join(lines) + b"\n")
        return str(path)

    return write


def _placed(story: str, similar: Sequence[int] = (), copies: Sequence[int] = ()) -> Placed:
    return Placed(tuple(copies), tuple(similar), story)


def test_links_are_judged_where_an_earlier_report_exists() -> None:
    clusters = ["flood", None, "flood", "vote", "flood"]
    placed = [_placed("s1"), _placed("s2"), _placed("s1", [0]), _placed("s3", [0]), _placed("s4", [1], [2])]
    measures, with_earlier = related.score(clusters, placed)
    assert with_earlier == 2
    assert measures["recall_at_5"] == pytest.approx((1 + 1 / 2) / 2)
    assert measures["hit_at_5"] == 1
    assert measures["b3_precision"] == 1
    assert measures["b3_recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)


def test_articles_without_a_cluster_are_not_one_cluster() -> None:
    measures, with_earlier = related.score([None, None], [_placed("s1"), _placed("s2", [0])])
    assert (measures["b3_f1"], with_earlier) == (1, 0)


def test_copies_of_one_original_are_copies_of_each_other() -> None:
    groups = duplicates.groups_of(["a", "b", "c", "d"], [None, "a", "b", None])
    assert groups[0] == groups[1] == groups[2] != groups[3]
    found, right = duplicates.score(groups, [(), (), (1,), (0,)])
    assert (found.recall, right.precision) == (1 / 2, 1 / 2)


def test_a_duplicate_may_name_an_original_that_comes_later() -> None:
    found, _ = duplicates.score(duplicates.groups_of(["b", "a"], ["a", None]), [(), (0,)])
    assert found == Score(1, 1, 1)


def test_a_ring_of_duplicates_ends() -> None:
    assert len(set(duplicates.groups_of(["a", "b", "c"], ["b", "c", "a"]))) == 1


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("economy", "economy"),
        ("Economy, business and  finance", "economy"),
        ("business", "economy"),
        ("16000000", "conflict"),
        ("medtop:02000000", "crime"),
        ("human interest", "human-interest"),
    ],
)
def test_topics_go_by_code_and_by_name(value: str, name: str) -> None:
    assert topics.topic_name(value) == name


@pytest.mark.parametrize("value", ["gossip", "99000000", "", 4, None, ["sport"]])
def test_an_unknown_topic_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"[tT]opic"):
        topics.topic_name(value)


@pytest.mark.parametrize(
    ("label", "expected"),
    [("Positive", "positive"), (-1, "negative"), (0, "neutral"), (0.5, "positive"), (-0.1, "neutral")],
)
def test_sentiment_labels_are_words_or_numbers(label: object, expected: str) -> None:
    assert sentiment.parse({"text": "It rained.", "label": label}).label == expected


@pytest.mark.parametrize(
    ("parse", "row", "reason"),
    [
        (ner.parse, {"text": "Xi", "entities": [[0, 3, "PERSON"]]}, "not within"),
        (ner.parse, {"text": "Xi", "entities": [[0, True, "PERSON"]]}, "start, end"),
        (ner.parse, {"text": "Xi", "entities": [[0, 2]]}, "start, end, label"),
        (ner.parse, {"text": "Xi", "entities": None}, "not a list"),
        (ner.parse, {"text": "Xi \ud800", "entities": []}, "surrogate"),
        (ner.parse, {"text": 7, "entities": []}, "not a string"),
        (sentiment.parse, {"text": "Fine.", "label": "splendid"}, "none of"),
        (sentiment.parse, {"text": "Fine.", "label": float("nan")}, "not within"),
        (sentiment.parse, {"text": "Fine.", "label": 0, "target": [3, 3]}, "not within"),
        (related.parse, {"title": "", "body": None, "cluster": "c"}, "neither"),
        (related.parse, {"title": "T", "cluster": "c", "published_at": "soon"}, "ISO 8601"),
        (duplicates.parse, {"text": "no id"}, '"id"'),
        (topics.parse, {"text": "T", "topic": []}, "empty"),
        (quotes.parse, {"text": "T", "quotes": {}}, "not a list"),
        (quotes.parse, {"text": "T", "quotes": [[0, 1]]}, "speaker"),
        (quotes.parse, {"text": "T", "quotes": [{"start": 0, "end": 2}]}, "not within"),
        (quotes.parse, {"text": "T", "quotes": [{"start": 0, "end": 1, "speaker": 7}]}, "neither a name"),
        (clean.parse, {"text": "T"}, "neither"),
        (clean.parse, {"text": "T", "html": "<p>T", "page_text": "T"}, "which"),
    ],
)
def test_a_row_of_the_wrong_shape_says_what_is_wrong(
    parse: Callable[[dict[str, Any]], object], row: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(row)


def test_numbers_count_only_where_the_file_marks_them() -> None:
    tally = LabelTally()
    tally.add_spans(
        [(0, 2, "DATE"), (3, 4, "CARDINAL"), (5, 6, "LANGUAGE")], [(0, 2, "DATE"), (8, 9, "MONEY")]
    )
    assert tally.scores(ner.ignored_labels(tally)).keys() == {"DATE", "LANGUAGE"}


def test_bad_lines_are_told_by_number_and_skipped() -> None:
    told: list[tuple[int, str]] = []
    lines = [
        b'\xef\xbb\xbf{"text": "a"}',
        b"",
        b"{",
        b"[1]",
        b'{"text": "\xff"}',
        b"[" * 200_000,
        b'"' + b"x" * (MAX_LINE_BYTES + 5) + b'"',
        b'{"text": "b"}',
    ]
    records = Records(
        io.BytesIO(b"\n".join(lines)), lambda row: row["text"], lambda *problem: told.append(problem)
    )
    assert list(records) == ["a", "b"]
    assert [line for line, _ in told] == [3, 4, 5, 6, 7]
    assert (records.used, records.malformed) == (2, 5)


XI = "Antony Blinken met Xi Jinping in Beijing on Monday."


def test_entities_are_scored_from_a_file(wireroom: Wireroom, jsonl: Callable[..., str]) -> None:
    gold = [[0, 14, "PERSON"], [19, 29, "PERSON"], [33, 40, "GPE"]]
    path = jsonl({"text": XI, "entities": gold}, b"nonsense", {"text": XI, "entities": [[0, 900, "GPE"]]})
    done = wireroom("eval", "ner", path, "--json")
    assert done.code == 0
    assert next(iter(done.json)) == "f1"
    assert done.json["f1"] == 1.0, done.out
    assert done.json["labels"].keys() == {"GPE", "PERSON"}  # Monday is a DATE that the file does not mark
    assert done.json["counts"]["malformed_lines"] == 2
    assert "line 2: not JSON" in done.err and "line 3: the span" in done.err
    coarse = wireroom("eval", "ner", path, "--coarse", "--json")
    assert coarse.json["labels"]["LOC"]["correct"] == 1


@pytest.mark.parametrize(
    "before", ["Cafe\u0301 \U0001f600 ", "\ufeff\u200b\r\n", "HEADLINE ABOUT NOTHING\n\n"]
)
def test_entity_offsets_are_those_of_the_text_as_given(
    wireroom: Wireroom, jsonl: Callable[..., str], before: str
) -> None:
    at = len(before) + XI.index("Xi Jinping")
    done = wireroom(
        "eval", "ner", jsonl({"text": before + XI, "entities": [[at, at + 10, "PERSON"]]}), "--json"
    )
    assert done.json["labels"]["PERSON"]["correct"] == 1


def test_sentiment_is_scored_from_a_file(wireroom: Wireroom, jsonl: Callable[..., str]) -> None:
    bad = "The minister was accused of a disgraceful, corrupt and cruel betrayal of victims."
    path = jsonl({"text": bad, "target": [4, 12], "label": "negative"}, {"text": bad, "label": -0.9})
    done = wireroom("eval", "sentiment", path, "--json")
    assert list(done.json)[:2] == ["f1", "accuracy"]
    assert (done.json["f1"], done.json["accuracy"]) == (1.0, 1.0)
    assert done.json["counts"] == {"texts": 2, "with_target": 1, "malformed_lines": 0}
    assert 0 < done.json["mean_error"] < 1.9


FLOOD = (
    "Rescuers in Tavirim pulled forty people from rooftops on Sunday after the Oresk river burst its banks, "
    "and engineer Lidia Sornova warned that the Kaltas dam above the town could not hold another such night."
)


def test_links_and_duplicates_are_scored_on_a_redis_of_their_own(
    wireroom: Wireroom, jsonl: Callable[..., str], redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_URL", "redis://127.0.0.1:1/0")  # nobody may call there
    other = (
        "Striker Ana Quelho signed for Porto Verde on a free transfer, the club said in a statement to fans."
    )
    rows = [
        {"id": 1, "title": "Dam fear", "body": FLOOD, "cluster": "f", "published_at": "2026-01-01T00:00Z"},
        {"id": 2, "title": "Transfer", "body": other, "cluster": "-"},
        {"id": 3, "title": "Kaltas dam could burst", "body": FLOOD + " Schools are shut.", "cluster": "f"},
    ]
    done = wireroom("eval", "related", jsonl(*rows), "--json")
    assert next(iter(done.json)) == "recall_at_5"
    assert (done.json["recall_at_5"], done.json["hit_at_5"], done.json["b3_f1"]) == (1.0, 1.0, 1.0)
    copies = [{"id": "a", "text": FLOOD}, {"id": "b", "text": other}]
    copies.append({"id": "c", "text": FLOOD + " Schools are shut.", "duplicate_of": "a"})
    done = wireroom("eval", "duplicates", jsonl(*copies), "--json")
    assert list(done.json)[:3] == ["recall", "precision", "f1"]
    assert (done.json["recall"], done.json["precision"]) == (1.0, 1.0)


def test_topics_and_clean_up_are_scored_from_files(wireroom: Wireroom, jsonl: Callable[..., str]) -> None:
    game = "The striker scored twice as the team won the football cup final and the league title."
    done = wireroom("eval", "topics", jsonl({"text": game, "topic": ["sport", "arts"]}), "--json")
    assert (done.json["f1"], done.json["accuracy"], done.json["counts"]["topics"]) == (1.0, 1.0, 1)
    furniture = "Related Articles:\nAnother storm is coming\n\n(Courtesy: Al-Jazeera)"
    page = f"River floods Tavirim\n\n{FLOOD}\n\n{furniture}"
    for gold in (FLOOD, f"River floods Tavirim\n{FLOOD}"):
        done = wireroom("eval", "clean", jsonl({"page_text": page, "text": gold}), "--json")
        assert next(iter(done.json)) == "f1"
        assert done.json["f1"] == 1.0, done.out
    html = f"<html><body><nav>Home Sport</nav><article><h1>River</h1><p>{FLOOD}</p></article></body></html>"
    done = wireroom("eval", "clean", jsonl({"html": html, "text": FLOOD}), "--json")
    assert done.json["recall"] == 1.0


QUOTED = "“We will appeal,” said Ann Reed. “Soon.” The port was shut, police said."


def _found(words: str, speaker: str | None) -> Quote:
    start = QUOTED.index(words)
    named = QUOTED.index(speaker or "Ann Reed")
    return Quote(
        text=words, start=start, end=start + len(words), kind="direct", cue="said", speaker=speaker,
        speaker_start=named, speaker_end=named + 3,
    )  # fmt: skip


def test_a_quote_is_right_with_its_words_and_its_speaker() -> None:
    marked = [quotes.MarkedQuote(1, 15, ("the lawyer", "Ms Reed")), quotes.MarkedQuote(34, 39, ("Ann Reed",))]
    found = [_found("We will appeal,", "Ann Reed"), _found("Soon.", None), _found("The port", "police")]
    attributed, located = quotes.score(QUOTED, found, marked)
    assert attributed == Score(1, 3, 2)
    assert located == Score(2, 3, 2)


def test_a_quote_of_half_the_words_is_not_the_same() -> None:
    _, located = quotes.score(QUOTED, [_found("We will", "Ann Reed")], [quotes.MarkedQuote(1, 16)])
    assert located.true_positives == 0


def test_quotes_are_scored_from_files(wireroom: Wireroom, jsonl: Callable[..., str]) -> None:
    rows = [{"start": 1, "end": 16, "speaker": ["Ann Reed", "Reed"]}, {"start": 34, "end": 39}]
    done = wireroom("eval", "quotes", jsonl({"text": QUOTED, "quotes": rows}), "--json")
    assert list(done.json)[:3] == ["f1", "precision", "recall"]
    assert (done.json["precision"], done.json["recall"], done.json["counts"]["direct"]) == (0.6667, 1.0, 2)


def test_people_get_a_table(wireroom: Wireroom, jsonl: Callable[..., str]) -> None:
    done = wireroom("eval", "ner", jsonl({"text": XI, "entities": [[33, 40, "GPE"]]}))
    assert done.code == 0
    assert all(word in done.out for word in ("precision", "PERSON", "GPE", "words/s"))


def test_a_file_without_one_good_line_says_what_is_wanted(
    wireroom: Wireroom, jsonl: Callable[..., str]
) -> None:
    done = wireroom("eval", "sentiment", jsonl(*[b"nonsense"] * 12), "--json")
    assert (done.code, done.out) == (1, "")
    assert '"label": "positive"' in done.err
    assert "line 10:" in done.err and "line 11:" not in done.err and "2 more lines" in done.err


def test_a_file_may_come_from_standard_input(wireroom: Wireroom, monkeypatch: pytest.MonkeyPatch) -> None:
    row = json.dumps({"text": XI, "entities": [[33, 40, "GPE"]]}).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(row)))
    assert wireroom("eval", "ner", "-", "--json").json["labels"]["GPE"]["correct"] == 1


def test_a_missing_file_is_wrong_usage(wireroom: Wireroom, tmp_path: Path) -> None:
    assert wireroom("eval", "ner", str(tmp_path / "none.jsonl")).code == 2
    assert wireroom("eval", "ner", str(tmp_path)).code == 2


def test_without_a_redis_server_the_reason_is_told(
    wireroom: Wireroom, jsonl: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_REDIS_SERVER", "/nowhere/redis-server")
    done = wireroom("eval", "related", jsonl({"id": "a", "title": "T", "body": FLOOD, "cluster": None}))
    assert done.code == 1
    assert "WIREROOM_REDIS_SERVER" in done.err and "WIREROOM_REDIS_URL" not in done.err


def test_help_shows_the_format_whole(wireroom: Wireroom) -> None:
    assert "[[start, end, label]]" in wireroom("eval", "ner", "--help").out
