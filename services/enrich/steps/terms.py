"""The terms of a text and how telling each is: one vocabulary for keyphrases and related articles.

A term is a lower-cased word without possessive or plural ending; stop words, bare numbers and
single letters are none. Text in scripts without spaces gives character bigrams instead.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

from shared.errors import ConfigurationError

MODELS: Final = Path(__file__).resolve().parents[1] / "models"
MAX_TEXT_CHARS: Final = 200_000
_MAX_TOKEN_CHARS: Final = 40

_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
# Han, kana, Thai, Lao, Khmer and Burmese: written without spaces between words.
_UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{2,}"
)

_STOP_WORDS = """
a about above across after again against ago all almost along already also although always am among an
and another any anyone anything are aren't around as ask asked asks at away back be became because
become been before began begin being below between both but by call called came can can't cannot come
could couldn't day days did didn't do does doesn't doing don't done down dr due during each earlier
early eight either eleven else end enough even ever every everyone everything far few first five
following for former found four friday from full further gave get gets getting give given go goes going
gone good got had hadn't half has hasn't have haven't having he he'd he'll he's held help her here hers
herself him himself his hour hours how however hundred i i'd i'll i'm i've if in including inside
instead into is isn't it it'd it'll it's its itself just keep kept know known last late later least left
less let let's like likely little long look made make makes making many may maybe me mean meanwhile
might million minute minutes monday month months more morning most mr mrs ms much must mustn't my myself
near nearly need needs never new next night nine no nobody nor not nothing now of off often old on once
one only onto or other others our ours ourselves out outside over own part per perhaps pm put quite
rather really right said same saturday saw say saying says second see seen set seven several shall
shan't she she'd she'll she's should shouldn't show showed since sir six so some someone something soon
still such sunday take taken takes taking tell ten than that that'll that's the their theirs them
themselves then there there's therefore these they they'd they'll they're they've thing things think
third this those though thought thousand three through throughout thursday thus time times to today
together told tomorrow too took toward towards tuesday turn turned twelve twice two under until up upon
us use used uses using very via want wants was wasn't way we we'd we'll we're we've wednesday week weeks
well went were weren't what what's whatever when where whether which while who who's whole whom whose
why will with within without won't would wouldn't year years yes yesterday yet you you'd you'll you're
you've your yours yourself yourselves
"""
STOP_WORDS: Final = frozenset(_STOP_WORDS.split())


@lru_cache(maxsize=64)
def foreign_stop_words(language: str) -> frozenset[str]:
    """Return what of a language other than English tells nothing, as terms; empty where there is no list.

    Without it any two German articles share enough "der", "die" and "das" to pass for one story.
    """
    for line in (MODELS / "stop_words.tsv").read_text(encoding="utf-8").splitlines():
        code, _, words = line.partition("\t")
        if code == language:
            return frozenset(map(term_of, words.split()))
    return frozenset()


def terms(text: str) -> dict[str, int]:
    """Return how often each term stands in `text`, in order of first appearance.

    Only the first 200,000 characters are read.
    """
    if len(text) > MAX_TEXT_CHARS:
        text = text[:MAX_TEXT_CHARS]
    counts: dict[str, int] = {}
    if not text.isascii() and _UNSPACED.search(text):
        for run in _UNSPACED.findall(text):
            for at in range(len(run) - 1):
                counts[run[at : at + 2]] = counts.get(run[at : at + 2], 0) + 1
        text = _UNSPACED.sub(" ", text)
    for token in tokens(text):
        if term := term_of(token):
            counts[term] = counts.get(term, 0) + 1
    return counts


def tokens(text: str) -> list[str]:
    """Return the words of `text` as it writes them; `term_of` makes terms of them."""
    return _TOKEN.findall(text)


@lru_cache(maxsize=1 << 16)
def term_of(token: str) -> str:
    """Return the term that a word stands for, or "" when it is a stop word or tells nothing."""
    if len(token) > _MAX_TOKEN_CHARS:
        return ""
    word = token.lower().replace("’", "'")
    if word in STOP_WORDS:
        return ""
    if word.endswith("'s"):
        word = word[:-2]
    word = word.replace("'", "")
    if len(word) < 2 or word.isdigit() or word in STOP_WORDS:
        return ""
    return _singular(word)


def _singular(word: str) -> str:
    """Strip an English plural ending (Harman's S-stemmer, 1991): weak on purpose, names stay apart."""
    if len(word) < 4 or word[-1] != "s":
        return word
    if word.endswith("ies") and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith("es") and word[-3] not in "aeo":
        return word[:-1]
    if word[-2] in "us":
        return word
    return word[:-1]


class BackgroundIdf:
    """How rare a term is in news at large, counted once over an annotated news collection.

    The table holds only terms of two articles or more; a term it does not know counts as rarer than any.
    """

    def __init__(self, documents: int, document_frequency: dict[str, int], version: str) -> None:
        self.documents = documents
        self.version = version
        self._idf = {term: _idf(documents, df) for term, df in document_frequency.items()}
        self.unknown = _idf(documents, 0)

    @classmethod
    def load(cls, model_dir: Path | None = None) -> Self:
        """Read `idf.tsv`. Raises ConfigurationError when it is missing or is no such table."""
        path = (model_dir or MODELS) / "idf.tsv"
        remedy = "run `python -m services.enrich.training.idf`"
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ConfigurationError(f"cannot read the background idf table {path}; {remedy}") from error
        try:
            version, documents = lines[0].lstrip("# ").split("\t")
            rows = (line.split("\t") for line in lines[1:])
            return cls(int(documents), {term: int(df) for term, df in rows}, version)
        except (ValueError, IndexError) as error:
            raise ConfigurationError(f"{path} is no background idf table; {remedy}") from error

    def idf(self, term: str) -> float:
        """Return ln((N + 1) / (df + 0.5)): about 0 for a term of every article, `unknown` for a new one."""
        return self._idf.get(term, self.unknown)


def _idf(documents: int, df: int) -> float:
    return math.log((documents + 1) / (df + 0.5))
