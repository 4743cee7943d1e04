"""Random small articles and queries that have something to do with one another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from services.index.engine.analysis import words
from services.index.engine.protocol import Filters
from services.index.query.nodes import Bool, Field, Fuzzy, In, MatchAll, Node, Phrase, Prefix, Range, Term
from shared.events import ArticleEnriched
from tests.index.articles import NOW, enriched, entity, topic

WORDS = (
    "a", "ab", "ba", "abc", "acb", "abd", "bcd", "run", "running", "Runs", "xi", "XI", "Jinping", "Blinken",
    "blinkin", "state", "of", "the", "New", "Delhi", "skies", "sky", "generous", "don't", "don’t", "U.S.",
    "e-mail", "a_b", "10:30", "1,234.5", "C++", "José", "Jose", "jose\u0301", "Weiß", "WEISS", "Ångström",
    "ﬁn", "İstanbul", "ılık", "ſ", "\u212a", "ǅ", "Ⅷ", "½", "™", "ὀδυσσεύς", "ΣΑΣ", "москва", "习近平",
    "北京", "京", "ไทย", "नमस्ते", "한국", "\u0301", "𝐚𝐛", "😀", "…", "—", "“xi”", "\u200b", "\0", "�",
    "y" * 39, "y" * 40, "Y" * 41, "ä" * 20, "ß" * 19,
)  # fmt: skip
SEPARATORS = (" ", " ", " ", ", ", "-", "\n", "\u00a0", "’", "")
NAMES = (
    "Xi Jinping",
    "xi jinping",
    "José",
    "Jose",
    "New Delhi",
    "北京",
    "A  b",
    "ΣΑΣ",
    "ǅ",
    "İ",
    " ",
    "x" * 300,
)
CODES = ("11000000", "politics", "crime, law and justice", "Sport", "")
DAYS = (
    datetime(1960, 1, 1, tzinfo=UTC),
    datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, 12, tzinfo=UTC),
    datetime(2026, 11, 1, 12, 0, 0, 500_000, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC), NOW,
    datetime(2200, 1, 1, tzinfo=UTC),
)  # fmt: skip
SCORES = (-1.0, -0.5, -0.0, 0.0, 1e-300, 0.5, 1.0)
LANGUAGES = ("en", "EN", "zh-Hans", "und")
TONES = ("negative", "neutral", "positive", "Neutral")
STORIES = ("s-1", "S-1", "s")


@st.composite
def texts(draw: st.DrawFn, most: int = 12) -> str:
    found = draw(st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(SEPARATORS)), max_size=most))
    text = "".join(word + separator for word, separator in found)
    return text + draw(st.sampled_from(("", "", "", ".")) | st.text(max_size=4))


ENTITIES = st.builds(
    lambda label, name, text: entity(label, name, text=text),
    st.sampled_from(("PERSON", "ORG", "GPE", "LOC", "DATE", "NORP")),
    st.sampled_from(NAMES) | texts(3).filter(bool),
    st.none() | st.sampled_from(NAMES),
)


@st.composite
def articles(draw: st.DrawFn, key: str) -> ArticleEnriched:
    fields: dict[str, Any] = {
        "source": draw(st.none() | st.sampled_from(NAMES) | texts(3)),
        "authors": tuple(draw(st.lists(st.sampled_from(NAMES) | texts(3), max_size=3))),
        "language": draw(st.sampled_from(LANGUAGES)),
        "sentiment": draw(st.sampled_from(SCORES)),
        "unsupported": draw(st.sampled_from(((), (), ("sentiment",)))),
        "published_at": draw(st.none() | st.sampled_from(DAYS)),
        "received_at": draw(st.sampled_from(DAYS)),
        "story_id": draw(st.none() | st.sampled_from(STORIES)),
        "entities": tuple(draw(st.lists(ENTITIES, max_size=4))),
        "topics": tuple(
            topic(code, name)
            for code, name in draw(
                st.lists(st.tuples(st.sampled_from(CODES), st.sampled_from(CODES)), max_size=3)
            )
        ),
    }
    return enriched(key, draw(texts(5)), draw(texts(20)), **fields)


_TEXT_FIELDS = st.sampled_from(
    (None, None, None, Field.TITLE, Field.BODY, Field.SOURCE, Field.AUTHOR, Field.ENTITY, Field.PERSON,
     Field.ORG, Field.PLACE, Field.TOPIC)
)  # fmt: skip
_EXACT_FIELDS = st.sampled_from((Field.LANGUAGE, Field.SENTIMENT, Field.STORY, Field.ID))
_EXACT_TEXTS = st.sampled_from((*LANGUAGES, *TONES, *STORIES, "", "z", "s-", "n", "a", "0", "zh-Hans x"))
_ASKED = st.sampled_from(WORDS) | st.sampled_from(NAMES) | texts(3)
_FIELD_AND_TEXT = st.tuples(_TEXT_FIELDS, _ASKED) | st.tuples(_EXACT_FIELDS, _EXACT_TEXTS)


@st.composite
def _leaves(draw: st.DrawFn) -> Node:
    field, text = draw(_FIELD_AND_TEXT)
    kind = draw(st.sampled_from(("term", "term", "phrase", "prefix", "fuzzy", "all", "date", "tone", "in")))
    match kind:
        case "term":
            return Term(text, field)
        case "phrase":
            # What more words than two are near enough depends on the other articles: see the test of it.
            slop = 0 if len(words(text)) > 2 else draw(st.sampled_from((0, 0, 1, 2, 5)))
            return Phrase(text, slop, field)
        case "prefix":
            return Prefix(text[: draw(st.integers(1, 12))], field)
        case "fuzzy":
            return Fuzzy(text, draw(st.sampled_from((1, 2))), field)
        case "all":
            return MatchAll()
        case "date":
            # As the parser makes them: half-open.
            bounds = draw(st.none() | st.sampled_from(DAYS)), draw(st.none() | st.sampled_from(DAYS))
            return Range(Field.PUBLISHED, *bounds, include_upper=False)
        case "tone":
            return Range(
                Field.SENTIMENT,
                draw(st.none() | st.sampled_from(SCORES)),
                draw(st.none() | st.sampled_from(SCORES)),
                draw(st.booleans()),
                draw(st.booleans()),
            )
        case _:
            return draw(_ins)


_ins = st.builds(
    In,
    st.sampled_from((Field.SOURCE, Field.ENTITY, Field.TOPIC)),
    st.lists(st.sampled_from((*NAMES, *CODES, "PERSON:Xi Jinping", "law")), min_size=1, max_size=3).map(
        tuple
    ),
) | st.builds(
    In,
    st.sampled_from((Field.LANGUAGE, Field.SENTIMENT, Field.STORY, Field.ID)),
    st.lists(_EXACT_TEXTS, min_size=1, max_size=3).map(tuple),
)


def _bools(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    some = st.lists(children, max_size=3).map(tuple)
    return st.builds(Bool, must=some, should=some, must_not=some)


NODES: st.SearchStrategy[Node] = st.recursive(_leaves(), _bools, max_leaves=8)


def _some(values: tuple[str, ...]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.just(()) | st.lists(st.sampled_from(values), min_size=1, max_size=2).map(tuple)


FILTERS = st.just(Filters()) | st.builds(
    Filters,
    source=_some(NAMES),
    language=_some(LANGUAGES),
    entity=_some((*NAMES, "PERSON:Xi Jinping")),
    topic=_some(CODES),
    sentiment=_some(TONES),
    story=_some(STORIES),
    from_at=st.none() | st.sampled_from(DAYS),
    to_at=st.none() | st.sampled_from(DAYS),
)
