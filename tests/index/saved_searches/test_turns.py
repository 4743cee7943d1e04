"""Whose turn it is: arithmetic of who is due and for whom there is room."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.index.saved_searches.turns import MAX_AT_ONCE, MAX_FAILING_AT_ONCE, MAX_OF_ORIGIN, Turns
from tests.support import NOW


def taken(turns: Turns) -> list[int]:
    found = []
    while (key := turns.take(NOW)) is not None:
        found.append(key)
    return found


def test_of_one_origin_few_have_their_turn_and_another_is_not_kept_waiting() -> None:
    turns = Turns(lambda key: "one" if key < 1_000 else "other", lambda _: False)
    for key in range(1_001):
        turns.put(key, NOW)
    assert taken(turns) == [0, 1, 2, 3, 1_000]
    turns.end(0)
    assert taken(turns) == [4]


def test_failing_ones_leave_room() -> None:
    turns = Turns(str, lambda key: key < 1_000)
    for key in range(1_100):
        turns.put(key, NOW)
    found = taken(turns)
    assert sum(key < 1_000 for key in found) == MAX_FAILING_AT_ONCE and len(found) == MAX_AT_ONCE


def test_who_waits_for_an_instant_is_known() -> None:
    turns = Turns(str, lambda _: False)
    turns.put(1, NOW + timedelta(hours=1))
    turns.put(2, NOW + timedelta(hours=2))
    turns.put(1, NOW + timedelta(hours=3))
    assert taken(turns) == [] and turns.next_at() == NOW + timedelta(hours=2)
    turns.put(2, NOW)
    assert taken(turns) == [2] and turns.next_at() == NOW + timedelta(hours=3)


def test_asking_again_and_again_for_the_same_instant_piles_nothing_up() -> None:
    turns = Turns(str, lambda _: False)
    for _ in range(1_000):
        turns.put(1, NOW + timedelta(hours=2))
    assert len(turns._by_due) == 1
    assert turns.take(NOW + timedelta(hours=2)) == 1 and turns.next_at() is None


@given(
    steps=st.lists(st.tuples(st.sampled_from(["put", "take", "end"]), st.integers(0, 60)), max_size=300),
    origins=st.integers(1, 8),
    failing=st.integers(1, 5),
)
def test_nobody_has_two_turns_and_nobody_is_forgotten(
    steps: list[tuple[str, int]], origins: int, failing: int
) -> None:
    turns = Turns(lambda key: str(key % origins), lambda key: key % failing == 0)
    having: set[int] = set()
    waiting: set[int] = set()
    for what, key in steps:
        if what == "put" and key not in having:
            turns.put(key, NOW)
            waiting.add(key)
        elif what == "take" and (got := turns.take(NOW)) is not None:
            assert got in waiting and got not in having
            waiting.discard(got)
            having.add(got)
            assert sum(key % origins == got % origins for key in having) <= MAX_OF_ORIGIN
        elif what == "end" and having:
            done = having.pop()
            turns.end(done)
    while waiting or having:
        while (got := turns.take(NOW)) is not None:
            waiting.remove(got)
            having.add(got)
        assert having, "somebody waits and nobody has a turn"
        turns.end(having.pop())
