from __future__ import annotations

import pytest

from services.enrich.entities.article import Sentence
from services.enrich.entities.document import DocumentPass
from services.enrich.entities.gazetteer import Gazetteer
from services.enrich.entities.spans import Span
from services.enrich.text import tokenize


def revised(lines: list[str], spans: list[Span]) -> list[tuple[str, str]]:
    """Return (name, label) of the spans after the document pass over sentences given as text."""
    names = Gazetteer(vocabulary={"bank", "the", "said", "rose"})
    names.add("O", "Group of 20", ["G20"])
    names.add("G", "United States", ["US", "U.S."])
    names.add("G", "Halifax", [])
    names.add("A", "Paris Agreement", [])
    sentences = []
    for line in lines:
        tokens = tokenize(line)
        sentences.append(Sentence(tokens, [token.text for token in tokens], in_title=False))
    found = DocumentPass(sentences, spans, names).run()
    return [(" ".join(sentences[s.sentence].words[s.start : s.end]), s.label) for s in found]


@pytest.mark.parametrize(
    ("lines", "spans", "expected"),
    [
        (["at the G20 summit"], [Span(0, 2, 4, "EVENT")], [("G20", "ORG")]),
        (["at the G20 summit"], [Span(0, 2, 3, "EVENT")], [("G20", "ORG")]),
        (["at the Tour summit"], [Span(0, 2, 3, "EVENT")], [("Tour", "EVENT")]),
        (["Ann Lund of Halifax"], [Span(0, 0, 4, "PERSON")], [("Ann Lund", "PERSON"), ("Halifax", "GPE")]),
        (["Hoved ApS fell"], [Span(0, 0, 2, "PERSON")], [("Hoved ApS", "ORG")]),
        (["the U.S. did"], [Span(0, 1, 2, "ORG")], [("U.S.", "GPE")]),
        (["the U.S. did"], [], [("U.S.", "GPE")]),
        (["the Paris Agreement"], [Span(0, 1, 3, "ORG")], [("Paris Agreement", "LAW")]),
        (["Adi Vik Morcha (AVM)"], [Span(0, 0, 3, "ORG"), Span(0, 4, 5, "GPE")],
         [("Adi Vik Morcha", "ORG"), ("AVM", "ORG")]),
        (["Ann Lund left", "then Lund said"], [Span(0, 0, 2, "PERSON")],
         [("Ann Lund", "PERSON"), ("Lund", "PERSON")]),
        (["Ann Lund left", "then Lund said"], [Span(0, 0, 2, "PERSON"), Span(1, 1, 2, "GPE")],
         [("Ann Lund", "PERSON"), ("Lund", "PERSON")]),
        (["Volt Wallet rose", "why Volt rose"], [Span(0, 0, 2, "ORG"), Span(1, 1, 2, "PERSON")],
         [("Volt Wallet", "ORG"), ("Volt", "ORG")]),
        (["Halifax Bank rose", "now in Halifax"], [Span(0, 0, 2, "ORG"), Span(1, 2, 3, "GPE")],
         [("Halifax Bank", "ORG"), ("Halifax", "GPE")]),
        (["Zed", "Zed", "Zed"], [Span(0, 0, 1, "ORG"), Span(1, 0, 1, "ORG"), Span(2, 0, 1, "GPE")],
         [("Zed", "ORG")] * 3),
        (["the Bank said", "a Bank said", "by Bank said"], [Span(0, 1, 2, "ORG")], [("Bank", "ORG")]),
        ([], [], []),
    ],
)  # fmt: skip
def test_labels_are_mended_over_the_article(
    lines: list[str], spans: list[Span], expected: list[tuple[str, str]]
) -> None:
    assert revised(lines, spans) == expected
