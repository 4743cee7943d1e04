"""The latest event of each article of an archive, found on disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.index.archive import Archive
from services.index.archive_reading import ArchiveRecord, segment_path
from services.index.engine.protocol import IndexableEvent
from services.index.latest import ArchiveRewritten, Counts, LatestArticles
from shared.events import ArticleEnriched, Provenance
from tests.index.articles import NOW, article_id, enriched, minutes, retracted

NEW = {"entities": "crf 2"}


def made_by(version: str, event: ArticleEnriched) -> ArticleEnriched:
    versions = {"entities": version, "related": "corpus 1"}
    article = event.article.model_copy(update={"provenance": Provenance(door="api", versions=versions)})
    return event.model_copy(update={"article": article})


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = Archive(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def table(tmp_path: Path, archive: Archive) -> Iterator[LatestArticles]:
    opened = LatestArticles(tmp_path / "latest.sqlite", archive.path, NEW)
    yield opened
    opened.close()
    assert not (tmp_path / "latest.sqlite").exists()


def store(archive: Archive, *events: IndexableEvent) -> None:
    archive.append(events, NOW)


def titles(table: LatestArticles) -> list[str]:
    records = map(ArchiveRecord.model_validate_json, table.lines())
    return [record.event.article.title for record in records if isinstance(record.event, ArticleEnriched)]


def read(table: LatestArticles) -> Counts:
    table.read(lambda _: None)
    return table.counts()


def test_of_each_article_the_highest_rank_is_taken_in_the_archives_order(
    archive: Archive, table: LatestArticles
) -> None:
    store(archive, enriched("a", "a1"), enriched("b", "b2", revision=2), enriched("c", "c1"))
    store(archive, enriched("b", "b1"), enriched("a", "a3", revision=3))
    store(archive, enriched("a", "a2", revision=2), enriched("c", "c1 again", enriched_at=NOW))
    assert read(table) == Counts(articles=3, wanted=3, up_to_date=0, to_do=3)
    assert titles(table) == ["b2", "a3", "c1 again"]


def test_what_is_taken_down_or_withheld_is_no_article(archive: Archive, table: LatestArticles) -> None:
    store(
        archive, enriched("a"), enriched("b"), enriched("c", "c1"), retracted("b", revision=2, withheld=True)
    )
    store(archive, retracted("a"), enriched("a", "late", revision=9), retracted("c"))
    store(archive, enriched("c", "restored", epoch=1))
    assert read(table).articles == 1
    assert titles(table) == ["restored"]


def test_articles_of_the_present_models_are_up_to_date(archive: Archive, table: LatestArticles) -> None:
    store(archive, made_by("crf 1", enriched("a", "old")), made_by("crf 2", enriched("b")))
    assert read(table) == Counts(articles=2, wanted=2, up_to_date=1, to_do=1)
    assert titles(table) == ["old"]
    table.want_all_versions()
    assert table.counts().to_do == 2


def test_only_wanted_articles_are_taken(archive: Archive, table: LatestArticles) -> None:
    store(archive, enriched("a", "a1"), enriched("b", "b1"))
    read(table)
    table.want_only([article_id("b"), article_id("nobody")])
    assert table.counts() == Counts(articles=2, wanted=1, up_to_date=0, to_do=1)
    assert titles(table) == ["b1"]


def test_a_query_that_finds_nothing_takes_nothing(archive: Archive, table: LatestArticles) -> None:
    store(archive, enriched("a"))
    read(table)
    table.want_only([])
    assert table.counts().to_do == 0 and titles(table) == []


def test_staged_articles_are_left_out_unless_a_later_revision_came(
    archive: Archive, table: LatestArticles, tmp_path: Path
) -> None:
    staged = Archive(tmp_path / "staged")
    store(staged, enriched("a", enriched_at=NOW), enriched("b", enriched_at=NOW))
    store(archive, enriched("a"), enriched("b"), enriched("b", "b2", revision=2), enriched("c", "c1"))
    read(table)
    table.leave_out_staged(staged.read())
    staged.close()
    assert titles(table) == ["b2", "c1"]


@pytest.mark.parametrize(
    ("staged", "elsewhere"),
    [
        (enriched("a", enriched_at=NOW), False),
        (enriched("a", revision=2), True),
        (enriched("b"), True),
        (enriched("c"), False),
    ],
    ids=["of ours", "of a revision we never had", "of an article we never had", "of one taken down since"],
)
def test_what_is_staged_of_another_archive_is_noticed(
    archive: Archive, table: LatestArticles, tmp_path: Path, staged: IndexableEvent, elsewhere: bool
) -> None:
    store(archive, enriched("a"), enriched("c"), retracted("c"))
    read(table)
    other = Archive(tmp_path / "staged")
    store(other, staged)
    table.leave_out_staged(other.read())
    other.close()
    assert table.staged_elsewhere() == elsewhere
    table.forget_staged()
    assert not table.staged_elsewhere() and titles(table) == ["A title"]


def test_the_same_event_archived_twice_is_one_article(archive: Archive, table: LatestArticles) -> None:
    event = enriched("a", "once", enriched_at=NOW - minutes(1))
    store(archive, event)
    store(archive, event)
    read(table)
    assert titles(table) == ["once"]


def test_what_is_archived_meanwhile_does_not_disturb(archive: Archive, table: LatestArticles) -> None:
    store(archive, enriched("a", "a1"))
    read(table)
    store(archive, enriched("a", "a2", revision=2), enriched("b"))
    assert titles(table) == ["a1"]


def test_damage_is_counted_and_the_rest_taken(archive: Archive, table: LatestArticles) -> None:
    store(archive, enriched("a"))
    store(archive, enriched("b", "b1"))
    path = segment_path(archive.path, 1)
    content = bytearray(path.read_bytes())
    content[40] ^= 0xFF
    path.write_bytes(content)
    reader = table.read(lambda _: None)
    assert reader.damaged_frames == 1
    assert titles(table) == ["b1"]


def test_an_archive_that_was_rewritten_meanwhile_is_noticed(archive: Archive, table: LatestArticles) -> None:
    store(archive, enriched("a"), enriched("b"), enriched("c"))
    read(table)
    path = segment_path(archive.path, 1)
    path.unlink()
    other = Archive(archive.path.parent / "other")
    store(other, enriched("b"), enriched("c"))
    other.close()
    segment_path(other.path, 1).rename(path)
    with pytest.raises(ArchiveRewritten):
        list(table.lines())
