from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.enrich.training.news_gold import parse_gold, parse_marks, read_gold

NEWS_GOLD = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "news-gold"
ARTICLE = """@@ id=eu-001 story=eu-s01 outlet="Harbour Post" date=2025-03-04T07:20Z topic=politics tone=-0.5
# {P|Marta Ilves} quits {G|Estonia}'s cabinet
{G|TALLINN} ({O|Baltic Wire}) — She resigned.

The end.

@@ id=eu-002 story=- outlet="B" date=2025-03-04T08:20Z topic=arts tone=1
# Plain
Text
"""


def test_article_has_header_fields_and_plain_text() -> None:
    first, second = parse_gold(ARTICLE)
    assert (first.id, first.story, first.outlet, first.topic, first.tone, first.region) == (
        "eu-001", "eu-s01", "Harbour Post", "politics", -0.5, "eu",
    )  # fmt: skip
    assert first.date == datetime(2025, 3, 4, 7, 20, tzinfo=UTC)
    assert first.title == "Marta Ilves quits Estonia's cabinet"
    assert first.body == "TALLINN (Baltic Wire) — She resigned.\n\nThe end."
    assert second.story is None


def test_marks_index_the_plain_text() -> None:
    article = parse_gold(ARTICLE)[0]
    assert [(article.title[s:e], label) for s, e, label in article.title_marks] == [
        ("Marta Ilves", "PERSON"), ("Estonia", "GPE"),
    ]  # fmt: skip
    assert [(article.body[s:e], label) for s, e, label in article.body_marks] == [
        ("TALLINN", "GPE"), ("Baltic Wire", "ORG"),
    ]  # fmt: skip


def test_unknown_mark_letter_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown label Z"):
        parse_marks("a {Z|thing}")


@pytest.mark.parametrize("text", ["@@ id=x\n# T\nb", ARTICLE.replace("# Plain", "Plain")])
def test_malformed_article_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"malformed header|no '# ' title"):
        parse_gold(text)


def test_error_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "eu-01.txt").write_text("@@ nonsense\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"eu-01\.txt"):
        read_gold(tmp_path)


@pytest.mark.skipif(not NEWS_GOLD.is_dir(), reason="../shared/data/news-gold is absent")
def test_whole_collection_is_read() -> None:
    articles = read_gold(NEWS_GOLD)
    assert len(articles) >= 600
    assert len({article.id for article in articles}) == len(articles)
    assert all("{" not in article.title + article.body for article in articles)
