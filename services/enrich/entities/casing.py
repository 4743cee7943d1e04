"""What an article's own running text says about the case of a word, and undoing of headline case.

"XI MEETS BLINKEN" and "Xi Meets Blinken" become "Xi meets Blinken" when the body, or what is known
of English words and names, says so. Only features see the restored case; offsets stay those of the text.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.enrich.entities.gazetteer import Gazetteer

_MIN_HEADLINE_WORDS = 3
_LONG_WORD_CHARS = 4
# Not "us": in capitals it is mostly the country, and where it is not the body has the word.
_SMALL_WORDS = frozenset(
    {
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "for",
        "from",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "over",
    }
    | {"the", "their", "to", "up", "with", "his", "her", "who", "after", "out", "off", "no", "not"}
)


@dataclass(slots=True)
class CaseEvidence:
    """Words (as written) that the body has in lower case, and in capitals where case was free to choose.

    `capitalised` maps a lower-cased word to the form it most recently had inside a sentence.
    """

    lower: set[str] = field(default_factory=set)
    capitalised: dict[str, str] = field(default_factory=dict)

    def add_sentence(self, words: Sequence[str]) -> None:
        for position, word in enumerate(words):
            first = word[0]
            if first.islower():
                self.lower.add(word)
            elif position and first.isupper():
                self.capitalised[word.lower()] = word


def headline_style(words: Sequence[str]) -> str:
    """Return "upper", "title" or "sentence": how the alphabetic words of one line are cased."""
    alphabetic = [word for word in words if word[0].isalpha()]
    if len(alphabetic) < _MIN_HEADLINE_WORDS:
        return "sentence"
    if sum(word.isupper() for word in alphabetic) > 0.8 * len(alphabetic):
        return "upper"
    long_words = [word for word in alphabetic[1:] if len(word) >= _LONG_WORD_CHARS]
    if len(long_words) > 1 and all(word[0].isupper() for word in long_words):
        return "title"
    return "sentence"


def restore_case(words: Sequence[str], style: str, evidence: CaseEvidence, gazetteer: Gazetteer) -> list[str]:
    """Return the words as running text would most likely write them."""
    if style == "upper":
        return _restore_upper(words, evidence, gazetteer)
    return [_restore_title(word, evidence, gazetteer) if i else word for i, word in enumerate(words)]


def _restore_title(word: str, evidence: CaseEvidence, gazetteer: Gazetteer) -> str:
    lower = word.lower()
    if not word[0].isupper() or word.isupper() or lower in evidence.capitalised:
        return word
    if lower in evidence.lower or (lower in gazetteer.vocabulary and not _is_name(word, gazetteer)):
        return lower
    return word


def _restore_upper(words: Sequence[str], evidence: CaseEvidence, gazetteer: Gazetteer) -> list[str]:
    restored = []
    for word in words:
        lower = word.lower()
        title = lower.title() if "'" not in word else word
        if not word.isupper():
            restored.append(word)
        elif lower in evidence.capitalised:
            restored.append(evidence.capitalised[lower])
        elif lower in evidence.lower or lower in _SMALL_WORDS:
            restored.append(lower)
        elif _is_name(title, gazetteer):
            restored.append(title)
        elif word in gazetteer.name_words:
            restored.append(word)
        else:
            restored.append(lower if lower in gazetteer.vocabulary else title)
    return restored


def _is_name(word: str, gazetteer: Gazetteer) -> bool:
    known: tuple[Collection[str], ...] = (gazetteer.given, gazetteer.family, gazetteer.phrases)
    return any(word in names for names in known)
