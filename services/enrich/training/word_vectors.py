"""GloVe vectors of common words, which let the linear models read words that their own data lack.

    python -m services.enrich.training.word_vectors glove.6B.50d.txt

makes `word_vectors.npz` from GloVe's text file (Pennington, Socher and Manning 2014; public domain, PDDL):
one word a line with its 50 numbers, commonest words first. The models hold no vectors: a linear model of a
sum of vectors is a linear model of words, so training adds vector times weights to each word's own weight.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

VECTORS: Final = Path(__file__).with_name("word_vectors.npz")
WORDS: Final = 50_000
# The mean of the commonest words is what all words share; it says nothing.
CENTRE_WORDS: Final = 5_000
_WORD = re.compile(r"[a-z][a-z'-]*\Z")

Floats = NDArray[np.float64]


class WordVectors(NamedTuple):
    """`vectors` has shape (words, 50), each of about unit length; `row_of` has the row of each word."""

    row_of: Mapping[str, int]
    vectors: Floats


def load_word_vectors(path: Path = VECTORS) -> WordVectors:
    with np.load(path, allow_pickle=False) as data:
        words = str(data["words"]).split(" ")
        vectors = data["vectors"].astype(np.float64) * data["scale"].astype(np.float64)
    return WordVectors({word: row for row, word in enumerate(words)}, vectors)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("glove", type=Path)
    parser.add_argument("--out", type=Path, default=VECTORS)
    options = parser.parse_args()
    with options.glove.open(encoding="utf-8") as lines:
        split = (line.rstrip("\n").split(" ") for line in lines)
        rows = list(islice((row for row in split if _WORD.match(row[0])), WORDS))
    vectors = np.array([row[1:] for row in rows], dtype=np.float64)
    vectors -= vectors[:CENTRE_WORDS].mean(axis=0)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    scale = np.abs(vectors).max() / 127.0
    np.savez_compressed(
        options.out,
        words=np.array(" ".join(row[0] for row in rows)),
        vectors=np.rint(vectors / scale).astype(np.int8),
        scale=np.float32(scale),
    )


if __name__ == "__main__":
    main()
