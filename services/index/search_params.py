"""Search parameters as they come over HTTP, and the engine's query they stand for.

`search_terms` is what to look for: text and filters. Everything that answers "of these articles" takes it,
from the timeline to the live wire. `search_request` adds the page: order, size, cursor, counts, facets.
Both refuse a faulty text, with the place, unless `lenient` is asked for; `lenient_terms` and
`lenient_request` never do: they are for what people type.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from fastapi import Depends
from fastapi import Query as Param

from services.index.engine.protocol import COUNT_CAP, FACET_NAMES, FacetName, Filters, Query
from services.index.query.dates import parse_span
from services.index.query.nodes import Node
from services.index.query.parser import QuerySyntaxError, parse
from shared.clock import utc_now
from shared.http.problems import FieldError, Problem

Texts = list[str] | None
MAX_FILTER_VALUES = 50


@dataclass(frozen=True, slots=True)
class SearchTerms:
    """What to look for. `text` is as typed, `warnings` say what of it was read otherwise than it says."""

    text: str
    node: Node
    filters: Filters
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query for the engine, and what of the text was read otherwise than it says."""

    query: Query
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TermParameters:
    """The parameters of `SearchTerms`, as given."""

    q: Annotated[
        str,
        Param(
            description="What to look for, as `GET /v1/search` describes; empty finds everything.",
            openapi_examples={
                "words": {"value": "xi blinken"},
                "a phrase, a field and an exclusion": {"value": '"climate talks" place:bali -opinion'},
                "a week of bad news": {"value": "sentiment:<-0.4 published:>now-7d"},
            },
        ),
    ] = ""
    source: Annotated[Texts, Param(description="Outlet, exactly; repeat for any of several.")] = None
    language: Annotated[Texts, Param(description="ISO 639-1 code.")] = None
    entity: Annotated[Texts, Param(description="`Xi Jinping` or `PERSON:Xi Jinping`.")] = None
    topic: Annotated[
        Texts,
        Param(description="IPTC Media Topic: `02000000`, or its name, or a part of it such as `crime`."),
    ] = None
    sentiment: Annotated[
        list[Literal["negative", "neutral", "positive"]] | None,
        Param(description="Tone of the article; repeat for any of several."),
    ] = None
    story: Annotated[Texts, Param(description="Id of a story.")] = None
    from_: Annotated[
        str | None,
        Param(alias="from", description="Published then or later: a date, an instant, or `now-7d`."),
    ] = None
    to: Annotated[
        str | None, Param(description="Published then or earlier; a date includes its whole day.")
    ] = None

    def read(self, *, lenient: bool, now: datetime) -> SearchTerms:
        """Raises Problem naming the parameter that is wrong; for a lenient text, only that of a filter."""
        try:
            parsed = parse(self.q, lenient=lenient, now=now)
        except QuerySyntaxError as error:
            place = FieldError("query/q", error.message, position=error.position)
            raise Problem(400, "query-syntax", f"{error}\n{error.caret}", errors=[place]) from error
        return SearchTerms(self.q, parsed.node, self._filters(now), parsed.warnings)

    def _filters(self, now: datetime) -> Filters:
        from_at = _instant("from", self.from_, now, end=False)
        to_at = _instant("to", self.to, now, end=True)
        if from_at is not None and to_at is not None and from_at > to_at:
            raise bad_parameter("from", "this is later than what `to` says")
        return Filters(
            source=_values("source", self.source),
            language=tuple(code.lower() for code in _values("language", self.language)),
            entity=_values("entity", self.entity),
            topic=_values("topic", self.topic),
            sentiment=tuple(self.sentiment or ()),
            story=_values("story", self.story),
            from_at=from_at,
            to_at=to_at,
        )


@dataclass(frozen=True, slots=True)
class PageParameters:
    """Which page of the articles found, and what is counted beside it."""

    sort: Annotated[
        Literal["relevance", "newest"],
        Param(description="What ranks nothing, such as filters alone, is sorted newest first anyway."),
    ] = "relevance"
    size: Annotated[int, Param(ge=1, le=100, description="Hits on a page.")] = 10
    cursor: Annotated[str | None, Param(max_length=500, description="`next_cursor` of the page before.")] = (
        None
    )
    count: Annotated[
        Literal["exact", "capped", "none"],
        Param(description=f"Count all matches, up to {COUNT_CAP:,} of them, or none."),
    ] = "capped"
    facets: Annotated[
        Texts,
        Param(
            description=f"What to count, by commas or repeated: {', '.join(FACET_NAMES)}.",
            openapi_examples={"two": {"value": ["entities,sources"]}},
        ),
    ] = None
    collapse: Annotated[
        bool,
        Param(description="Show near-duplicates of several outlets under one hit, as its `duplicates`."),
    ] = True

    def request(self, terms: SearchTerms, now: datetime) -> SearchRequest:
        """Return the page of `terms` asked for at `now`, from which the age of articles counts."""
        query = Query(
            node=terms.node,
            filters=terms.filters,
            sort=self.sort,
            size=self.size,
            cursor=self.cursor or None,
            count=self.count,
            facets=_facets(self.facets),
            collapse=self.collapse,
            as_of=now,
        )
        return SearchRequest(query, terms.warnings)


async def asked_at() -> datetime:
    """Return the time that dates like "yesterday", and the age of articles, count from."""
    return utc_now()


async def search_terms(
    given: Annotated[TermParameters, Depends()],
    now: Annotated[datetime, Depends(asked_at)],
    lenient: Annotated[
        bool,
        Param(description="Read around faults of `q` and say so in `warnings`, instead of refusing it."),
    ] = False,
) -> SearchTerms:
    """Return what to look for. Raises Problem naming the parameter that is wrong, and the place in `q`."""
    return given.read(lenient=lenient, now=now)


async def lenient_terms(
    given: Annotated[TermParameters, Depends()], now: Annotated[datetime, Depends(asked_at)]
) -> SearchTerms:
    """Return what to look for as a person typed it. Raises Problem for a filter only."""
    return given.read(lenient=True, now=now)


async def search_request(
    terms: Annotated[SearchTerms, Depends(search_terms)],
    page: Annotated[PageParameters, Depends()],
    now: Annotated[datetime, Depends(asked_at)],
) -> SearchRequest:
    """Return the query that the parameters stand for. Raises Problem naming the one that is wrong."""
    return page.request(terms, now)


async def lenient_request(
    terms: Annotated[SearchTerms, Depends(lenient_terms)],
    page: Annotated[PageParameters, Depends()],
    now: Annotated[datetime, Depends(asked_at)],
) -> SearchRequest:
    return page.request(terms, now)


def _values(name: str, values: Texts) -> tuple[str, ...]:
    wanted = tuple(value.strip() for value in values or () if value.strip())
    if len(wanted) > MAX_FILTER_VALUES:
        raise bad_parameter(name, f"at most {MAX_FILTER_VALUES} values, not {len(wanted)}")
    return wanted


def _facets(values: Texts) -> tuple[FacetName, ...]:
    names = [name.strip() for value in values or () for name in value.split(",") if name.strip()]
    known = get_args(FacetName)
    for name in names:
        if name not in known:
            raise bad_parameter("facets", f"{name[:40]!r} is no facet; there are {', '.join(known)}")
    return tuple(dict.fromkeys(names))  # type: ignore[arg-type]  # checked just above


def _instant(name: str, text: str | None, now: datetime, *, end: bool) -> datetime | None:
    if not text or not text.strip():
        return None
    # An unescaped "+" of a zone arrives as a space.
    span = parse_span(text.strip(), now) or parse_span(text.strip().replace(" ", "+"), now)
    if span is None:
        raise bad_parameter(name, "write a date such as 2026-11-01, 2026-11-01T08:00Z, yesterday or now-7d")
    if not end:
        return span.start
    return None if span.end is None else span.end - timedelta(seconds=1)


def bad_parameter(name: str, detail: str, slug: str = "invalid-request") -> Problem:
    """Return the 400 that names the parameter; `detail` begins in lowercase and has no full stop."""
    return Problem(400, slug, f"{name}: {detail}.", errors=[FieldError(f"query/{name}", detail)])
