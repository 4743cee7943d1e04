"""Answers kept by the engine: as fresh as they are cheap."""

from __future__ import annotations

from services.index.engine.answers import CHEAP_S, MAX_KEPT, MAX_STALE_S, AnswerCache


class World:
    """A question that takes `cost_s`, answered with how often it was computed."""

    def __init__(self, cost_s: float) -> None:
        self.now = 0.0
        self.cost_s = cost_s
        self.computed = 0
        self.cache = AnswerCache(clock=lambda: self.now, processor_clock=lambda: self.now)

    def ask(self, seq: int, question: object = "q") -> int:
        return self.cache.get(question, seq, self._compute)

    def _compute(self) -> int:
        self.now += self.cost_s
        self.computed += 1
        return self.computed


def test_an_answer_is_kept_as_long_as_nothing_is_written() -> None:
    world = World(0.01)
    assert world.ask(1) == 1
    world.now += 3_600
    assert world.ask(1) == 1


def test_a_cheap_answer_is_computed_anew_after_a_commit() -> None:
    world = World(CHEAP_S / 2)
    assert (world.ask(1), world.ask(2)) == (1, 2)


def test_a_dear_answer_may_be_stale_for_a_second_and_no_longer() -> None:
    world = World(0.5)
    assert (world.ask(1), world.ask(2)) == (1, 1)
    world.now += MAX_STALE_S
    assert world.ask(3) == 2


def test_asking_all_the_time_while_every_commit_changes_the_index_costs_a_twentieth_of_the_time() -> None:
    world = World(0.02)
    began = world.now
    for seq in range(10_000):
        world.ask(seq)
        world.now += 0.001
    assert world.computed * world.cost_s < (world.now - began) / 15


def test_the_cache_is_bounded() -> None:
    world = World(0.0)
    for number in range(MAX_KEPT + 1):
        world.ask(1, number)
    assert world.ask(1, 0) == MAX_KEPT + 2
    assert world.ask(1, MAX_KEPT) == MAX_KEPT + 1


def test_what_is_forgotten_is_computed_anew() -> None:
    world = World(0.0)
    world.ask(1)
    world.cache.clear()
    assert world.ask(1) == 2


def test_what_was_being_computed_when_all_was_forgotten_is_not_kept() -> None:
    cache = AnswerCache()

    def of_the_index_before() -> int:
        cache.clear()
        return 1

    assert cache.get("q", 1, of_the_index_before) == 1
    assert cache.get("q", 1, lambda: 2) == 2
