"""Texts for property tests of the query language: well formed, in disorder, and any at all."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

NOW = datetime(2026, 11, 25, 14, 35, 20, tzinfo=UTC)

_PIECES = st.sampled_from(
    ["a", "AND", "OR", "NOT", "(", ")", '"', "+", "-", "!", "~", "^", "*", "?", ":", "title:", "published:",
     "sentiment:", "story:", "foo:", "[", "]", "{", "}", "TO", " ", "\\", "2026-11", "now-7d", "1", "2",
     "<", ">", "=", "/", ".", "\0", "é", "“", "0.5"]
)  # fmt: skip
GRAMMAR_IN_DISORDER = st.lists(_PIECES, max_size=40).map("".join)
TEXTS = st.text(st.characters(codec=None), max_size=200)

_LEAVES = st.sampled_from(
    ["a", "b", "storm", "Élysée", "10:30", "al-Jazeera", r"\AND", r"x\:y", "pre*", "word~", "word~2",
     '"a b"', '"a \\" b"~3', "title:a", 'person:"Xi Jinping"', "topic:sport*", "sentiment:>0.25",
     "sentiment:[-1 TO 0.5}", "sentiment:positive", "published:2026-11", "published:>now-7d",
     "published:{2026-11-01 TO 2026-11-05T10:30:01Z]", "published:today", 'story:"s-1"', "U.S.", "习近平"]
)  # fmt: skip
_BOOSTS = st.sampled_from(["", "", "", "^2", "^0.1", "^1.25", "^50"])


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(st.sampled_from(["-", "+", "NOT ", "!"]), inner).map("".join),
        st.tuples(inner, st.sampled_from([" ", " AND ", " OR ", " && ", " || "]), inner).map("".join),
        st.tuples(st.sampled_from(["", "title:", "author:"]), st.just("("), inner, st.just(")"), _BOOSTS).map(
            "".join
        ),
    )


QUERIES = st.recursive(st.tuples(_LEAVES, _BOOSTS).map("".join), _compound, max_leaves=15)
