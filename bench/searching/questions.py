"""What is asked, of our engine and of the peer: the same words, phrases, names and spans."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from bench.searching.fts5 import Fts5
from bench.searching.language import DAYS, LanguageModel
from bench.searching.news import NOW, Newsroom
from services.index.engine.protocol import Filters, Page, Query
from services.index.engine.tantivy_engine import TantivyEngine
from services.index.query.parser import parse
from services.index.timeline import timeline_of
from shared.events import ArticleEnriched

# By rank among the words of 652 English articles, "year", "people", "minister" and "police" are common (10 to
# 40 % of all have them), "government", "election" and "football" everyday words (2 to 10 %).
COMMON_RANKS = (40, 200)
EVERYDAY_RANKS = (200, 1_000)
MIDDLE_RANKS = (600, 6_000)
RARE_RANK = 20_000
SAMPLED_ARTICLES = 400
WINDOW_DAYS = 90
# Pages down to here are walked, and the last one is the one that is measured.
DEEP_PAGES = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `start` and `end` are a span of publication."""

    text: str = ""
    entity: str = ""
    start: datetime = NOW
    end: datetime = NOW
    article_id: str = ""
    cursor: str | None = None
    below: datetime = NOW


Ours = Callable[[TantivyEngine, Asked], object]
Peer = Callable[[Fts5, Asked], object]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of question. `whole` are of the whole corpus: there is one, or few of them, and it is cached.

    `prepare` makes a question ready that needs an answer before, such as the cursor of a deep page.
    """

    name: str
    asked: list[Asked]
    ours: Ours
    peer: Peer | None = None
    whole: bool = False
    prepare: Callable[[TantivyEngine, Asked], Asked] | None = None
    note: str = ""


def kinds(language: LanguageModel, documents: int, count: int) -> list[Kind]:
    """Return all kinds, each with `count` different questions. `documents` says which corpus was made."""
    rng = random.Random(23)
    sampled = list(islice(Newsroom(language).articles(documents), min(SAMPLED_ARTICLES, documents)))
    rank = {word: number for number, word in enumerate(language.words)}
    common = _words_of(language, rng, COMMON_RANKS, count)
    everyday = _words_of(language, rng, EVERYDAY_RANKS, count)
    rare = _texts(sampled, rng, count, lambda words: _of_ranks(words, rank, RARE_RANK, len(rank)), 1)
    three = _texts(sampled, rng, count, lambda words: _of_ranks(words, rank, *MIDDLE_RANKS), 3)
    phrases = [Asked(f'"{_name(rng.choice(sampled), rng)}"') for _ in range(count)]
    named = [_of_entity(asked.text, language, rng) for asked in everyday]
    alike = [Asked(article_id=rng.choice(sampled).article_id) for _ in range(count)]
    wrong = [Asked(_misspelt(asked.text, rng)) for asked in three]
    whole = [Asked()]
    return [
        Kind("common term", common, _ten_hits, _peer_ten_hits, note="with the count, and age in the order"),
        Kind("common term by BM25 alone", common, _ten_by_score, _peer_ten_hits, note="what FTS5 does"),
        Kind("everyday term", everyday, _ten_hits, _peer_ten_hits),
        Kind("rare term", rare, _ten_hits, _peer_ten_hits),
        Kind("three terms, all of them", three, _ten_hits, _peer_ten_hits),
        Kind("phrase", phrases, _ten_hits, _peer_ten_hits, note="names of people, places and organisations"),
        Kind("term + entity + 90 days, newest first", named, _newest_of_entity, _peer_newest_of_entity),
        Kind("page of ten with snippets", common, _page, _peer_page, note="common term"),
        Kind("page of ten, near-duplicates collapsed", common, _collapsed, note="common term, snippets too"),
        Kind("top 20 entities of an everyday term", everyday, _top_entities, _peer_top_entities),
        Kind("top 20 entities of all", whole, _top_entities, _peer_top_entities, whole=True),
        Kind("histogram with mean tone of an everyday term", everyday, _histogram, _peer_histogram),
        Kind("histogram with mean tone of all", whole, _histogram, _peer_histogram, whole=True),
        Kind(
            f"page {DEEP_PAGES} of an everyday term, newest first",
            everyday[:40],
            _deep,
            _peer_deep,
            prepare=_walked,
        ),
        Kind("more like this", alike, lambda engine, asked: engine.more_like_this(asked.article_id)),
        Kind("did you mean", wrong, _suggestion, note="three terms, one of them misspelt"),
    ]


def _words_of(language: LanguageModel, rng: random.Random, ranks: tuple[int, int], count: int) -> list[Asked]:
    """Return different words while there are any."""
    numbers = list(range(*ranks))
    rng.shuffle(numbers)
    return [Asked(language.words[numbers[at % len(numbers)]]) for at in range(count)]


def _of_ranks(words: list[str], rank: dict[str, int], first: int, last: int) -> list[str]:
    return [word for word in words if first <= rank.get(word, -1) < last]


def _texts(
    sampled: list[ArticleEnriched],
    rng: random.Random,
    count: int,
    pick: Callable[[list[str]], list[str]],
    each: int,
) -> list[Asked]:
    """Return queries of `each` words that stand together in some article."""
    found: list[Asked] = []
    while len(found) < count:
        words = sorted(set(pick(re.findall(r"\w+", rng.choice(sampled).article.body))))
        if len(words) >= each:
            found.append(Asked(" ".join(rng.sample(words, each))))
    return found


def _name(event: ArticleEnriched, rng: random.Random) -> str:
    return rng.choice(event.article.entities).canonical


def _of_entity(text: str, language: LanguageModel, rng: random.Random) -> Asked:
    """Ask for one of the hundred most frequent entities, so that some articles match."""
    number = rng.randrange(100)
    end = NOW - timedelta(days=rng.randrange(DAYS - WINDOW_DAYS))
    entity = f"{language.label(number)}:{language.name(number)}"
    return Asked(text, entity, end - timedelta(days=WINDOW_DAYS), end)


def _misspelt(text: str, rng: random.Random) -> str:
    """Exchange two neighbours within the longest word."""
    word = max(text.split(), key=len)
    place = rng.randrange(1, len(word) - 2)
    wrong = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    return text.replace(word, wrong)


# --- ours: from text to hits, as the API asks the engine ------------------------------------------


def _query(asked: Asked, **more: object) -> Query:
    return Query(parse(asked.text, lenient=True).node, **more)  # type: ignore[arg-type]


def _ten_hits(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, as_of=NOW, highlight=False))


def _ten_by_score(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, count="none", highlight=False))


def _page(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, as_of=NOW))


def _collapsed(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, as_of=NOW, collapse=True))


def _newest_of_entity(engine: TantivyEngine, asked: Asked) -> Page:
    filters = Filters(entity=(asked.entity,), from_at=asked.start, to_at=asked.end)
    return engine.search(_query(asked, filters=filters, sort="newest", highlight=False))


def _top_entities(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, size=1, facets=("entities",), facet_size=20, highlight=False))


def _histogram(engine: TantivyEngine, asked: Asked) -> object:
    return timeline_of(engine.aggregations, parse(asked.text, lenient=True).node, Filters())


def _walked(engine: TantivyEngine, asked: Asked) -> Asked:
    cursor, below = None, NOW
    for _ in range(DEEP_PAGES - 1):
        page = engine.search(_query(asked, sort="newest", cursor=cursor, count="none", highlight=False))
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
        below = datetime.fromisoformat(str(page.hits[-1].card["published_at"]))
    return Asked(asked.text, cursor=cursor, below=below)


def _deep(engine: TantivyEngine, asked: Asked) -> Page:
    return engine.search(_query(asked, sort="newest", cursor=asked.cursor, highlight=False))


def _suggestion(engine: TantivyEngine, asked: Asked) -> object:
    return engine.suggest(_query(asked))


# --- the peer ------------------------------------------------------------------------------------


def _peer_ten_hits(peer: Fts5, asked: Asked) -> object:
    return peer.ten_hits(asked.text)


def _peer_page(peer: Fts5, asked: Asked) -> object:
    return peer.ten_hits_with_snippets(asked.text)


def _peer_newest_of_entity(peer: Fts5, asked: Asked) -> object:
    return peer.newest_of_entity(asked.text, asked.entity, asked.start, asked.end)


def _peer_top_entities(peer: Fts5, asked: Asked) -> object:
    return peer.top_entities(asked.text)


def _peer_histogram(peer: Fts5, asked: Asked) -> object:
    return peer.histogram(asked.text)


def _peer_deep(peer: Fts5, asked: Asked) -> object:
    return peer.newest_before(asked.text, asked.below)
