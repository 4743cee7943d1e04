"""Words as hashes: the same wherever they stand, and found again in a table of any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.index.percolation import hashing
from services.index.percolation.hashing import UNKNOWN, Hasher, HashTable

HASHER = Hasher()
TOKENS = st.lists(
    st.binary(min_size=1, max_size=50).map(lambda token: token.replace(b" ", b"x")), max_size=60
)


@settings(deadline=None)
@given(TOKENS, st.lists(st.integers(1, 3), min_size=60, max_size=60), st.sampled_from((64, 200, 1 << 17)))
def test_a_token_has_its_hash_wherever_it_stands(tokens: list[bytes], gaps: list[int], window: int) -> None:
    data = b" " + b"".join(token + b" " * gap for token, gap in zip(tokens, gaps, strict=False))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hashing, "WINDOW_BYTES", window)
        parts = [*HASHER.tokens(data + b" ")]
    found = [
        (data[start:end], int(hashed))
        for part in parts
        for start, end, hashed in zip(part.starts, part.ends, part.hashes, strict=True)
    ]
    assert found == [(token, HASHER.hash_of(token)) for token in tokens]


def test_a_token_longer_than_a_window_comes_alone_and_without_hash() -> None:
    long = b"x" * (hashing.WINDOW_BYTES + 10)
    parts = [*HASHER.tokens(b" a %b b " % long)]
    assert [part.starts.tolist() for part in parts] == [[1], [3], [len(long) + 4]]
    assert [bool(part.hashes.any()) for part in parts] == [True, False, True]


def test_multipliers_differ_from_one_hasher_to_another() -> None:
    assert Hasher().hash_of(b"news") != Hasher().hash_of(b"news")
    assert Hasher(3).hash_of(b"news") == Hasher(3).hash_of(b"news")


def test_table_finds_what_was_added_however_much_it_grew() -> None:
    rng = np.random.default_rng(1)
    hashes = np.unique(rng.integers(1, 2**63, 60_000).astype(np.uint64))
    # As good as all in one place: they have to look on for a free one.
    hashes[:200] = np.arange(1, 201, dtype=np.uint64)
    numbers = np.arange(len(hashes), dtype=np.int32)
    table = HashTable()
    for start in range(0, len(hashes), 7_000):
        table.add(hashes[start : start + 7_000], numbers[start : start + 7_000])
    assert len(table) == len(hashes)
    assert (table.numbers(hashes) == numbers).all()
    absent = np.arange(300, 400, dtype=np.uint64)
    assert (table.numbers(absent) == UNKNOWN).all()
