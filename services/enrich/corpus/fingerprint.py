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
from services.enrich.steps.terms import BackgroundIdf, foreign_stop_words, terms
from shared.events import Precedence

TOP_TERMS: Final = 50
TITLE_WEIGHT: Final = 2
MAX_TITLE_CHARS: Final = 300
MAX_URL_CHARS: Final = 2048
_UNIT: Final = 65535
_TERM: Final = struct.Struct("<IH")
_MAX_REVISION: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """An article as the corpus sees it.

    `version` orders what is known of one article: the greater string wins (see `version_of`).
    `terms` are its most telling terms, heaviest first. `vector` holds 6 bytes for each: its hash and its
    weight in units of 1/65535, little-endian; the weights have Euclidean length 1.
    `bands` and `sketch` are what `signature` makes of the text. `digest` is a hash of all of this: the
    same one means there is nothing to do. `story_id` is the id of the story that the article would found.
    """

    id: str
    title: str
    url: str | None
    at: datetime
    version: str
    terms: tuple[str, ...]
    vector: bytes
    bands: bytes
    sketch: bytes
    digest: bytes
    story_id: str


def fingerprint(
    article_id: str,
    *,
    title: str,
    body: str,
    url: str | None,
    at: datetime,
    idf: BackgroundIdf,
    version: str = "",
    language: str = "en",
) -> Fingerprint:
    """Return the fingerprint of an article; `at` is when it was published, or else received (UTC-aware).

    `language` is the ISO 639-1 code that says which words tell nothing.

    A copy often has a headline of its own, so near-duplicates are told by the body alone if there is one.
    """
    signature = minhash_signature(shingles(words_of(body) or words_of(title)))
    bands, low_bytes = lsh_bands(signature), sketch(signature)
    telling, vector = _telling_terms(title, body, idf, foreign_stop_words(language))
    title = title[:MAX_TITLE_CHARS]
    url = url if url and len(url) <= MAX_URL_CHARS else None
    labels = _encode("\0".join((article_id, title, url or "", at.isoformat(), version)))
    return Fingerprint(
        id=article_id,
        title=title,
        url=url,
        at=at,
        version=version,
        terms=telling,
        vector=vector,
        bands=bands,
        sketch=low_bytes,
        digest=xxhash.xxh3_128_digest(labels + vector + bands + low_bytes),
        story_id=xxhash.xxh3_128_hexdigest(b"story:" + _encode(article_id)),
    )


def version_of(precedence: Precedence) -> str:
    """Return what orders events about one article as a string of fixed width that sorts the same way.

    Redis compares it, in whose Lua a number is exact only up to 2**53.
    """
    revision = min(precedence.revision, _MAX_REVISION)
    return f"{min(precedence.epoch, 0xFFFFFFFF):08x}{int(precedence.final)}{revision:016x}"


def _telling_terms(
    title: str, body: str, idf: BackgroundIdf, dull: frozenset[str]
) -> tuple[tuple[str, ...], bytes]:
    counts = terms(body[:MAX_TEXT_CHARS])
    for term, count in terms(title[:MAX_TITLE_CHARS]).items():
        counts[term] = counts.get(term, 0) + TITLE_WEIGHT * count
    # Negative weights sort heaviest first, and equal ones by term, without a key function.
    weights = [
        (-idf.idf(term) * (1 + math.log(count)), term) for term, count in counts.items() if term not in dull
    ]
    weights.sort()
    top = [(-weight, term) for weight, term in weights[:TOP_TERMS] if weight < 0]
    length = math.hypot(*(weight for weight, _ in top)) or 1.0
    by_hash: dict[int, tuple[str, int]] = {}
    for weight, term in top:
        if units := round(weight / length * _UNIT):
            by_hash.setdefault(xxhash.xxh32_intdigest(_encode(term)), (term, units))
    vector = b"".join(_TERM.pack(term_hash, units) for term_hash, (_, units) in by_hash.items())
    return tuple(term for term, _ in by_hash.values()), vector


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
