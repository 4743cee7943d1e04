"""Which speaker a phrase means: its entity, its own words, or whom a pronoun points back to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.enrich.quotes import words
from services.enrich.quotes.phrases import SpeakerPhrase
from services.enrich.quotes.subjects import main_subject
from services.enrich.quotes.tokens import Named, Token

MAX_SPEAKER_CHARS: Final = 120
_AGED = re.compile(r"the \d{1,3}-year-old\Z", re.IGNORECASE)


class Speaker(NamedTuple):
    """`name` is canonical or the words of the text; None where a pronoun could be more than one.

    `start` and `end` are where the attribution names the speaker; `kind` decides which pronouns may mean it.
    """

    name: str | None
    start: int
    end: int
    kind: str = ""


class Memory:
    """Who has spoken and who was named in the paragraph, and in the one before: what pronouns mean."""

    def __init__(self) -> None:
        self._last: Speaker | None = None
        self._subject: Named | None = None
        self._named: list[Named] = []
        self._before: Named | None = None
        self._pronouns: dict[str, str] = {}

    def new_paragraph(self) -> None:
        """Keep of the paragraph that ends only a person who was alone in it or spoke in it last."""
        persons = {named.canonical: named for named in self._named if named.label == "PERSON"}
        if len(persons) == 1:
            self._before = next(iter(persons.values()))
        elif persons:
            spoke = self._last.name if self._last is not None else None
            self._before = persons.get(spoke or "")
        self._last = self._subject = None
        self._named = []

    def pass_over(self, named: Sequence[Named]) -> None:
        """Remember the names of a paragraph in which nobody speaks."""
        self._named += named

    def end_sentence(self, tokens: Sequence[Token], lowest: int, end: int) -> None:
        """Remember the subject and the names of a sentence that was read."""
        named = [token.named for token in tokens[lowest:end] if token.named is not None]
        if not named:
            return
        subject = main_subject(tokens, end, lowest)
        if subject is not None and subject.named is not None:
            self._subject = subject.named
        elif not any(token.word in words.PERSONAL for token in tokens[lowest:end]):
            persons = {name.canonical: name for name in named if name.label == "PERSON"}
            if len(persons) == 1:
                self._subject = next(iter(persons.values()))
            elif persons:
                self._subject = None
        for at in range(lowest + 1, end):
            person = tokens[at].named
            if person is not None and tokens[at - 1].word == "but" and person.label == "PERSON":
                self._subject = person
        self._named += named

    def speaks(self, speaker: Speaker) -> None:
        self._last = speaker

    @property
    def last(self) -> Speaker | None:
        """The last speaker of this paragraph."""
        return self._last

    def speaker(self, text: str, tokens: Sequence[Token], phrase: SpeakerPhrase, lowest: int) -> Speaker:
        """Return the speaker that `phrase`, in the sentence from token `lowest`, means."""
        start, end = tokens[phrase.first].start, tokens[phrase.last].end
        if phrase.named is not None:
            return Speaker(phrase.named.canonical, start, end, phrase.named.label)
        surface = " ".join(text[start:end].split())
        word = "he" if _AGED.match(surface) else surface.lower()
        if not phrase.pronoun and word != "he":
            plain = "PLURAL" if surface.endswith("s") else "PLAIN"
            return Speaker(surface[:MAX_SPEAKER_CHARS], start, end, plain)
        meant = self._agreeing(word, self._meant(word, tokens, phrase.first, lowest))
        return Speaker(None, start, end) if meant is None else Speaker(meant[0], start, end, meant[1])

    def _agreeing(self, pronoun: str, meant: tuple[str | None, str] | None) -> tuple[str | None, str] | None:
        """Refuse whom the article has called "she" as the "he" of another sentence, or the reverse."""
        if meant is None or meant[0] is None or pronoun not in words.PERSONAL:
            return meant
        return meant if self._pronouns.setdefault(meant[0], pronoun) == pronoun else None

    def _meant(
        self, pronoun: str, tokens: Sequence[Token], at: int, lowest: int
    ) -> tuple[str | None, str] | None:
        here = [token.named for token in tokens[lowest:at] if token.named is not None]
        if pronoun in words.PERSONAL:
            return self._person(here)
        fitting = ("ORG", "GPE", "PLAIN") if pronoun in words.NEUTER else ("ORG", "NORP", "PLURAL")
        if self._last is not None and self._last.kind in fitting:
            return self._last.name, self._last.kind
        if here and here[0].label in fitting:
            return here[0].canonical, here[0].label
        if self._subject is not None and self._subject.label in fitting:
            return self._subject.canonical, self._subject.label
        return None

    def _person(self, here: Sequence[Named]) -> tuple[str | None, str] | None:
        persons = {named.canonical for named in here if named.label == "PERSON"}
        if len(persons) > 1:
            return None
        last = self._last
        if self._subject is not None and self._subject.label == "PERSON":
            return None if persons - {self._subject.canonical} else (self._subject.canonical, "PERSON")
        if last is not None and last.kind in ("PERSON", "PLAIN") and last.name:
            return None if persons - {last.name} else (last.name, last.kind)
        if persons:
            return None
        if any(named.label == "PERSON" for named in self._named):
            return None
        return None if self._before is None else (self._before.canonical, "PERSON")
