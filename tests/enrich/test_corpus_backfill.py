"""Old articles loaded beside today's: time is that of publication, and today's keep their place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis

from services.enrich.corpus import Corpus, Fingerprint
from tests.enrich.test_corpus import BUDGET, HOTLINE, HOTLINE_AGAIN, article, nonsense, number, place

TODAY = datetime(2026, 11, 25, 12, tzinfo=UTC)
THEN = datetime(2021, 6, 1, 12, tzinfo=UTC)


def corpus_today(redis: Redis, max_articles: int = 60_000, max_postings: int = 256) -> Corpus:
    return Corpus(redis, max_articles=max_articles, max_postings=max_postings, clock=lambda: TODAY)


def back_fill(count: int, start: int = 1_000, words: str = "") -> list[Fingerprint]:
    """Return articles of 2021, an hour apart, each with words of its own besides `words`."""
    return [
        article(start + n, f"{nonsense(start + n)} {words}", at=THEN + timedelta(hours=n))
        for n in range(count)
    ]


async def counts(redis: Redis) -> tuple[int, int]:
    """Return how many articles are held, and how many of them were old when they came."""
    held, old = await redis.hmget("{corpus}:state", "count", "old_count")
    return int(held or 0), int(old or 0)


async def test_stories_of_years_ago_cluster_among_themselves_and_not_with_todays(redis: Redis) -> None:
    corpus = corpus_today(redis)
    today, then, then_again, today_again = await place(
        corpus,
        article(1, HOTLINE, at=TODAY),
        article(2, HOTLINE, at=THEN),
        article(3, HOTLINE_AGAIN, at=THEN + timedelta(days=1)),
        article(4, HOTLINE_AGAIN, at=TODAY),
    )
    assert then.duplicates == then.similar == ()
    assert [one.id for one in then_again.similar] == [number(2)]
    assert [one.id for one in today_again.similar] == [number(1)]
    assert then.story_id == then_again.story_id != today.story_id == today_again.story_id


async def test_a_report_that_comes_weeks_late_finds_its_story(redis: Redis) -> None:
    """It is older than the window; so are its neighbours in time, whether they came late or not."""
    corpus = corpus_today(redis)
    ago = [TODAY - timedelta(days=days) for days in (13, 20, 60)]
    recent, late, later = await place(
        corpus,
        article(1, HOTLINE, at=ago[0]),
        article(2, HOTLINE_AGAIN, at=ago[1]),
        article(3, HOTLINE_AGAIN, at=ago[2]),
    )
    assert [one.id for one in late.similar] == [number(1)]
    assert {one.id for one in later.duplicates + later.similar} == {number(1), number(2)}
    assert recent.story_id == late.story_id == later.story_id


async def test_neighbours_in_time_meet_across_the_border_of_an_era(redis: Redis) -> None:
    corpus = corpus_today(redis)
    era = timedelta(days=360)
    border = datetime.fromtimestamp(0, UTC) + era * 52
    assert border < TODAY - era
    before, after = await place(
        corpus,
        article(1, HOTLINE, at=border - timedelta(days=3)),
        article(2, HOTLINE_AGAIN, at=border + timedelta(days=3)),
    )
    assert [one.id for one in after.similar] == [number(1)]
    assert before.story_id == after.story_id


async def test_a_back_fill_pushes_none_of_todays_articles_out(redis: Redis) -> None:
    corpus = corpus_today(redis, max_articles=80)
    await place(corpus, *(article(n, nonsense(n), at=TODAY) for n in range(70)))
    await place(corpus, *back_fill(300))
    assert await counts(redis) == (80, 10)
    for n in range(0, 70, 7):
        (again,) = await place(corpus, article(500 + n, nonsense(n), at=TODAY))
        assert [one.id for one in again.duplicates] == [number(n)]
        assert await corpus.forget(number(500 + n))


async def test_a_back_fill_takes_the_room_that_todays_leave_and_gives_it_back(redis: Redis) -> None:
    corpus = corpus_today(redis, max_articles=80)
    await place(corpus, *back_fill(100))
    assert await counts(redis) == (80, 80)
    await place(corpus, *(article(n, nonsense(n), at=TODAY) for n in range(100)))
    assert await counts(redis) == (80, 10)
    (newest,) = await place(corpus, article(900, nonsense(1_099), at=THEN + timedelta(hours=100)))
    assert [one.id for one in newest.duplicates] == [number(1_099)]


async def test_a_back_fill_makes_no_term_of_today_common(redis: Redis) -> None:
    """Of each term only the newest articles are listed: those of 2021 are in lists of their own."""
    corpus = corpus_today(redis, max_postings=10)
    await place(corpus, article(1, HOTLINE, at=TODAY))
    await place(corpus, *back_fill(200, words=HOTLINE))
    similar, old = await place(
        corpus,
        article(2, HOTLINE_AGAIN, at=TODAY),
        article(3, HOTLINE_AGAIN, at=THEN + timedelta(hours=200)),
    )
    assert [one.id for one in similar.similar] == [number(1)]
    assert old.similar and number(1) not in {one.id for one in old.similar}


async def test_an_old_article_leaves_no_trace_when_it_is_forgotten_or_replaced(redis: Redis) -> None:
    corpus = corpus_today(redis)
    await place(corpus, article(1, HOTLINE, at=THEN), article(2, BUDGET, at=THEN, version="1"))
    await place(corpus, article(2, HOTLINE_AGAIN, at=TODAY, version="2"))
    assert await counts(redis) == (2, 1), "its second revision was published today"
    assert await corpus.forget(number(1)) and await corpus.forget(number(2))
    assert await counts(redis) == (0, 0)
    assert set(await redis.keys("*")) == {b"{corpus}:state"}


async def test_memory_pressure_takes_old_articles_first(redis: Redis) -> None:
    from services.enrich.corpus.store import EVICT, PREFIX
    from shared.runtime.scripts import Call, run_all

    corpus = corpus_today(redis)
    await place(corpus, article(1, nonsense(1), at=TODAY), *back_fill(3), article(2, nonsense(2), at=TODAY))
    (reply,) = await run_all(redis, EVICT, [Call((PREFIX,), (4,))])
    assert reply == [4, 1]
    assert await counts(redis) == (1, 0)
    (again,) = await place(corpus, article(3, nonsense(2), at=TODAY))
    assert [one.id for one in again.duplicates] == [number(2)], "of today's the newest stayed"
