"""The corpus-aware steps of enrichment: near duplicates, related articles, stories.

`fingerprint` is pure and belongs in a worker thread; `Corpus` holds the state in Redis that all
workers share; `related_from` turns what it found into the links of an article.
"""

from services.enrich.corpus.fingerprint import Fingerprint, fingerprint, version_of
from services.enrich.corpus.neighbours import Neighbour, Neighbours, related_from
from services.enrich.corpus.store import Corpus

__all__ = [
    "Corpus",
    "Fingerprint",
    "Neighbour",
    "Neighbours",
    "fingerprint",
    "related_from",
    "version_of",
]
