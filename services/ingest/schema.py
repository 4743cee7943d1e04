"""The JSON of our own contract: from a document to an article, or a problem that says where and why. Pure.

Other formats (`services.ingest.formats`) are first brought into its fields, so that all keep the same rules.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from services.ingest import fields
from services.ingest.canonical_url import canonicalize_url
from shared.dates import SET_ASIDE, TOLERANCE
from shared.events import Image, Link, SubmittedArticle
from shared.http.problems import FieldError, Problem, json_pointer

Status = Literal["usable", "withheld", "canceled"]

# Names that other systems give to our fields. They count only where the field itself is absent and the
# value has the field's type; anything else stays under `extra`.
ALIASES: dict[str, str] = {
    "headline": "title",
    "text": "body", "content": "body", "content_text": "body",
    "content_html": "html", "body_html": "html",
    "link": "url",
    "author": "authors", "byline": "authors",
    "publisher": "source",
    "published": "published_at", "date_published": "published_at", "datePublished": "published_at",
    "updated": "updated_at", "date_modified": "updated_at", "dateModified": "updated_at",
    "lang": "language",
    "tags": "keywords",
}  # fmt: skip


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class LinkInput(_Input):
    """A link as submitted: this object, or just its URL."""

    url: fields.NeededUrl
    title: fields.Title = None
    rel: fields.Name = None


class ImageInput(_Input):
    """An image as submitted: this object, or just its URL."""

    url: fields.NeededUrl
    caption: fields.Caption = None
    credit: fields.Caption = None


def _object_of_url(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _links(value: Any) -> Any:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise fields.refused(f"must be an array of links, not {fields.json_type(value)}")
    if len(value) > fields.MAX_LINKS:
        raise fields.refused(f"may hold {fields.MAX_LINKS} links, this holds {len(value)}")
    return tuple(map(_object_of_url, value))


class ArticleInput(_Input):
    """An article as submitted. Fields that are not listed here are kept under `extra`."""

    id: fields.PublisherId = Field(None, description="The publisher's own id of the article.")
    url: fields.Url = Field(None, description="Where the article is published; http or https.")
    title: fields.Title = Field(None, description="The headline.")
    body: fields.LongText = Field(None, description="The text, plain.")
    html: fields.LongText = Field(None, description="The text as HTML, instead of `body`.")
    source: fields.Name = Field(None, description="Who publishes it.")
    authors: fields.Authors = Field((), description="Names; one string is taken as one name.")
    published_at: fields.Instant = Field(None, description="ISO 8601; without a zone it is UTC.")
    updated_at: fields.Instant = Field(None, description="When the publisher last changed it.")
    language: fields.LanguageTag = Field(None, description="BCP 47 tag, e.g. en or pt-BR.")
    revision: fields.Revision = Field(None, description="The publisher's version; the highest wins.")
    status: Annotated[Status, BeforeValidator(fields.publishing_status)] = Field(
        "usable",
        description="`withheld` hides the article until its next revision, `canceled` takes it down.",
    )
    keywords: fields.Keywords = ()
    links: Annotated[tuple[LinkInput, ...], BeforeValidator(_links)] = ()
    image: Annotated[ImageInput | None, BeforeValidator(_object_of_url)] = None


_KNOWN = frozenset(ArticleInput.model_fields)


class ReadArticle(NamedTuple):
    """What a document says: the article, which version it is, and what is to become of it.

    `format` is None for our own.
    """

    article: SubmittedArticle
    revision: int | None
    status: Status
    format: str | None = None


def parse_json(body: bytes) -> Any:
    """Return the JSON document in `body`. Raises a 400 Problem that says where it goes wrong.

    NaN, Infinity, lone surrogates and deep nesting are refused by the parser.
    """
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    if not body.strip():
        raise Problem(400, "empty-body", "The body is empty. Send an article as a JSON object.")
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        try:
            body.decode()
        except UnicodeDecodeError as wrong:
            detail = f"The body is not UTF-8: byte {wrong.start} cannot be read. JSON is always UTF-8."
            raise Problem(400, "invalid-utf-8", detail) from None
        raise Problem(400, "invalid-json", f"The body is not JSON: {str(error)[:200]}.") from None


def read_article(document: Any, now: datetime) -> ReadArticle:
    """Return the article in a parsed document. Raises a 422 Problem that lists every field that is wrong."""
    if not isinstance(document, dict):
        detail = f"An article is a JSON object; this is {fields.json_type(document)}."
        raise Problem(422, "invalid-article", detail, errors=[FieldError("", detail)])
    return read_fields(*_split_fields(document), now)


def read_fields(
    known: dict[str, Any], extra: dict[str, Any], now: datetime, *, max_extra: fields.Most = fields.MOST_EXTRA
) -> ReadArticle:
    """Return the article of these fields. Raises a 422 Problem that lists every field that is wrong."""
    try:
        given = ArticleInput.model_validate(known)
    except ValidationError as error:
        raise invalid([_field_error(problem) for problem in error.errors(include_url=False)]) from None
    errors = _errors_across_fields(given)
    canonical_url = None
    try:
        canonical_url = given.url and canonicalize_url(given.url)
    except ValueError as error:
        errors.append(FieldError("/url", f"url cannot be taken: {error}"))
    try:
        fields.check_extra(extra, max_extra)
    except ValueError as error:
        errors.append(FieldError("", str(error)))
    if errors:
        raise invalid(errors)
    given, extra = _with_believable_update(given, extra, now)
    return ReadArticle(_article(given, canonical_url, extra), given.revision, given.status)


def _with_believable_update(
    given: ArticleInput, extra: dict[str, Any], now: datetime
) -> tuple[ArticleInput, dict[str, Any]]:
    """Set an updated_at from the future aside: it would beat all corrections until then."""
    at = given.updated_at
    if at is None or at <= now + TOLERANCE:
        return given, extra
    return given.model_copy(update={"updated_at": None}), extra | {SET_ASIDE: at.isoformat()}


def _split_fields(document: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the fields of an article, aliases resolved, and the rest."""
    known = {name: value for name, value in document.items() if name in _KNOWN}
    extra: dict[str, Any] = {}
    if len(known) == len(document):
        return known, extra
    for name, value in document.items():
        field = ALIASES.get(name)
        if name in _KNOWN:
            continue
        if field is not None and known.get(field) is None and _fits_alias(field, value):
            known[field] = value
        elif name == "extra" and isinstance(value, dict):
            extra = {**value, **extra}
        else:
            extra[name] = value
    return known, extra


def _fits_alias(field: str, value: Any) -> bool:
    return isinstance(value, str) or (field in ("authors", "keywords") and isinstance(value, list))


def _errors_across_fields(given: ArticleInput) -> list[FieldError]:
    errors: list[FieldError] = []
    blank = (
        fields.is_blank(given.title)
        and fields.is_blank(given.body)
        and fields.is_blank(given.html, markup=True)
    )
    if given.status == "usable":
        if blank:
            advice = "an article needs text: fill at least one of title, body and html"
            errors.extend(FieldError(f"/{name}", advice) for name in ("title", "body", "html"))
    elif blank and given.id is None and given.url is None:
        advice = f"to be {given.status}, an article must be named by its id (with source) or its url"
        errors.extend(FieldError(f"/{name}", advice) for name in ("id", "url"))
    return errors


def _article(given: ArticleInput, canonical_url: str | None, extra: dict[str, Any]) -> SubmittedArticle:
    image = given.image
    return SubmittedArticle(
        publisher_id=given.id,
        url=given.url,
        canonical_url=canonical_url,
        title=given.title,
        body=given.body,
        html=given.html,
        source=given.source,
        authors=given.authors,
        published_at=given.published_at,
        updated_at=given.updated_at,
        language=given.language,
        keywords=given.keywords,
        links=tuple(Link(url=link.url, title=link.title, rel=link.rel) for link in given.links),
        image=image and Image(url=image.url, caption=image.caption, credit=image.credit),
        extra=extra,
    )


def invalid(errors: list[FieldError]) -> Problem:
    detail = f"{errors[0].detail[:1].upper()}{errors[0].detail[1:]}."
    return Problem(422, "invalid-article", detail, title="Invalid article", errors=errors)


def _field_error(problem: Any) -> FieldError:
    location = problem["loc"]
    name = ".".join(map(str, location))
    if problem["type"] == "refused":
        message = problem["msg"]
    elif problem["type"] == "missing":
        message = "is missing"
    elif problem["type"] in ("model_type", "model_attributes_type"):
        message = "must be an object with a url, or a URL in a string"
    else:
        message = problem["msg"][:1].lower() + problem["msg"][1:]
    return FieldError(json_pointer(location), f"{name} {message}")
