"""What the corpus keeps of an article, computed from the article alone."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import xxhash

from services.enrich.corpus.signature import (
    MAX_TEXT_CHARS,
    lsh_bands,
    minhash_signature,
    shingles,
    sketch,
    words_of,
)
from services.enrich.steps.terms import BackgroundIdf, terms
from shared.events import Precedence

TOP_TERMS: Final = 50
TITLE_WEIGHT: Final = 2
MAX_TITLE_CHARS: Final = 300
MAX_URL_CHARS: Final = 2048
_UNIT: Final = 65535
_MAX_REVISION: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """An article as the corpus sees it.

    `terms` are its most telling terms, heaviest first, with weights of Euclidean length 1.
    `bands` and `sketch` come from `signature`. `version` orders what is known of one article: the
    greater string wins (see `version_of`).
    """

    id: str
    title: str
    url: str | None
    at: datetime
    version: str
    terms: tuple[tuple[str, float], ...]
    bands: bytes
    sketch: bytes

    @property
    def story_id(self) -> str:
        """Id of the story that this article would found; tells nothing of the article itself."""
        return xxhash.xxh3_128_hexdigest(b"story:" + _encode(self.id))

    @property
    def vector(self) -> bytes:
        """Return `terms` as 6 bytes each: hash of the term, weight in units of 1/65535, little-endian."""
        pairs = {term_hash(term): round(weight * _UNIT) for term, weight in reversed(self.terms)}
        return b"".join(struct.pack("<IH", *pair) for pair in reversed(pairs.items()))

    @property
    def digest(self) -> bytes:
        """Return a hash of all that the corpus stores: the same one means there is nothing to do."""
        parts = (self.id, self.title, self.url or "", self.at.isoformat(), self.version)
        state = xxhash.xxh3_128(_encode("\0".join(parts)))
        state.update(self.vector)
        state.update(self.bands)
        state.update(self.sketch)
        return state.digest()


def fingerprint(
    article_id: str,
    *,
    title: str,
    body: str,
    url: str | None,
    at: datetime,
    idf: BackgroundIdf,
    version: str = "",
) -> Fingerprint:
    """Return the fingerprint of an article; `at` is when it was published, or else received (UTC-aware).

    A copy often has a headline of its own, so near-duplicates are told by the body alone if there is one.
    """
    signature = minhash_signature(shingles(words_of(body) or words_of(title)))
    return Fingerprint(
        id=article_id,
        title=title[:MAX_TITLE_CHARS],
        url=url if url and len(url) <= MAX_URL_CHARS else None,
        at=at,
        version=version,
        terms=_telling_terms(title, body, idf),
        bands=lsh_bands(signature),
        sketch=sketch(signature),
    )


def version_of(precedence: Precedence) -> str:
    """Return what orders events about one article as a string of fixed width that sorts the same way.

    Redis compares it, in whose Lua a number is exact only up to 2**53.
    """
    revision = min(precedence.revision, _MAX_REVISION)
    return f"{min(precedence.epoch, 0xFFFFFFFF):08x}{int(precedence.final)}{revision:016x}"


def term_hash(term: str) -> int:
    return xxhash.xxh32_intdigest(_encode(term))


def _telling_terms(title: str, body: str, idf: BackgroundIdf) -> tuple[tuple[str, float], ...]:
    counts = terms(body[:MAX_TEXT_CHARS])
    for term, count in terms(title[:MAX_TITLE_CHARS]).items():
        counts[term] = counts.get(term, 0) + TITLE_WEIGHT * count
    weights = {term: (1 + math.log(count)) * max(idf.idf(term), 0.0) for term, count in counts.items()}
    top = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:TOP_TERMS]
    length = math.sqrt(sum(weight * weight for _, weight in top))
    return tuple((term, weight / length) for term, weight in top if weight > 0)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
