"""Search parameters as they come over HTTP, and the engine's query they stand for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal, get_args

from fastapi import Query as Param

from services.index.engine.protocol import FacetName, Filters, Query
from services.index.query.dates import parse_span
from services.index.query.parser import QuerySyntaxError, parse
from shared.http.problems import FieldError, Problem

Texts = list[str] | None
MAX_FILTER_VALUES = 50


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A query for the engine, and what of the text was read otherwise than it says."""

    query: Query
    warnings: tuple[str, ...]


def search_request(
    q: Annotated[
        str, Param(description="What to look for; empty finds everything. See /docs for the grammar.")
    ] = "",
    source: Annotated[Texts, Param(description="Outlet, exactly; repeat for any of several.")] = None,
    language: Annotated[Texts, Param(description="ISO 639-1 code.")] = None,
    entity: Annotated[Texts, Param(description="`Xi Jinping` or `PERSON:Xi Jinping`.")] = None,
    topic: Annotated[
        Texts,
        Param(description="IPTC Media Topic: `02000000`, or its name, or a part of it such as `crime`."),
    ] = None,
    sentiment: Annotated[list[Literal["negative", "neutral", "positive"]] | None, Param()] = None,
    story: Annotated[Texts, Param(description="Id of a story.")] = None,
    from_: Annotated[
        str | None, Param(alias="from", description="Published at or after: date or instant.")
    ] = None,
    to: Annotated[
        str | None, Param(description="Published at or before; a date includes its whole day.")
    ] = None,
    sort: Annotated[Literal["relevance", "newest"], Param()] = "relevance",
    size: Annotated[int, Param(ge=1, le=100, description="Hits on a page.")] = 10,
    cursor: Annotated[
        str | None, Param(max_length=500, description="`next_cursor` of the page before.")
    ] = None,
    count: Annotated[Literal["exact", "capped", "none"], Param()] = "capped",
    facets: Annotated[Texts, Param(description="Names of facets, by commas or repeated.")] = None,
    strict: Annotated[
        bool, Param(description="Refuse a query with a fault instead of reading around it.")
    ] = False,
) -> SearchRequest:
    """Return the query that the parameters stand for. Raises Problem naming the one that is wrong."""
    try:
        parsed = parse(q, lenient=not strict)
    except QuerySyntaxError as error:
        raise Problem(
            400, "query-syntax", f"{error}\n{error.caret}", errors=[FieldError("query/q", error.message)]
        ) from error
    filters = Filters(
        source=_values("source", source),
        language=tuple(code.lower() for code in _values("language", language)),
        entity=_values("entity", entity),
        topic=_values("topic", topic),
        sentiment=tuple(sentiment or ()),
        story=_values("story", story),
        from_at=_instant("from", from_, end=False),
        to_at=_instant("to", to, end=True),
    )
    query = Query(
        node=parsed.node,
        filters=filters,
        sort=sort,
        size=size,
        cursor=cursor or None,
        count=count,
        facets=_facets(facets),
    )
    return SearchRequest(query, parsed.warnings)


def _values(name: str, values: Texts) -> tuple[str, ...]:
    wanted = tuple(value.strip() for value in values or () if value.strip())
    if len(wanted) > MAX_FILTER_VALUES:
        raise _bad(name, f"at most {MAX_FILTER_VALUES} values, not {len(wanted)}")
    return wanted


def _facets(values: Texts) -> tuple[FacetName, ...]:
    names = [name.strip() for value in values or () for name in value.split(",") if name.strip()]
    known = get_args(FacetName)
    for name in names:
        if name not in known:
            raise _bad("facets", f"{name[:40]!r} is no facet; there are {', '.join(known)}")
    return tuple(dict.fromkeys(names))  # type: ignore[arg-type]  # checked just above


def _instant(name: str, text: str | None, *, end: bool) -> datetime | None:
    if not text or not text.strip():
        return None
    # An unescaped "+" of a zone arrives as a space.
    span = parse_span(text.strip()) or parse_span(text.strip().replace(" ", "+"))
    if span is None:
        raise _bad(name, "write a date such as 2026-11-01, or an instant such as 2026-11-01T08:00Z")
    if not end:
        return span.start
    return None if span.end is None else span.end - timedelta(seconds=1)


def _bad(name: str, detail: str) -> Problem:
    return Problem(422, "invalid-request", f"{name}: {detail}.", errors=[FieldError(f"query/{name}", detail)])
