"""What an article's text looks like to the near-duplicate search: shingles, MinHash, LSH bands, sketch."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import Final

import xxhash
from rensa import RMinHash

MAX_TEXT_CHARS: Final = 60_000
SHINGLE_WORDS: Final = 3
PERMUTATIONS: Final = 256
BANDS: Final = 12
ROWS: Final = 3
BAND_BYTES: Final = 6
_SEED: Final = 20_261
# Signatures of different versions of the hash family do not compare, and the window outlives an upgrade.
_FAMILY: Final[int] = RMinHash.ALGORITHM_VERSION % 256
_BAND_FORMAT: Final = struct.Struct(f"<{ROWS}I")

# In scripts without spaces (Han, kana, Thai, Lao, Khmer, Burmese) each character counts as a word.
_UNSPACED: Final = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD: Final = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


def words_of(text: str) -> list[str]:
    """Return the words of the first 60,000 characters, case-folded, without punctuation."""
    return _WORD.findall(text[:MAX_TEXT_CHARS].lower())


def shingles(words: Sequence[str]) -> set[str]:
    """Return all runs of three words; a shorter text is one shingle, an empty one none."""
    if not words:
        return set()
    if len(words) < SHINGLE_WORDS:
        return {" ".join(words)}
    return {" ".join(run) for run in zip(words, words[1:], words[2:], strict=False)}


def minhash_signature(text_shingles: set[str]) -> tuple[int, ...]:
    """Return the MinHash signature, 256 values of 32 bits; empty for a text without shingles.

    Two signatures agree in each position with probability equal to the Jaccard similarity of their
    sets (Broder 1997).
    """
    if not text_shingles:
        return ()
    minhash = RMinHash(PERMUTATIONS, _SEED)
    minhash.update(list(text_shingles))
    return tuple(minhash.digest())


def lsh_bands(signature: Sequence[int]) -> bytes:
    """Return 12 band hashes of 6 bytes each: articles that share one are worth comparing.

    With 12 bands of 3 rows a pair of Jaccard similarity .8, .68 and .59 shares a band with probability
    .9998, .989 and .936, and a pair of .01 with .00001.
    """
    if not signature:
        return b""
    return b"".join(
        xxhash.xxh3_64_digest(
            _BAND_FORMAT.pack(*signature[band * ROWS : (band + 1) * ROWS]), seed=_FAMILY << 8 | band
        )[:BAND_BYTES]
        for band in range(BANDS)
    )


def sketch(signature: Sequence[int]) -> bytes:
    """Return the version of the hash family, then the low byte of each value.

    This is b-bit MinHash (Li and König 2010): 257 bytes tell the Jaccard similarity to within about
    .03, whatever the length of the text.
    """
    if not signature:
        return b""
    return bytes((_FAMILY, *(value & 0xFF for value in signature)))
