"""Known names: which token sequences are names of which label, and what each is properly called.

The file is baked by `services.enrich.training.entities` and read once at start-up; look-ups are pure.
"""

from __future__ import annotations

import gzip
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from services.enrich.text import tokenize

CODE_OF_LABEL = {
    "PERSON": "P",
    "ORG": "O",
    "GPE": "G",
    "LOC": "L",
    "FAC": "F",
    "NORP": "N",
    "EVENT": "E",
    "PRODUCT": "R",
    "WORK_OF_ART": "W",
    "LAW": "A",
}
LABEL_OF_CODE = {code: label for label, code in CODE_OF_LABEL.items()}

_MAX_PHRASE_TOKENS = 8
_ACRONYM_CHARS = 6
_HONORIFICS = frozenset(
    {"President", "Vice", "Prime", "King", "Queen", "Prince", "Princess", "Pope", "Emperor", "Chancellor"}
    | {"Sheikh", "General", "Senator", "Governor", "Justice", "Judge", "Dr", "Sir", "Ayatollah", "Imam"}
)


def fold(text: str) -> str:
    """Return `text` with straight apostrophes and without accents, case kept."""
    if text.isascii():
        return text
    text = text.replace("’", "'").replace("‑", "-").replace("–", "-")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)) or text


@dataclass(slots=True)
class Gazetteer:
    """`phrases` maps folded tokens joined by a space to label codes, most likely first.

    `longest` says for a first token how many tokens its longest phrase has; `main_names` maps
    (code, phrase) to the main name; `vocabulary` holds words that are commonly written in lower case.
    """

    phrases: dict[str, str] = field(default_factory=dict)
    longest: dict[str, int] = field(default_factory=dict)
    main_names: dict[tuple[str, str], str] = field(default_factory=dict)
    given: set[str] = field(default_factory=set)
    family: set[str] = field(default_factory=set)
    vocabulary: set[str] = field(default_factory=set)
    name_words: set[str] = field(default_factory=set)

    def match(self, words: Sequence[str], start: int) -> tuple[int, str]:
        """Return (token count, codes) of the longest phrase that starts at `start`, or (0, "")."""
        longest = self.longest.get(words[start], 0)
        if longest == 0:
            return 0, ""
        if longest > 1:
            piece = list(words[start : start + longest])
            while len(piece) > 1:
                codes = self.phrases.get(" ".join(piece))
                if codes:
                    return len(piece), codes
                piece.pop()
        codes = self.phrases.get(words[start])
        return (1, codes) if codes else (0, "")

    def codes_of(self, phrase: str) -> str:
        return self.phrases.get(phrase, "")

    def add(self, code: str, name: str, aliases: Iterable[str]) -> None:
        """Add a name and its aliases; of two bearers of one alias the first added keeps it."""
        for surface in (name, *aliases):
            words = phrase_words(surface)
            if code == "P" and surface is not name and (not words or words[0] in _HONORIFICS):
                continue
            if words and words[0] in {"the", "The"} and len(words) > 1:
                # Without its article "the States" is a word; "the WHO" and "The Hague Group" are names.
                if len(words) > 2 or words[1].isupper():
                    self._add_phrase(code, words[1:], name)
                self.main_names.setdefault((code, " ".join(words[1:])), name)
            if words and words[0] != "the":
                self._add_phrase(code, words, name)
        if code == "P":
            words = phrase_words(name)
            if len(words) > 1:
                self.given.add(words[0])
                self.family.add(words[-1])

    def _add_phrase(self, code: str, words: list[str], name: str) -> None:
        if len(words) > _MAX_PHRASE_TOKENS:
            return
        phrase = " ".join(words)
        if not any(c.isupper() for c in phrase) and len(phrase) < 5:
            return  # a lower-case brand this short is an ordinary word more often than not
        codes = self.phrases.get(phrase, "")
        if code not in codes:
            self.phrases[phrase] = codes + code
        self.longest[words[0]] = max(self.longest.get(words[0], 0), len(words))
        self.main_names.setdefault((code, phrase), name)
        if phrase[0].isupper():
            self.name_words.update(words)


def phrase_words(surface: str) -> list[str]:
    return [fold(token.text) for token in tokenize(surface)]


def truecased_word(word: str, gazetteer: Gazetteer) -> str:
    """Return "RANCHI" as "Ranchi" where only that is a known name; other words as they are."""
    if len(word) > 3 and word.isupper() and word not in gazetteer.name_words:
        title = word.title()
        if title in gazetteer.name_words or title in gazetteer.given or title in gazetteer.family:
            return title
    return word


def read_gazetteer(path: Path) -> Gazetteer:
    """Read a baked file. Raises OSError when it cannot be read, ValueError when it is not one."""
    gazetteer = Gazetteer()
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            kind, name, aliases = line.rstrip("\n").split("\t")
            if kind == "given":
                gazetteer.given.add(name)
            elif kind == "family":
                gazetteer.family.add(name)
            elif kind == "lower":
                gazetteer.vocabulary.add(name)
            else:
                gazetteer.add(kind, name, aliases.split("|") if aliases else ())
    return gazetteer
