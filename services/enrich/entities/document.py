"""The document pass: what one sentence says about a name, its other mentions in the article learn.

The tagger is unsure of short mentions; an article names its people and bodies in full once, then in short.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from services.enrich.entities.article import Sentence
from services.enrich.entities.gazetteer import LABEL_OF_CODE, Gazetteer
from services.enrich.entities.mending import mended
from services.enrich.entities.spans import Span, is_acronym_of, phrase, reading_order

_MAX_PHRASE_TOKENS = 8
_PLACE_LABELS = frozenset({"GPE", "LOC", "NORP"})
_PLACE_CUES = frozenset({"in", "at", "near", "of", "from", "to", "and"})
_NEVER_PLACES = frozenset({"EVENT", "PRODUCT", "WORK_OF_ART", "LAW"})
_COMPANY_SUFFIXES = frozenset(
    {"Inc.", "Inc", "Ltd.", "Ltd", "Corp.", "Corp", "plc", "PLC", "LLC", "AG", "GmbH", "ApS", "Bhd", "Oyj"}
    | {"SpA", "Holdings", "FC", "AFC", "Airlines", "Airways"}
)
_MEETINGS = frozenset({"summit", "summits", "meeting", "meetings", "conference", "talks"})


class DocumentPass:
    """Revises the spans of one article. `run` is the whole of it."""

    def __init__(self, sentences: Sequence[Sentence], spans: list[Span], gazetteer: Gazetteer) -> None:
        self._sentences = sentences
        self._spans = spans
        self._gazetteer = gazetteer

    def run(self) -> list[Span]:
        """Return the revised spans in order of sentence and token."""
        self._spans = mended(self._sentences, self._spans)
        self._trim_meetings()
        self._cut_people_from_places()
        self._use_company_suffixes()
        self._label_known_names()
        self._label_acronyms()
        self._use_majority_labels()
        self._label_short_forms()
        self._add_known_names()
        self._add_missed_mentions()
        self._spans.sort(key=reading_order)
        return self._spans

    def _trim_meetings(self) -> None:
        """Leave the body's own name of "G20 summit": what is known as a body stays one when it meets."""
        for span in self._spans:
            words = self._sentences[span.sentence].words
            if span.end - span.start > 1 and words[span.end - 1] in _MEETINGS:
                end = span.end - 1
            elif span.label == "EVENT" and span.end < len(words) and words[span.end] in _MEETINGS:
                end = span.end
            else:
                continue
            if "O" in self._gazetteer.codes_of(" ".join(words[span.start : end])):
                span.end = end
                span.label = "ORG"

    def _use_company_suffixes(self) -> None:
        for span in self._spans:
            words = self._sentences[span.sentence].words[span.start : span.end]
            if len(words) > 1 and words[-1] in _COMPANY_SUFFIXES:
                span.label = "ORG"

    def _cut_people_from_places(self) -> None:
        """Make "Merv Lundgren of Columbus" a person and a place."""
        for span in [span for span in self._spans if span.label == "PERSON"]:
            words = self._sentences[span.sentence].words[span.start : span.end]
            if "of" in words[1:-1]:
                cut = span.start + words.index("of", 1)
                known = self._gazetteer.codes_of(" ".join(words[cut + 1 - span.start :]))
                label = LABEL_OF_CODE[known[0]] if known else "GPE"
                self._spans.append(Span(span.sentence, cut + 1, span.end, label))
                span.end = cut
        self._spans.sort(key=reading_order)

    def _label_known_names(self) -> None:
        """Give listed names that can be only one thing its label: "Paris Agreement", "U.S.", "UK".

        A lone place name is left alone unless the tagger took it for something that no place is:
        cities play for their clubs and people bear their names.
        """
        for span in self._spans:
            words = self._sentences[span.sentence].words[span.start : span.end]
            codes = self._gazetteer.codes_of(" ".join(words))
            if len(codes) != 1:
                continue
            short_country = codes == "G" and len(words[0]) < 5 and words[0].isupper()
            if len(words) > 1 or short_country or (codes == "G" and span.label in _NEVER_PLACES):
                span.label = LABEL_OF_CODE[codes]

    def _label_acronyms(self) -> None:
        """Give "(AVM)" after "Adivasi Vikas Morcha" the label of the long form."""
        for long, short in zip(self._spans, self._spans[1:], strict=False):
            if long.sentence != short.sentence or short.start != long.end + 1 or short.end != short.start + 1:
                continue
            words = self._sentences[long.sentence].words
            if words[long.end] == "(" and is_acronym_of(words[short.start], words[long.start : long.end]):
                short.label = long.label

    def _use_majority_labels(self) -> None:
        votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        keyed = [(phrase(self._sentences, span), span) for span in self._spans]
        for key, span in keyed:
            votes[key][span.label] += 1
        for key, labels in votes.items():
            if len(labels) > 1:
                codes = self._gazetteer.codes_of(key)
                known = {LABEL_OF_CODE[code] for code in codes}
                for label in known & labels.keys():
                    labels[label] += 1
        for key, span in keyed:
            (best, count), *others = votes[key].most_common(2)
            if others and count > others[0][1]:
                span.label = best

    def _label_short_forms(self) -> None:
        """Label a lone word by the longer names it is part of: surnames, and first words of companies."""
        people, bodies = self._name_parts()
        for span in self._spans:
            if span.end - span.start > 1:
                continue
            word = self._sentences[span.sentence].words[span.start]
            if word in people and span.label != "PERSON" and word not in bodies:
                if not self._is_known_place(word):
                    span.label = "PERSON"
            elif word in bodies and word not in people and self._may_be_body(span):
                span.label = bodies[word]

    def _may_be_body(self, span: Span) -> bool:
        """Tell whether a lone first word of a company's name can mean the company: not "in Halifax"."""
        words = self._sentences[span.sentence].words
        before = words[span.start - 1].lower() if span.start else ""
        known = self._gazetteer.codes_of(words[span.start])
        return not known and span.label != "NORP" and before not in _PLACE_CUES

    def _name_parts(self) -> tuple[Counter[str], dict[str, str]]:
        """Return words of full personal names, and first words of longer other names with their label."""
        people: Counter[str] = Counter()
        bodies: dict[str, str] = {}
        for span in self._spans:
            if span.end - span.start < 2:
                continue
            words = self._sentences[span.sentence].words[span.start : span.end]
            if span.label == "PERSON":
                people.update(
                    word for word in words if len(word) > 1 and word[0].isupper() and word[-1] != "."
                )
            elif span.label in {"ORG", "PRODUCT"} and words[0].lower() not in self._gazetteer.vocabulary:
                bodies.setdefault(words[0], span.label)
        return people, bodies

    def _is_known_place(self, word: str) -> bool:
        return any(LABEL_OF_CODE[code] in _PLACE_LABELS for code in self._gazetteer.codes_of(word))

    def _add_known_names(self) -> None:
        """Tag what the tagger left out though it is a listed name that can be little else.

        These are names of two words or more and dotted acronyms ("U.S."), with no capital beside them.
        """
        taken = self._taken()
        for number, sentence in enumerate(self._sentences):
            words = sentence.words
            for i, word in enumerate(words):
                if taken[number][i] or not word[0].isupper():
                    continue
                length, codes = self._gazetteer.match(words, i)
                if length < 2 and not (length and "." in word[:-1]):
                    continue
                if any(taken[number][i : i + length]) or not self._has_free_edges(words, i, i + length):
                    continue
                self._spans.append(Span(number, i, i + length, LABEL_OF_CODE[codes[0]]))
                taken[number][i : i + length] = b"\x01" * length

    @staticmethod
    def _has_free_edges(words: list[str], start: int, end: int) -> bool:
        before = words[start - 1] if start > 1 else ""
        after = words[end] if end < len(words) else ""
        return not before[:1].isupper() and (not after[:1].isupper() or "." in words[end - 1])

    def _taken(self) -> list[bytearray]:
        """Return for each sentence which tokens are in a span."""
        taken = [bytearray(len(sentence.words)) for sentence in self._sentences]
        for span in self._spans:
            taken[span.sentence][span.start : span.end] = b"\x01" * (span.end - span.start)
        return taken

    def _add_missed_mentions(self) -> None:
        """Tag untagged occurrences of names tagged elsewhere in the article, the longest first."""
        names: dict[str, str] = {}
        tagged: Counter[str] = Counter()
        for span in self._spans:
            key = phrase(self._sentences, span)
            tagged[key] += 1
            names.setdefault(key, span.label)
        for person in self._name_parts()[0]:
            if len(person) > 2:
                names.setdefault(person, "PERSON")
        longest: dict[str, int] = {}
        for key in names:
            words = key.split(" ", _MAX_PHRASE_TOKENS)
            if key[0].isupper() and len(words) <= _MAX_PHRASE_TOKENS:
                longest[words[0]] = max(longest.get(words[0], 0), len(words))
        taken = self._taken()
        found = [
            span
            for number, sentence in enumerate(self._sentences)
            for span in self._missed_in(number, sentence, taken[number], names, longest)
        ]
        missed = Counter(phrase(self._sentences, span) for span in found if span.end == span.start + 1)
        for span in found:
            key = phrase(self._sentences, span)
            # A word that is left untagged more often than tagged is a word, not a name.
            if span.end - span.start > 1 or key not in tagged or tagged[key] >= missed[key]:
                self._spans.append(span)

    def _missed_in(
        self,
        number: int,
        sentence: Sentence,
        taken: bytearray,
        names: dict[str, str],
        longest: dict[str, int],
    ) -> list[Span]:
        words = sentence.words
        found: list[Span] = []
        for i, word in enumerate(words):
            if word not in longest or taken[i]:
                continue
            for length in range(min(longest[word], len(words) - i), 0, -1):
                label = names.get(" ".join(words[i : i + length]))
                if label is None or any(taken[i : i + length]):
                    continue
                if length > 1 or self._stands_alone(words, i):
                    found.append(Span(number, i, i + length, label))
                    taken[i : i + length] = b"\x01" * length
                break
        return found

    def _stands_alone(self, words: list[str], i: int) -> bool:
        """Tell whether the capitalised word at `i` is no ordinary word and no part of a longer name."""
        if words[i].lower() in self._gazetteer.vocabulary and (i == 0 or len(words[i]) < 4):
            return False
        before = words[i - 1] if i else ""
        after = words[i + 1] if i + 1 < len(words) else ""
        return not (before[:1].isupper() and i > 1) and not after[:1].isupper()
