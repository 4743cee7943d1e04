"""How often a misspelt search is answered with the word that was meant, and what that costs.

    python -m bench.suggestions [--documents N] [--keep DIR]

The articles are those of bench.search, the words those of their titles: one letter is left out, doubled by
another, exchanged or swapped with its neighbour.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
from pathlib import Path

from bench.search import built, material
from services.index.engine.protocol import Query, SearchEngine
from services.index.query.parser import parse
from services.index.query.writing import write

SEARCHES = 600
BESIDE = ("", "government", "said")
LETTERS = "etaoin"


def misspelt(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    before, letter, after = word[:at], word[at], word[at + 1 :]
    ways = (
        before + after,
        before + after[0] + letter + after[1:],
        before + rng.choice(LETTERS) + letter + after,
        before + rng.choice(LETTERS) + after,
    )
    return rng.choice(ways)


def run(engine: SearchEngine) -> None:
    rng = random.Random(4)
    words = [word for title in material().titles for word in re.findall(r"[A-Za-z]{5,}", title)]
    right = without = 0
    times: list[float] = []
    for _ in range(SEARCHES):
        word = rng.choice(words)
        query = Query(parse(f"{misspelt(word, rng)} {rng.choice(BESIDE)}", lenient=True).node, count="none")
        if engine.search(query).hits:
            continue
        began = time.thread_time()
        suggestion = engine.suggest(query)
        times.append((time.thread_time() - began) * 1000)
        without += suggestion is None
        right += suggestion is not None and write(suggestion.node).lower().split()[0] == word.lower()
    times.sort()
    print(
        f"{len(times)} searches found nothing: {right / len(times):.1%} answered with what was meant, "
        f"{without / len(times):.1%} with nothing\n"
        f"processor p50 {statistics.median(times):.2f}  p99 {times[int(len(times) * 0.99)]:.2f} ms"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--keep", type=Path, help="Build in this directory, or reuse what is in it.")
    options = parser.parse_args()
    with built(options.keep, options.documents) as engine:
        run(engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
