from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.ingest.batch import BatchSplitter, Item


def split(body: bytes, *, chunk: int = 1 << 16, max_item_bytes: int = 1000) -> list[Item]:
    splitter = BatchSplitter(max_item_bytes)
    items = [item for at in range(0, len(body), chunk) for item in splitter.feed(body[at : at + chunk])]
    return [*items, *splitter.finish()]


CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 16])


@CHUNKS
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(b"", [], id="empty"),
        pytest.param(b" \r\n\n", [], id="blank"),
        pytest.param(b'{"a":1}', [(1, b'{"a":1}')], id="no line end"),
        pytest.param(b'{"a":1}\r\n{"b":2}\r\n', [(1, b'{"a":1}'), (2, b'{"b":2}')], id="CRLF"),
        pytest.param(b'\n\n{"a":1}\n\n{"b":2}', [(3, b'{"a":1}'), (5, b'{"b":2}')], id="blank lines count"),
        pytest.param(b'\xef\xbb\xbf{"a":1}\n', [(1, b'{"a":1}')], id="byte order mark"),
        pytest.param(
            b'{"a":"\xff"}\n{', [(1, b'{"a":"\xff"}'), (2, b"{")], id="bad bytes are left to the reader"
        ),
        pytest.param(b'[{"a":1},{"b":2}]', [(1, b'{"a":1}'), (2, b'{"b":2}')], id="array"),
        pytest.param(
            b'\xef\xbb\xbf \n[ {"a":1} ,\n {"b":2}\n]\n',
            [(1, b'{"a":1}'), (2, b'{"b":2}')],
            id="spaced array",
        ),
        pytest.param(b"[]", [], id="empty array"),
        pytest.param(
            b'["],[\\"{",[[1],{"x":[2]}],{}]',
            [(1, b'"],[\\"{"'), (2, b'[[1],{"x":[2]}]'), (3, b"{}")],
            id="brackets in strings",
        ),
        pytest.param(b'[{"a":},{"b":2}]', [(1, b'{"a":}'), (2, b'{"b":2}')], id="bad element"),
    ],
)
def test_articles_are_found_however_the_body_is_cut(
    body: bytes, expected: list[tuple[int, bytes]], chunk: int
) -> None:
    assert split(body, chunk=chunk) == [Item(line, raw) for line, raw in expected]


@CHUNKS
@pytest.mark.parametrize("array", [False, True])
def test_an_item_that_is_too_long_is_skipped_and_told(array: bool, chunk: int) -> None:
    long = b'"' + b"x" * 2000 + b'"'
    body = b"[1," + long + b",3]" if array else b"1\n" + long + b"\n3"
    one, two, three = split(body, chunk=chunk)
    assert (one, three) == (Item(1, b"1"), Item(3, b"3"))
    assert (two.line, two.raw) == (2, b"")
    assert two.error is not None and "1000 bytes" in two.error


@pytest.mark.parametrize("body", [b'[{"a":1},{"b"', b'[{"a":1},"x', b'[{"a":1},', b'[{"a":1}'])
def test_an_array_that_is_cut_off_is_told_at_its_end(body: bytes) -> None:
    *_, last = split(body)
    assert last.error is not None


def test_nothing_but_the_current_item_is_held() -> None:
    splitter = BatchSplitter(1000)
    for _ in range(1000):
        assert list(splitter.feed(b"x" * 10_000)) == []
    assert [item.error is not None for item in splitter.feed(b"\n")] == [True]


_values = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.lists(_values, min_size=1, max_size=6), st.integers(1, 9), st.sampled_from([None, 1]))
def test_any_array_comes_apart_into_its_elements(
    elements: list[object], chunk: int, indent: int | None
) -> None:
    body = json.dumps(elements, ensure_ascii=False, indent=indent).encode("utf-8", "replace")
    items = split(body, chunk=chunk, max_item_bytes=1 << 20)
    assert [json.loads(item.raw) for item in items] == json.loads(body)


@given(st.binary(max_size=300), st.integers(1, 50))
@example(b"]\x00[", 1)
def test_no_bytes_make_it_fail(body: bytes, chunk: int) -> None:
    assert split(b"[" + body, chunk=chunk, max_item_bytes=40) == split(b"[" + body, max_item_bytes=40)


@pytest.mark.parametrize("after", [b"x", b"[2]", b",2]", b"]"])
@pytest.mark.parametrize("chunk", [1, 100])
def test_what_follows_the_array_is_reported(after: bytes, chunk: int) -> None:
    items = split(b"[1]" + after, chunk=chunk, max_item_bytes=40)
    assert items == [Item(1, b"1"), Item(2, after, "text after the array")]
