"""Features of a token for the CRF: the word itself, its neighbours, known names, and its other mentions.

Everything that depends on a word alone is computed once per distinct word and kept; what varies by
position is put together from those parts, because this is the hot loop of the enrich service.
Feature strings are bytes: CRFsuite then need not encode them (a fifth of the tagging time).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from services.enrich.entities.gazetteer import Gazetteer, fold, truecased_word

_MAX_KNOWN_WORDS = 50_000
_MAX_WORD_CHARS = 40
_MAX_CUES = 12
_UPPER_RUN = re.compile(r"[^\W\d_a-zß-öø-ÿ]+")

_TITLES = frozenset(
    """
    president minister premier chancellor senator secretary governor mayor judge justice professor coach
    captain chairman chairwoman chair director spokesman spokeswoman spokesperson chief mr mrs ms dr
    prof sir dame lord lady king queen prince princess sheikh pope bishop archbishop cardinal rev father
    imam rabbi ayatollah gen general col colonel lt lieutenant maj major sgt sergeant capt cpl officer
    inspector superintendent commissioner ambassador envoy congressman congresswoman rep sen gov hon mp
    lawmaker leader manager striker midfielder defender goalkeeper forward winger guard pitcher batsman
    bowler skipper driver rider actor actress singer author novelist director-general economist analyst
    researcher lawyer attorney prosecutor founder ceo cfo owner farmer fisherman nurse teacher widow
    brother sister son daughter wife husband mother named
    """.split()  # noqa: SIM905
)
_SPEECH = frozenset(
    {"said", "says", "told", "added", "asked", "wrote", "tweeted", "argued", "warned", "recalled"}
)
_PLACE_CUES = frozenset(
    {"in", "at", "near", "from", "to", "outside", "across", "toward", "towards", "around"}
)


class WordParts(NamedTuple):
    """Ready-made features of one word: for itself and for the two neighbours on each side."""

    own: list[bytes]
    as_previous: list[bytes]
    as_next: list[bytes]
    as_second_previous: bytes
    as_second_next: bytes
    shape: str
    lower: str


def word_shape(word: str) -> str:
    """Return a short shape: "Xx" Capitalised, "X" capitals, "x" lower, "d" digits, others as they are."""
    if word.isalpha():
        if word.islower():
            return "x"
        if word.isupper():
            return "X" if len(word) > 1 else "X1"
        if word[0].isupper() and word[1:].islower():
            return "Xx"
        return "XxX" if word[0].isupper() else "xX"
    if word.isdigit():
        return f"d{len(word)}" if len(word) < 5 else "d"
    shape: list[str] = []
    for char in word[:_MAX_WORD_CHARS]:
        kind = "X" if char.isupper() else "x" if char.isalpha() else "d" if char.isdigit() else char
        if not shape or shape[-1] != kind:
            shape.append(kind)
    return "".join(shape[:8])


class FeatureExtractor:
    """Turns the words of sentences into CRF features. The word cache makes an instance one thread's own."""

    def __init__(self, gazetteer: Gazetteer) -> None:
        self._gazetteer = gazetteer
        self._known: dict[str, WordParts] = {}
        self._phrase_features: dict[tuple[str, int, int], list[bytes]] = {}

    def parts(self, word: str) -> WordParts:
        known = self._known.get(word)
        if known is None:
            if len(self._known) >= _MAX_KNOWN_WORDS:
                self._known.clear()
            known = self._known[word] = self._make_parts(word[:_MAX_WORD_CHARS])
        return known

    def normalised(self, words: Sequence[str]) -> list[str]:
        """Return the words as the gazetteer knows them: folded, and "RANCHI" as "Ranchi"."""
        return [truecased_word(fold(word), self._gazetteer) for word in words]

    def sentence(
        self, words: list[str], about: dict[str, list[bytes]], *, headline: bool
    ) -> list[list[bytes]]:
        """Return the features of each word of a sentence.

        `words` are normalised; `about` maps a word to features from its other mentions in the article.
        """
        parts = [self.parts(word) for word in words]
        last = len(words) - 1
        features: list[list[bytes]] = []
        for i, part in enumerate(parts):
            row = [b"bias", *part.own]
            if i:
                previous = parts[i - 1]
                row += previous.as_previous
                row.append(f"s-1|s={previous.shape}|{part.shape}".encode())
                row.append(parts[i - 2].as_second_previous if i > 1 else b"second")
            else:
                row.append(b"first")
            if i < last:
                row += parts[i + 1].as_next
                if i + 1 < last:
                    row.append(parts[i + 2].as_second_next)
            else:
                row.append(b"last")
            if headline:
                row.append(b"headline")
            mentions = about.get(words[i])
            if mentions:
                row += mentions
            features.append(row)
        self._add_phrases(words, features)
        return features

    def _add_phrases(self, words: list[str], features: list[list[bytes]]) -> None:
        """Mark the longest known names, left to right, on their tokens and just outside them."""
        match = self._gazetteer.match
        i, count = 0, len(words)
        while i < count:
            length, codes = match(words, i)
            if not length:
                i += 1
                continue
            if i:
                features[i - 1].append(f"g+1={codes[0]}".encode())
            for offset in range(length):
                features[i + offset] += self._phrase_parts(codes, offset, length)
            if i + length < count:
                features[i + length].append(f"g-1={codes[0]}".encode())
            i += length

    def _phrase_parts(self, codes: str, offset: int, length: int) -> list[bytes]:
        key = (codes, min(offset, 2), min(length, 3) * (2 if offset == length - 1 else 1))
        known = self._phrase_features.get(key)
        if known is None:
            place = "B" if offset == 0 else "I"
            size = "1" if length == 1 else "2" if length == 2 else "n"
            known = [f"g={place}{code}{size}".encode() for code in codes]
            known.append(f"gs={place}{codes}".encode())
            self._phrase_features[key] = known
        return known

    def _make_parts(self, word: str) -> WordParts:
        lower = word.lower()
        shape = word_shape(word)
        kinds = self._kinds(word, lower)
        own = [f"w={lower}", f"s={shape}", *(f"k={kind}" for kind in kinds)]
        if len(kinds) > 1:
            own.append("K=" + "".join(kinds))
        if word[0].isalnum():
            own += [f"p2={lower[:2]}", f"p3={lower[:3]}", f"e2={lower[-2:]}", f"e3={lower[-3:]}"]
            if len(lower) > 5:
                own += [f"p4={lower[:4]}", f"e4={lower[-4:]}"]
            if "-" in lower:
                own += [f"h={piece}" for piece in lower.split("-", 4)[:4]]
        as_previous = [f"w-1={lower}", f"s-1={shape}", *(f"k-1={kind}" for kind in kinds)]
        as_next = [f"w+1={lower}", f"s+1={shape}", *(f"k+1={kind}" for kind in kinds)]
        if word[0].isalpha() and len(lower) > 3:
            as_next.append(f"e3+1={lower[-3:]}")
            as_previous.append(f"e3-1={lower[-3:]}")
        return WordParts(
            [text.encode() for text in own],
            [text.encode() for text in as_previous],
            [text.encode() for text in as_next],
            f"w-2={lower}".encode(),
            f"w+2={lower}".encode(),
            shape,
            lower,
        )

    def _kinds(self, word: str, lower: str) -> list[str]:
        """Return short codes of the classes a word belongs to: known given or family name, title, …"""
        gazetteer = self._gazetteer
        capital = word[0].isupper()
        kinds = []
        if capital and word in gazetteer.given:
            kinds.append("g")
        if capital and (word in gazetteer.family or any(p in gazetteer.family for p in word.split("-", 3))):
            kinds.append("f")
        if lower.rstrip(".") in _TITLES:
            kinds.append("t")
        if lower in gazetteer.vocabulary:
            kinds.append("v")
        if lower in _SPEECH:
            kinds.append("s")
        if capital and word in gazetteer.name_words and word not in gazetteer.phrases:
            kinds.append("n")
        return kinds


class ArticleWords:
    """Collects how each capitalised word of an article is used, as features for all its mentions."""

    def __init__(self, extractor: FeatureExtractor) -> None:
        self._extractor = extractor
        self._cues: dict[str, set[str]] = {}
        self._lower: set[str] = set()

    def add_sentence(self, words: list[str]) -> None:
        """Take in a normalised sentence of running text."""
        parts = [self._extractor.parts(word) for word in words]
        last = len(words) - 1
        for i, word in enumerate(words):
            if not word[0].isupper():
                self._lower.add(word)
                continue
            cues = self._cues.setdefault(word, set())
            if i:
                self._before(cues, words[i - 1], parts[i - 1])
            if i < last:
                self._after(cues, words[i + 1], parts[i + 1])

    @staticmethod
    def _before(cues: set[str], previous: str, part: WordParts) -> None:
        lower = part.lower
        cues.add("C" if previous[0].isalnum() else "p")
        if b"k-1=g" in part.as_previous:
            cues.add("g")
        if lower.rstrip(".") in _TITLES:
            cues.add("t")
        elif lower in _PLACE_CUES:
            cues.add(lower if lower in {"in", "at"} else "to")
        if previous[0].isalpha() and len(cues) < _MAX_CUES:
            cues.add(f"-{lower}")

    @staticmethod
    def _after(cues: set[str], following: str, part: WordParts) -> None:
        if part.lower in _SPEECH:
            cues.add("s")
        elif following in {"'s", "'S"}:
            cues.add("'s")
        elif following[0].isupper():
            cues.add("X")
            if b"k+1=f" in part.as_next:
                cues.add("f")
        elif following == "(":
            cues.add("(")
        if following[0].isalpha() and len(cues) < _MAX_CUES:
            cues.add(f"+{part.lower}")

    def features(self) -> dict[str, list[bytes]]:
        """Return the features of each capitalised word that occurs in the article."""
        about: dict[str, list[bytes]] = {}
        for word, cues in self._cues.items():
            if word.lower() in self._lower:
                cues.add("l")
            if cues:
                about[word] = [f"m={cue}".encode() for cue in sorted(cues)]
        return about
