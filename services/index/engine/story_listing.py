"""Stories among the articles that match, page by page, without loss or repeats while articles keep arriving.

Newest first walks down the matching articles by date: a story comes at the first of its articles met. By
size, the stories are ranked by a count over the column of story ids. Either way all pages are of the state
of the index that the first was of: a page's cursor names it (see `engine.snapshots`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tantivy import Query as TantivyQuery
from tantivy import Searcher

from services.index.engine.aggregations import MAX_RANKED_STORIES, ListedStory, StoryPage, StoryQuery
from services.index.engine.answers import AnswerCache
from services.index.engine.compiling import Compiler
from services.index.engine.snapshots import SnapshotCache
from services.index.engine.story_cursors import StoryPlace, decode_story_cursor, encode_story_cursor
from services.index.engine.writing import Snapshot
from services.index.query.nodes import Field, In

# Where most articles have a story of several, few have to be read for a page; each walk is twice as long as
# the one before, up to a bound. So is the page: where almost none has, the next one goes on from there.
_FIRST_WALK_PER_STORY = 4
_LONGEST_WALK = 400
_MAX_WALKS = 15


class StoryLister:
    def __init__(self, compiler: Compiler, kept: SnapshotCache, answers: AnswerCache) -> None:
        self._compiler = compiler
        self._kept = kept
        self._answers = answers

    def page(self, current: Snapshot, query: StoryQuery) -> StoryPage:
        """Raises InvalidCursor."""
        base = self._compiler.compile(query.node)
        snapshot, position = current, None
        seq = current.seq
        if query.cursor:
            place = decode_story_cursor(query.cursor, query)
            position, seq = place.position, place.seq
            snapshot = self._kept.get(seq, current)
            if snapshot.seq != seq:
                base = self._compiler.written_up_to(base, seq)
        if query.sort == "newest":
            found, following = self._newest(snapshot.searcher, base, query.size, position)
        else:
            seq, ranking = self._ranking(snapshot.searcher, base, query, seq)
            found, following = _slice(ranking, position or 0, query.size)
        if following is None:
            return StoryPage(tuple(found))
        if snapshot.seq == seq:
            self._kept.keep(snapshot)
        return StoryPage(tuple(found), encode_story_cursor(StoryPlace(following, seq), query))

    def _newest(
        self, searcher: Searcher, base: TantivyQuery, size: int, below: int | None
    ) -> tuple[list[ListedStory], int | None]:
        found: list[ListedStory] = []
        reached, last_found = below, None
        length = min(_FIRST_WALK_PER_STORY * size, _LONGEST_WALK)
        for _ in range(_MAX_WALKS):
            rest = base if reached is None else self._compiler.below(base, reached)
            lowest, more = _walk(searcher, rest, length)
            if lowest is None:
                return found, None
            walked = _latest(searcher, self._compiler.from_key(rest, lowest), length + 1)
            newest = {story: key for story, (key, _) in walked.items()}
            matching = self._first_met(searcher, base, newest)
            for story in sorted(matching, key=lambda story: -newest[story]):
                # More than a page, where two share a second and the bits of id: no cursor could come between.
                if len(found) >= size and newest[story] != last_found:
                    return found, reached if last_found is None else last_found
                found.append(ListedStory(story, matching[story]))
                last_found = newest[story]
            if not more:
                return found, None
            reached, length = lowest, min(2 * length, _LONGEST_WALK)
        return found, reached

    def _first_met(self, searcher: Searcher, base: TantivyQuery, newest: dict[str, int]) -> dict[str, int]:
        """Return those of two articles or more with how many of them match, unless met on an earlier walk.

        `newest` has the sort key at which the walk met each story.
        """
        ids = self._of_two(searcher, list(newest))
        if not ids:
            return {}
        among = self._compiler.within(base, In(Field.STORY, tuple(ids)))
        latest = _latest(searcher, among, len(ids))
        return {story: count for story, (key, count) in latest.items() if key == newest[story]}

    def _of_two(self, searcher: Searcher, stories: Sequence[str]) -> list[str]:
        if not stories:
            return []
        request = {"terms": {"field": "story", "size": len(stories), "min_doc_count": 2}}
        query = self._compiler.compile(In(Field.STORY, tuple(stories)))
        return [
            bucket["key"] for bucket in searcher.aggregate(query, {"stories": request})["stories"]["buckets"]
        ]

    def _ranking(
        self, searcher: Searcher, base: TantivyQuery, query: StoryQuery, seq: int
    ) -> tuple[int, list[ListedStory]]:
        """Return the stories by size, and the state that they are of: a first page may be a second old."""
        question = ("ranking", query.node, seq if query.cursor else None)
        return self._answers.get(question, seq, lambda: (seq, self._rank(searcher, base)))

    def _rank(self, searcher: Searcher, base: TantivyQuery) -> list[ListedStory]:
        # A segment that handed over its largest stories only would miss one that is spread over many.
        terms = {"field": "story", "size": MAX_RANKED_STORIES, "segment_size": 20 * MAX_RANKED_STORIES}
        buckets = searcher.aggregate(base, {"stories": {"terms": terms}})["stories"]["buckets"]
        single = [bucket["key"] for bucket in buckets if bucket["doc_count"] == 1]
        several = set(self._of_two(searcher, single))
        ranked = sorted(buckets, key=lambda bucket: (-bucket["doc_count"], bucket["key"]))
        return [
            ListedStory(bucket["key"], int(bucket["doc_count"]))
            for bucket in ranked
            if bucket["doc_count"] > 1 or bucket["key"] in several
        ]


def _slice(ranking: list[ListedStory], offset: int, size: int) -> tuple[list[ListedStory], int | None]:
    reached = offset + size
    return ranking[offset:reached], reached if reached < len(ranking) else None


def _walk(searcher: Searcher, query: TantivyQuery, length: int) -> tuple[int | None, bool]:
    """Return the sort key of the last of the newest articles, and whether there are more below it."""
    hits = searcher.search(query, limit=length + 1, count=False, order_by_field="sort_key").hits
    keys = [int(key) for key, _ in hits]
    if len(keys) <= length:
        return keys[-1] if keys else None, False
    # The next walk begins below the lowest key, so two of one key have to be in the same.
    return next((key for key in reversed(keys) if key != keys[-1]), keys[-1]), True


def _latest(searcher: Searcher, query: TantivyQuery, limit: int) -> dict[str, tuple[int, int]]:
    """Return, for each story, the sort key of its newest article and how many articles it has."""
    newest = {"top_hits": {"sort": [{"sort_key": "desc"}], "size": 1, "docvalue_fields": ["sort_key"]}}
    request = {"terms": {"field": "story", "size": limit}, "aggs": {"newest": newest}}
    buckets = searcher.aggregate(query, {"stories": request})["stories"]["buckets"]
    return {
        bucket["key"]: (int(bucket["newest"]["hits"][0]["sort"][0]), int(bucket["doc_count"]))
        for bucket in buckets
    }
