"""What the corpus keeps of an article, computed from the article alone."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
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
from services.enrich.steps.terms import BackgroundIdf, foreign_stop_words, term_of, terms, tokens
from shared.events import Entity, Precedence

TOP_TERMS: Final = 50
TITLE_WEIGHT: Final = 2
MAX_NAME_CHARS: Final = 80
_VALUES: Final = frozenset({"DATE", "MONEY", "PERCENT"})
MAX_TITLE_CHARS: Final = 300
MAX_URL_CHARS: Final = 2048
_UNIT: Final = 65535
_TERM: Final = struct.Struct("<IH")
_MAX_REVISION: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """An article as the corpus sees it.

    `version` orders what is known of one article: the greater string wins (see `version_of`).
    `terms` are its most telling terms, heaviest first, `words` how the text writes each of them; `names` are
    names of entities with the terms they are made of, longest first. `vector` holds 6 bytes for each term:
    its hash and its weight in units of 1/65535, little-endian; the weights have Euclidean length 1.
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
    words: tuple[str, ...] = ()
    names: tuple[tuple[str, frozenset[str]], ...] = ()


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
    entities: Sequence[Entity] = (),
) -> Fingerprint:
    """Return the fingerprint of an article; `at` is when it was published, or else received (UTC-aware).

    `language` is the ISO 639-1 code that says which words tell nothing. `entities` only serve to tell a
    reader what two articles share.

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
        words=_written(telling, title, body),
        names=_names(frozenset(telling), entities),
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


def _written(telling: tuple[str, ...], title: str, body: str) -> tuple[str, ...]:
    """Return each term as the text writes it: in small letters if it does so anywhere."""
    written = dict.fromkeys(telling, "")
    for text in (body[:MAX_TEXT_CHARS], title):
        for token in tokens(text):
            known = written.get(term_of(token))
            if known is not None and (not known or (token.islower() and not known.islower())):
                written[term_of(token)] = token.removesuffix("'s").removesuffix("’s")
    return tuple(word or term for term, word in written.items())  # a bigram of Han is no token


def _names(telling: frozenset[str], entities: Sequence[Entity]) -> tuple[tuple[str, frozenset[str]], ...]:
    """Return names of which all terms are telling; of a person the surname alone will do."""
    names: dict[str, frozenset[str]] = {}
    for entity in entities:
        if entity.label in _VALUES or len(entity.canonical) > MAX_NAME_CHARS:
            continue
        spellings = [(entity.canonical, entity.canonical), (entity.canonical, entity.text)]
        if entity.label == "PERSON":
            surname = entity.canonical.rpartition(" ")[2]
            spellings.append((surname, surname))
        for name, spelling in spellings:
            made_of = frozenset(filter(None, map(term_of, tokens(spelling[:MAX_NAME_CHARS]))))
            if made_of and made_of <= telling:
                names.setdefault(name, made_of)
    return tuple(sorted(names.items(), key=lambda name: -len(name[1])))


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "replace")
