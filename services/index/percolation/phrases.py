"""Whether words follow one another in a text, as Tantivy's phrase query has it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

# A text may repeat a word a hundred thousand times; past this no near phrase is looked for any more.
MOST_OCCURRENCES = 10_000

Moved = list[tuple[int, int]]


def with_slop(occurrences: Sequence[Sequence[int]], slop: int) -> bool:
    """Whether the words of a phrase stand near enough in some place of a text.

    `occurrences[n]` are the positions of the n-th word, ascending, each lessened by n: where the words follow
    one another exactly, they are the same number. From word to word the phrase goes on at either of two
    positions, and what lies between them is spent of `slop`.

    Tantivy walks both lists once instead of trying all pairs, so with three words and more it may miss a
    place; a saved search has to find what the search finds, so this walks alike.
    """
    reached: Moved = [(at, 0) for at in occurrences[0][:MOST_OCCURRENCES]]
    for following in occurrences[1:-1]:
        reached = _reached(reached, following[:MOST_OCCURRENCES], slop)
        if not reached:
            return False
    return _meet(reached, occurrences[-1][:MOST_OCCURRENCES], slop)


def _meet(reached: Moved, following: Sequence[int], slop: int) -> bool:
    i = j = 0
    while i < len(reached) and j < len(following):
        at, spent = reached[i]
        if spent + abs(at - following[j]) <= slop:
            return True
        if at < following[j]:
            i += 1
        else:
            j += 1
    return False


def _reached(before: Moved, following: Sequence[int], slop: int) -> Moved:
    """Return where the phrase may go on after one more word, and what is spent by then."""
    reached: Moved = []
    i = j = 0
    while i < len(before) and j < len(following):
        (left, spent), right = before[i], following[j]
        if spent + abs(left - right) <= slop:
            further = max(left, right)
            at_most = _positions(before, i, further) if left < right else _run(following, j, further)
            for at in at_most:
                _keep(reached, at, spent + further - at)
            _keep(reached, further, spent + further - at)
            i += 1
            j += 1
        elif left < right:
            i += 1
        else:
            j += 1
    for right in following[j:] if i == len(before) else ():
        left, spent = before[-1]
        if (total := spent + abs(left - right)) <= slop:
            _keep(reached, right, total)
    for left, spent in before[i:] if i < len(before) else ():
        if (total := spent + abs(left - following[-1])) <= slop:
            _keep(reached, left, total)
    return reached


def _positions(moved: Moved, start: int, last: int) -> Iterator[int]:
    """Yield the position at `start` and those after it up to `last`: they are within the slop, so few."""
    yield moved[start][0]
    for index in range(start + 1, len(moved)):
        if moved[index][0] > last:
            return
        yield moved[index][0]


def _run(positions: Sequence[int], start: int, last: int) -> Iterator[int]:
    yield positions[start]
    for index in range(start + 1, len(positions)):
        if positions[index] > last:
            return
        yield positions[index]


def _keep(reached: Moved, at: int, spent: int) -> None:
    if reached and reached[-1][0] == at:
        reached[-1] = (at, min(reached[-1][1], spent))
    else:
        reached.append((at, spent))
