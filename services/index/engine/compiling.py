"""Query nodes to Tantivy queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from tantivy import FieldType, Occur, Query, Schema

from services.index.engine.analysis import keyword, stems, words
from services.index.engine.documents import seconds_of
from services.index.engine.schema import ARTICLE
from services.index.query.nodes import (
    Bool,
    Field,
    Fuzzy,
    In,
    MatchAll,
    Node,
    Phrase,
    Prefix,
    Range,
    Term,
)  # fmt: skip

LEAST_SCORE = -1.0
# A word of the title says what the article is about. BM25 gives a word repeated in a body at most 2.2 times
# its weight, and one in a title three times as long as others 0.55 times: this puts the title first still.
TITLE_BOOST = 5.0
LARGEST_INTEGER = 2**63 - 1
_FEW_TERMS = 100
_LEAST_INTEGER = -(2**63)
_STEMMED = {Field.TITLE: "title", Field.BODY: "body"}
WORDS = {
    Field.TITLE: "title_words",
    Field.BODY: "body_words",
    Field.SOURCE: "source_words",
    Field.AUTHOR: "author_words",
    Field.ENTITY: "entity_words",
    Field.PERSON: "person_words",
    Field.ORG: "org_words",
    Field.PLACE: "place_words",
    Field.TOPIC: "topic_words",
}
# Fields that hold one exact term; the flag tells whether it is lowercase.
EXACT = {
    Field.LANGUAGE: ("language", True),
    Field.SENTIMENT: ("sentiment", True),
    Field.STORY: ("story", False),
    Field.ID: ("id", True),
}
KEYWORDS = {Field.SOURCE: "source_key", Field.ENTITY: "entity_key", Field.TOPIC: "topic_key"}


class Compiler:
    """Compiles for one schema. It always returns a query that leaves tombstones out."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        # Tombstones have no terms but id and kind: only what could match those has to exclude them.
        self._articles = Query.term_query(schema, "kind", ARTICLE, "basic")

    def compile(self, node: Node) -> Query:
        query = self._node(node)
        return Query.empty_query() if query is None else query

    def below(self, query: Query, sort_key: int) -> Query:
        """Return what of `query` sorts after `sort_key` when the newest come first."""
        return self._restricted(query, self._unsigned_range("sort_key", None, sort_key - 1))

    def from_key(self, query: Query, sort_key: int) -> Query:
        """Return what of `query` has this sort key or a newer one."""
        return self._restricted(query, self._unsigned_range("sort_key", sort_key, None))

    def in_clusters(self, query: Query, clusters: Collection[int]) -> Query:
        return self._restricted(query, self._any_of("cluster", clusters))

    def without_clusters(self, query: Query, clusters: Collection[int]) -> Query:
        if not clusters:
            return query
        return Query.boolean_query([(Occur.Must, query), (Occur.MustNot, self._any_of("cluster", clusters))])

    def with_term(self, query: Query, name: str, value: str) -> Query:
        """Return what of `query` has the exact term in a column."""
        return self._restricted(query, Query.term_query(self._schema, name, value, "basic"))

    def of_ids(self, article_ids: Collection[str]) -> Query:
        return self._articles_only(self._any_of("id", article_ids))

    def _any_of(self, name: str, values: Collection[int] | Collection[str]) -> Query:
        """Return what has one of the terms. One by one, few terms are found ten times as fast as by a set."""
        if len(values) > _FEW_TERMS:
            return Query.term_set_query(self._schema, name, sorted(values))
        terms = [Query.term_query(self._schema, name, value, "basic") for value in values]
        return Query.boolean_query([(Occur.Should, term) for term in terms])

    def written_up_to(self, query: Query, seq: int) -> Query:
        return self._restricted(query, self._unsigned_range("seq", None, seq))

    def indexed_between(self, query: Query, first_us: int, last_us: int) -> Query:
        """Return what of `query` became searchable in a span, both ends included."""
        first, last = max(first_us, _LEAST_INTEGER), min(last_us, LARGEST_INTEGER)
        if first > last:
            return Query.empty_query()
        within = Query.range_query(self._schema, "indexed_us", FieldType.Integer, first, last)
        return self._restricted(query, within)

    @property
    def articles(self) -> Query:
        """All that can be found."""
        return self._articles

    def within(self, query: Query, node: Node) -> Query:
        """Return what of `query` matches `node` too, which adds nothing to the score."""
        return self._restricted(query, self.compile(node))

    def _restricted(self, query: Query, restriction: Query) -> Query:
        return Query.boolean_query(
            [(Occur.Must, query), (Occur.Must, Query.const_score_query(restriction, 0.0))]
        )

    def _node(self, node: Node) -> Query | None:
        """Return None for a node that holds nothing to search for, such as a word of punctuation."""
        match node:
            case MatchAll():
                return Query.const_score_query(self._articles, node.boost)
            case Bool():
                return self._bool(node)
            case Term():
                return _boosted(self._term(node), node.boost)
            case Phrase():
                return _boosted(self._phrase(words(node.text), node.slop, node.field), node.boost)
            case Prefix():
                return _boosted(self._prefix(node), node.boost)
            case Fuzzy():
                return _boosted(self._fuzzy(node), node.boost)
            case Range():
                return self._range(node)
            case In():
                return self._in(node)

    def _bool(self, node: Bool) -> Query | None:
        must = self._all(node.must)
        should = self._all(node.should)
        must_not = self._all(node.must_not)
        clauses = [(Occur.Must, query) for query in must]
        if must:
            clauses += [(Occur.Should, query) for query in should]
        elif should:
            # Nested, because beside a MustNot alone Tantivy would make them optional.
            clauses.append((Occur.Must, Query.boolean_query([(Occur.Should, query) for query in should])))
        elif must_not and not node.must and not node.should:
            clauses.append((Occur.Must, Query.const_score_query(self._articles, 1.0)))
        if not clauses:
            return None
        clauses += [(Occur.MustNot, query) for query in must_not]
        return _boosted(Query.boolean_query(clauses), node.boost)

    def _all(self, nodes: Iterable[Node]) -> list[Query]:
        return [query for query in map(self._node, nodes) if query is not None]

    def _term(self, node: Term) -> Query | None:
        if node.field in EXACT:
            return self._exact(node.field, node.text)
        if len(found := stems(node.text)) > 1:
            return self._phrase(words(node.text), 0, node.field)
        if not found:
            return None
        if node.field is None:
            return _either(
                Query.boost_query(self._text_term("title", found[0]), TITLE_BOOST),
                self._text_term("body", found[0]),
            )
        if node.field in _STEMMED:
            return self._text_term(_STEMMED[node.field], found[0])
        return self._text_term(WORDS[node.field], words(node.text)[0])

    def _text_term(self, name: str, term: str) -> Query:
        return Query.term_query(self._schema, name, term, "freq")

    def _phrase(self, found: Sequence[str], slop: int, field: Field | None) -> Query | None:
        if not found:
            return None
        if field in EXACT:
            return self._exact(field, " ".join(found))
        if field is None:
            title, body = (self._phrase_in(WORDS[name], found, slop) for name in (Field.TITLE, Field.BODY))
            return _either(Query.boost_query(title, TITLE_BOOST), body)
        return self._phrase_in(WORDS[field], found, slop)

    def _phrase_in(self, name: str, found: Sequence[str], slop: int) -> Query:
        if len(found) == 1:
            return self._text_term(name, found[0])
        return Query.phrase_query(self._schema, name, list(found), slop)

    def _prefix(self, node: Prefix) -> Query | None:
        if node.field in EXACT:
            name, lower = EXACT[node.field]
            text = node.text.lower() if lower else node.text
            # Ids are hexadecimal and codes are letters; nothing else may reach the pattern.
            return self._articles_only(self._beginning(name, text)) if text.isalnum() else None
        found = words(node.text)
        if not found:
            return None
        fields = [WORDS[node.field]] if node.field else ["title_words", "body_words"]
        queries = [self._prefix_in(name, found) for name in fields]
        if node.field is None:
            queries[0] = Query.boost_query(queries[0], TITLE_BOOST)
        return _either(*queries)

    def _prefix_in(self, name: str, found: list[str]) -> Query:
        if len(found) == 1:
            return self._beginning(name, found[0])
        return Query.phrase_prefix_query(self._schema, name, [*found])

    def _beginning(self, name: str, text: str) -> Query:
        """`text` is alphanumeric, so it is its own pattern."""
        return Query.regex_query(self._schema, name, f"{text}.*")

    def _fuzzy(self, node: Fuzzy) -> Query | None:
        if node.field in EXACT:
            return self._exact(node.field, node.text)
        found = words(node.text)
        if len(found) != 1:
            return self._phrase(found, 0, node.field)
        fields = [WORDS[node.field]] if node.field else ["title_words", "body_words"]
        queries = [
            Query.fuzzy_term_query(self._schema, name, found[0], node.distance, True) for name in fields
        ]
        if node.field is None:
            queries[0] = Query.boost_query(queries[0], TITLE_BOOST)
        return _either(*queries)

    def _exact(self, field: Field | None, text: str) -> Query | None:
        if field is None or not text:
            return None
        name, lower = EXACT[field]
        return self._articles_only(
            Query.term_query(self._schema, name, encodable(text.lower() if lower else text), "basic")
        )

    def _articles_only(self, query: Query) -> Query:
        return Query.boolean_query([(Occur.Must, self._articles), (Occur.Must, query)])

    def _in(self, node: In) -> Query:
        if node.field in KEYWORDS:
            name = KEYWORDS[node.field]
            values = [keyword(value) for value in node.values]
        else:
            name, lower = EXACT[node.field]
            values = [encodable(value.lower() if lower else value) for value in node.values]
        query = self._any_of(name, sorted(set(values)))
        return Query.const_score_query(self._articles_only(query) if name == "id" else query, 0.0)

    def _range(self, node: Range) -> Query | None:
        if node.field is Field.PUBLISHED:
            lower = _key_from(node.lower, after=not node.include_lower)
            upper = _key_from(node.upper, after=node.include_upper)
            if lower is None and upper is None:
                return self._node(MatchAll(0.0))
            query = self._unsigned_range("sort_key", lower, None if upper is None else upper - 1)
        else:
            lowest, highest = _number(node.lower), _number(node.upper)
            if lowest is None and highest is None:
                # Tantivy refuses a range without any bound, and an open end that is not included.
                lowest = LEAST_SCORE
            query = Query.range_query(
                self._schema, "sentiment_score", FieldType.Float,
                lowest, highest, node.include_lower or node.lower is None,
                node.include_upper or highest is None,
            )  # fmt: skip
        return Query.const_score_query(query, 0.0)

    def _unsigned_range(self, name: str, lower: int | None, upper: int | None) -> Query:
        """Both bounds included; None and what no column can hold are open or empty."""
        if upper is not None and (upper < 0 or (lower is not None and lower > upper)):
            return Query.empty_query()
        return Query.range_query(self._schema, name, FieldType.Unsigned, lower or 0, upper)


def _key_from(bound: datetime | float | None, *, after: bool) -> int | None:
    """Return the least sort key at or after an instant's second, or after that second is over."""
    if not isinstance(bound, datetime):
        return None
    return (seconds_of(bound) + int(after)) << 32


def _number(bound: datetime | float | None) -> float | None:
    return None if bound is None or isinstance(bound, datetime) else float(bound)


def encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _either(*queries: Query) -> Query:
    return (
        queries[0] if len(queries) == 1 else Query.boolean_query([(Occur.Should, query) for query in queries])
    )


def _boosted(query: Query | None, boost: float) -> Query | None:
    return query if query is None or boost == 1.0 else Query.boost_query(query, boost)
