"""What the corpus computes from an article alone."""

import math
import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.enrich.corpus import Fingerprint, Neighbour, Neighbours, fingerprint, related_from, version_of
from services.enrich.corpus.fingerprint import TOP_TERMS
from services.enrich.corpus.neighbours import why_similar
from services.enrich.corpus.signature import (
    BAND_BYTES,
    BANDS,
    PERMUTATIONS,
    lsh_bands,
    minhash_signature,
    shingles,
    sketch,
    words_of,
)
from services.enrich.steps.terms import BackgroundIdf
from shared.events import Entity, Precedence

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDF = BackgroundIdf.load()


def of(title: str, body: str, **changes: object) -> Fingerprint:
    options: dict[str, object] = {"url": "https://example.org/a", "at": AT, "version": "", **changes}
    return fingerprint("a" * 32, title=title, body=body, idf=IDF, **options)  # type: ignore[arg-type]


def weights_of(article: Fingerprint) -> dict[str, float]:
    units = (weight for _, weight in struct.iter_unpack("<IH", article.vector))
    return {term: weight / 65535 for term, weight in zip(article.terms, units, strict=True)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", set(), id="empty"),
        pytest.param(" … — !", set(), id="punctuation only"),
        pytest.param("Port closed", {"port closed"}, id="shorter than a shingle"),
        pytest.param("The port is closed.", {"the port is", "port is closed"}, id="words"),
        pytest.param("港口关闭", {"港 口 关", "口 关 闭"}, id="Chinese has a word per character"),
    ],
)
def test_shingles_are_runs_of_three_words(text: str, expected: set[str]) -> None:
    assert shingles(words_of(text)) == expected


def test_signatures_agree_as_often_as_the_sets_overlap() -> None:
    left = {f"w{n}" for n in range(300)}
    right = {f"w{n}" for n in range(100, 400)}
    agree = sum(a == b for a, b in zip(minhash_signature(left), minhash_signature(right), strict=True))
    assert agree / PERMUTATIONS == pytest.approx(200 / 400, abs=0.1)


def test_signature_does_not_depend_on_the_order_of_shingles() -> None:
    assert minhash_signature({"a", "b", "c"}) == minhash_signature({"c", "a", "b"})


def test_text_without_words_has_no_bands_and_no_sketch() -> None:
    assert minhash_signature(set()) == ()
    assert lsh_bands(()) == b""
    assert sketch(()) == b""


def test_bands_and_sketch_have_fixed_sizes() -> None:
    signature = minhash_signature({"one", "two"})
    assert len(lsh_bands(signature)) == BANDS * BAND_BYTES
    assert len(sketch(signature)) == 1 + PERMUTATIONS


def test_terms_are_the_most_telling_ones_with_weights_of_length_one() -> None:
    body = " ".join(f"name{n} said the port and the harbour" for n in range(90))
    article = of("Masinloc harbour", body)
    weights = weights_of(article)
    assert len(article.terms) == TOP_TERMS
    assert math.hypot(*weights.values()) == pytest.approx(1, abs=0.001)
    assert list(weights.values()) == sorted(weights.values(), reverse=True)
    assert "the" not in weights


def test_a_word_of_the_title_weighs_more_than_one_of_the_body() -> None:
    weights = weights_of(of("Zamboanga", "Masinloc"))
    assert weights["zamboanga"] > weights["masinloc"]


def test_copy_under_another_headline_has_the_same_bands_and_sketch() -> None:
    body = "The coast guard said on Monday that the hotline was open again."
    assert of("Hotline open", body).sketch == of("Coast guard: call us", body).sketch


def test_article_of_a_title_only_is_told_by_its_title() -> None:
    assert of("Quake hits Palu", "").sketch == of("", "Quake hits Palu").sketch != b""


def test_same_article_has_the_same_digest_and_any_change_another() -> None:
    base = of("Title", "Some body of text")
    assert base.digest == of("Title", "Some body of text").digest
    others = [
        of("Other title", "Some body of text"),
        of("Title", "Another body of text"),
        of("Title", "Some body of text", url=None),
        of("Title", "Some body of text", at=AT + timedelta(hours=1)),
        of("Title", "Some body of text", version="1"),
    ]
    assert len({base.digest, *(other.digest for other in others)}) == 6


def test_story_id_does_not_tell_the_article_id() -> None:
    article = of("Title", "Body")
    assert len(article.story_id) == 32
    assert article.story_id != article.id


@settings(max_examples=60, deadline=None)
@given(title=st.text(max_size=80), body=st.text(max_size=400))
def test_any_text_has_a_fingerprint(title: str, body: str) -> None:
    article = of(title, body)
    assert len(article.vector) % 6 == 0
    assert len(article.digest) == 16


@pytest.mark.parametrize(
    "text",
    ["\ud800 lone surrogate", "a" * 300_000, "ab " * 300_000, "\u0301" * 50_000, "\x00" * 1000],
    ids=["surrogate", "one long word", "huge", "combining marks", "NUL"],
)
def test_hostile_text_has_a_fingerprint_of_bounded_size(text: str) -> None:
    article = of(text, text, url="https://example.org/" + text)
    assert len(article.vector) <= TOP_TERMS * 6
    assert len(article.title) <= 300
    assert article.url is None or len(article.url) <= 2048


def test_versions_sort_as_precedence_does() -> None:
    never = datetime.fromtimestamp(0, UTC)
    rising = [
        Precedence(0, False, 0, never, AT),
        Precedence(0, False, 9, never, AT),
        Precedence(0, False, 10, never, AT),
        Precedence(0, False, 20_260_101_123_000, never, AT),
        Precedence(0, True, 3, never, AT),
        Precedence(1, False, 1, never, AT),
        Precedence(12, False, 1, never, AT),
    ]
    versions = [version_of(precedence) for precedence in rising]
    assert versions == sorted(versions)
    assert len(set(versions)) == len(versions)
    assert (
        len({len(version) for version in [*versions, version_of(Precedence(0, False, 10**30, never, AT))]})
        == 1
    )


def test_shared_terms_are_named_weightiest_first() -> None:
    one = of("Masinloc hotline", "Masinloc Masinloc hotline Zamboanga Palawan")
    other = of("Hotline at Masinloc", "Masinloc hotline Basilan")
    assert why_similar(one, other.vector) == "shares words: Masinloc, hotline"


def test_shared_names_are_told_whole_and_apart_from_words() -> None:
    def named(label: str, canonical: str, text: str = "") -> Entity:
        return Entity(text=text or canonical, label=label, canonical=canonical, count=1)

    one = of(
        "Hotline in Masinloc",
        "Rodel Batungbakal opened hotlines. Ann Reed of Fjordkapital Invest paid. NATO's call.",
        entities=[
            named("PERSON", "Rodel Batungbakal"),
            named("PERSON", "Ann Reed"),
            named("ORG", "Fjordkapital Invest"),
            named("GPE", "Masinloc"),
            named("ORG", "North Atlantic Treaty Organization", "NATO"),
            named("DATE", "Hotline"),
        ],
    )
    other = of("", "Masinloc hotline: Rodel Batungbakal, Reed, Fjordkapital and NATO.")
    names, _, words = why_similar(one, other.vector).removeprefix("shares names: ").partition("; words: ")
    assert set(names.split(", ")) == {
        "Rodel Batungbakal",
        "Reed",
        "Masinloc",
        "North Atlantic Treaty Organization",
    }
    assert set(words.split(", ")) == {"Fjordkapital", "hotlines"}


def test_duplicates_come_before_similar_articles_among_related_links() -> None:
    copy = Neighbour("b" * 32, None, "Copy", 0.9, "90% of the text is the same")
    like = Neighbour("c" * 32, "https://example.org/c", "Like", 0.3, "shares words: hotline")
    links = related_from(Neighbours("s" * 32, duplicates=(copy,), similar=(like,)))
    assert [(link.kind, link.id, link.score) for link in links] == [
        ("duplicate", "b" * 32, 0.9),
        ("similar", "c" * 32, 0.3),
    ]
    assert links[1].why == "shares words: hotline"
