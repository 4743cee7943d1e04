"""The quotes of one paragraph: which attribution each quoted stretch and each reported clause belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from services.enrich.quotes import words
from services.enrich.quotes.attribution import ACCORDING, Attribution, attributions
from services.enrich.quotes.clauses import OPENS_CLAUSE, STOPS, Clause, clause_of, is_next
from services.enrich.quotes.marks import Marked
from services.enrich.quotes.speakers import Memory, Speaker
from services.enrich.quotes.subjects import DASHES, main_subject
from services.enrich.quotes.tokens import Token, sentences

_CALLED_WITHIN_TOKENS: Final = 10
_BEHIND_WITHIN_TOKENS: Final = 40
# More in one sentence is no prose; what is beyond them is not read.
_MAX_PER_SENTENCE: Final = 12
_MAX_APPOSITION_TOKENS: Final = 25
_LINKS: Final = frozenset([",", ":", "that", *DASHES])
_UTTERANCE = re.compile(r"['\"‘“¡¿…\[(]*(?:[^\W_a-zß-ÿ]|\[?\w\]).*[.!?…,—–-][’'\")\]]*\s*\Z", re.DOTALL)
_NAMING: Final = frozenset(["call", "called", "calls", "calling", "branded", "brands", "labelled", "labels"])
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MAX_TITLE_CHARS: Final = 100


class Found(NamedTuple):
    """A quote of the text: text[start:end] said by `speaker`; `cue` is the word that says so."""

    start: int
    end: int
    kind: Literal["direct", "indirect"]
    cue: str
    speaker: Speaker


class Stretch(NamedTuple):
    """What stands between marks at token `at`."""

    at: int
    mark: Marked


class ParagraphReader:
    """Reads one paragraph; `memory` is the article's and learns who spoke."""

    def __init__(self, text: str, tokens: list[Token], memory: Memory) -> None:
        self._text = text
        self._tokens = tokens
        self._memory = memory
        self._found: list[Found] = []
        self._previous: Found | None = None

    def read(self, going_on: Found | None) -> list[Found]:
        """Return the quotes; `going_on` is the last quote of the paragraph before if no mark closed it."""
        for number, (lowest, end) in enumerate(sentences(self._text, self._tokens)):
            known = len(self._found)
            if number == 0 and going_on is not None:
                self._previous = going_on
            self._sentence(lowest, end)
            self._memory.end_sentence(self._tokens, lowest, end)
            self._previous = self._found[-1] if len(self._found) > known else None
        return self._found

    def _sentence(self, lowest: int, end: int) -> None:
        said = attributions(self._tokens, lowest, end)[:_MAX_PER_SENTENCE]
        stretches = [
            Stretch(at, mark) for at in range(lowest, end) if (mark := self._tokens[at].quote) is not None
        ][:_MAX_PER_SENTENCE]
        direct, clauses = self._assign(said, stretches, lowest, end)
        for clause in clauses:
            self._add_clause(clause, lowest)
        for stretch in stretches:
            if any(clause.first <= stretch.at < clause.last for clause in clauses):
                continue
            attribution = direct.get(stretch.at)
            if attribution is not None:
                self._add_direct(stretch, attribution, lowest)
            elif not said:
                self._add_unattributed(stretch, lowest)

    def _assign(
        self, said: Sequence[Attribution], stretches: Sequence[Stretch], lowest: int, end: int
    ) -> tuple[dict[int, Attribution], list[Clause]]:
        """Return the attribution of each stretch said directly, by its token, and the reported clauses."""
        direct: dict[int, Attribution] = {}
        clauses: list[Clause] = []
        for number, one in enumerate(said):
            if clauses and not is_next(self._tokens, one) and clauses[-1].first <= one.cue < clauses[-1].last:
                continue  # said inside what was said
            if clauses and self._tokens[one.cue].word == ACCORDING:
                continue
            own = [stretch.at for stretch in stretches if self._belongs(stretch, one, lowest, end)]
            direct.update((at, one) for at in own if at not in direct)
            clause = None if own else clause_of(self._tokens, one, said[number + 1 :], lowest, end)
            if clause is not None:
                clauses.append(clause)
        return direct, clauses

    def _belongs(self, stretch: Stretch, one: Attribution, lowest: int, end: int) -> bool:
        if stretch.at < one.begin:
            return self._stands_before(stretch, one, lowest)
        return stretch.at >= one.end and self._stands_behind(stretch, one, lowest, end)

    def _stands_before(self, stretch: Stretch, one: Attribution, lowest: int) -> bool:
        """Tell whether the attribution stands right behind the stretch: "…", she said."""
        gap = one.begin - stretch.at
        if one.coordinated or one.kind == "call":
            return False
        if one.leads and self._text[stretch.mark.end - 1] not in ",?!":
            return False
        if gap == 2 and self._tokens[stretch.at + 1].word not in (",", *DASHES):
            return False
        if gap > 2 and not self._is_apposition(stretch.at + 1, one.begin):
            return False
        before = self._tokens[stretch.at - 1].word
        at_front = stretch.at == lowest or before in OPENS_CLAUSE
        at_front = at_front or (stretch.at == lowest + 1 and before in words.CONJUNCTIONS)
        return at_front or self._is_utterance(stretch.mark)

    def _is_apposition(self, first: int, end: int) -> bool:
        """Tell whether tokens [first, end) are "the chief of the place," before a name."""
        tokens = self._tokens[first:end]
        return (
            len(tokens) <= _MAX_APPOSITION_TOKENS
            and tokens[-1].word == ","
            and all(
                token.named is not None
                or (token.quote is None and token.word not in words.FINITE and token.word not in words.CUES)
                for token in tokens
            )
        )

    def _stands_behind(self, stretch: Stretch, one: Attribution, lowest: int, end: int) -> bool:
        """Tell whether the stretch stands right behind: said: "…", or goes on: "…," she said, "…"."""
        if one.kind == "call":
            return self._is_called(stretch, one)
        if stretch.at - one.end > _BEHIND_WITHIN_TOKENS:
            return False
        between = [token.word for token in self._tokens[one.end : stretch.at]]
        if between == ["that"]:
            return stretch.at + 2 >= end
        if all(word in _LINKS for word in between):
            return True
        if one.leads and one.kind not in ("ask", "utter"):
            return False
        if between[-1] == ":":
            return self._is_utterance(stretch.mark)
        if between[-1] != ",":
            return False
        return any(token.quote is not None for token in self._tokens[lowest : one.begin])

    def _is_called(self, stretch: Stretch, one: Attribution) -> bool:
        between = self._tokens[one.cue + 1 : stretch.at]
        if len(between) > _CALLED_WITHIN_TOKENS or (not between and self._tokens[one.cue].word in _NAMING):
            return False
        return all(
            token.quote is None and token.word not in words.FINITE and token.word not in STOPS
            for token in between
        )

    def _add_clause(self, clause: Clause, lowest: int) -> None:
        one = clause.attribution
        speaker = self._memory.speaker(self._text, self._tokens, one.phrase, lowest)
        if speaker.name is None:
            return
        start, end = self._tokens[clause.first].start, self._tokens[clause.last - 1].end
        self._add(Found(start, end, "indirect", self._cue(one), speaker))

    def _add_direct(self, stretch: Stretch, one: Attribution, lowest: int) -> None:
        if not self._is_said(stretch.mark):
            return
        speaker = self._memory.speaker(self._text, self._tokens, one.phrase, lowest)
        self._add(Found(stretch.mark.start, stretch.mark.end, "direct", self._cue(one), speaker))

    def _add_unattributed(self, stretch: Stretch, lowest: int) -> None:
        """Take words in marks that go on with what was said right before, or follow a colon."""
        if not self._is_utterance(stretch.mark):
            return
        speaker, cue = None, ":"
        if stretch.at == lowest:
            if self._previous is not None:
                speaker, cue = self._previous.speaker, self._previous.cue
        elif self._tokens[stretch.at - 1].word == ":":
            phrase = main_subject(self._tokens, stretch.at - 1, lowest)
            if phrase is not None and phrase.named is not None and phrase.named.label in ("PERSON", "ORG"):
                speaker = self._memory.speaker(self._text, self._tokens, phrase, lowest)
        if speaker is not None:
            self._add(Found(stretch.mark.start, stretch.mark.end, "direct", cue, speaker))

    def _add(self, found: Found) -> None:
        self._found.append(found)
        self._memory.speaks(found.speaker)

    def _cue(self, one: Attribution) -> str:
        return "according to" if self._tokens[one.cue].word == ACCORDING else self._tokens[one.cue].word

    def _is_utterance(self, mark: Marked) -> bool:
        """Tell whether the words in marks are a whole utterance: capital in front, stop or comma behind."""
        return _UTTERANCE.match(self._text, mark.start, mark.end) is not None or mark.unclosed

    def _is_said(self, mark: Marked) -> bool:
        """Tell whether the words in marks are an utterance, or several words that are no title of a work."""
        if self._is_utterance(mark) or mark.end - mark.start > _MAX_TITLE_CHARS:
            return True
        inside = _WORD.findall(self._text, mark.start, mark.end)
        if len(inside) > 2 and self._text[mark.end - 1] in ".!?":
            return True
        return len(inside) > 1 and any(word.islower() and len(word) > 3 for word in inside)
