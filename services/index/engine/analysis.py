"""How text becomes terms: one definition for indexing, for queries and for highlighting."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from tantivy import Filter, Index, TextAnalyzer, TextAnalyzerBuilder, Tokenizer

STEMS = "stems"
WORDS = "words"
KEYWORD = "keyword"
LONGEST_WORD_BYTES = 40
LONGEST_KEYWORD_CHARS = 256  # Tantivy drops terms above 64 KiB; nobody filters by a name this long

_MARKS = re.compile(
    "["
    + "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) == "Mn")
    + "]+"
)
# Scripts that put no space between words: each character becomes a word, so that phrases find them.
UNSPACED_RANGES = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff"
_UNSPACED = re.compile(f"([{UNSPACED_RANGES}])")


def fold(text: str) -> str:
    """Return `text` without accents, with compatibility forms made plain and unspaced scripts spaced.

    Lone surrogates, which no index can hold, become U+FFFD.
    """
    if text.isascii():
        return text
    kept = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    folded = unicodedata.normalize("NFC", kept).encode("utf-8", "replace").decode()
    return _UNSPACED.sub(r" \1 ", folded)


def _analyzer(tokenizer: Tokenizer, *filters: Filter) -> TextAnalyzer:
    builder = TextAnalyzerBuilder(tokenizer)
    for one in filters:
        builder = builder.filter(one)
    return builder.build()


def _word_filters() -> tuple[Filter, ...]:
    return (Filter.remove_long(LONGEST_WORD_BYTES), Filter.lowercase(), Filter.ascii_fold())


_TOKENS = _analyzer(Tokenizer.simple())
_WORDS = _analyzer(Tokenizer.simple(), *_word_filters())
_STEMS = _analyzer(Tokenizer.simple(), *_word_filters(), Filter.stemmer("english"))
_KEYWORD = _analyzer(Tokenizer.raw(), Filter.lowercase(), Filter.ascii_fold())


def register_analyzers(index: Index) -> None:
    """Must be called on every open: the index holds the analysers' names only."""
    index.register_tokenizer(WORDS, _WORDS)
    index.register_tokenizer(STEMS, _STEMS)
    index.register_tokenizer(KEYWORD, _KEYWORD)


def tokens(text: str) -> list[str]:
    """Return what `words` are made of: folded text cut up, whatever the length and case of the pieces."""
    return list(_TOKENS.analyze(fold(text)))


def words(text: str) -> list[str]:
    """Return the words of `text`, folded and lowercase, in order."""
    return list(_WORDS.analyze(fold(text)))


def stems(text: str) -> list[str]:
    return list(_STEMS.analyze(fold(text)))


def keyword(text: str) -> str:
    """Return `text` as one exact term, case and accents aside."""
    plain = " ".join(text[:LONGEST_KEYWORD_CHARS].split())
    if plain.isascii():
        return plain.lower()
    terms = _KEYWORD.analyze(fold(plain))
    return str(terms[0]) if terms else ""


@lru_cache(maxsize=65_536)
def word_of(surface: str) -> str:
    """Return one word of a text as `words` would have it."""
    return "".join(words(surface))


@lru_cache(maxsize=65_536)
def stem_of(surface: str) -> str:
    return "".join(stems(surface))
