"""What the OpenAPI document says about routes that read and answer by themselves."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from services.ingest.schema import ArticleInput
from shared.http.problems import MEDIA_TYPE, PROBLEM_SCHEMA

Responses = dict[int | str, dict[str, Any]]
Schema = dict[str, Any]


class SubmitAnswer(BaseModel):
    """The answer to a submit or a takedown."""

    id: str = Field(description="The article's id, 32 hex digits.")
    revision: int = Field(description="The article's latest revision.")
    status: str = Field(description="accepted, or duplicate when nothing changed.")
    status_url: str = Field(description="Where the article's receipt is.")
    detail: str | None = Field(None, description="Why it changed nothing, when that is not plain.")


class BatchResult(BaseModel):
    """What became of one article of a batch."""

    line: int = Field(description="Line of NDJSON, or element of the array, from 1.")
    id: str | None
    revision: int | None
    status: str = Field(description="accepted, duplicate or rejected.")
    error: str | None = Field(description="Why it was rejected, or why it changed nothing.")
    retry_after_s: int | None = Field(
        None, description="There if it was rejected for now only: send it again after so many seconds."
    )


class BatchAnswer(BaseModel):
    """What became of a batch. `error` is set when it held more articles than are taken at once."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[BatchResult]
    error: str | None = None


_MEANING = {
    400: "The body is not JSON, or a header cannot be read.",
    401: "The key or the signature is missing, unknown, revoked or wrong; `detail` says which.",
    403: "The source may not do this, or the address may not be fetched from; `detail` says why.",
    404: "There is no such thing.",
    408: "The body did not arrive in time.",
    409: "Taken down, or the idempotency key was used for something else.",
    413: "The body is too large.",
    415: "The body is compressed, or the page is no HTML.",
    422: "A field is wrong; `errors` says which and why.",
    429: "The source has reached its limit; Retry-After says when to come back.",
    502: "The page could not be fetched; `detail` says why.",
    503: "Nothing can be accepted now; Retry-After says when to come back.",
    504: "The page did not come in time.",
}


def problems(*statuses: int) -> Responses:
    """Return the description of problem answers with these statuses."""
    content = {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}
    return {status: {"description": _MEANING[status], "content": content} for status in statuses}


def inline_schema(model: type[BaseModel]) -> Schema:
    """Return the JSON schema of `model` without references, to stand anywhere in a document."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(definitions[node["$ref"].rpartition("/")[2]])
            return {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: Schema = resolve(schema)
    return resolved


_ARTICLE_SCHEMA = inline_schema(ArticleInput) | {"additionalProperties": True}
_ARTICLE_SCHEMA["examples"] = [
    {
        "url": "https://example.com/news/1",
        "title": "Ministers meet",
        "body": "Ministers met in Bali on Monday.",
        "source": "Example Wire",
        "published_at": "2023-06-19T14:00:00Z",
    }
]

_NINJS_SCHEMA: Schema = {
    "type": "object",
    "title": "ninjs",
    "description": "IPTC's news in JSON, 1.0 to 3.1.",
    "additionalProperties": True,
    "externalDocs": {"url": "https://iptc.org/standards/ninjs/"},
}
_NEWSML_SCHEMA: Schema = {"type": "string", "description": "A NewsML-G2 newsItem."}
_MESSAGE_SCHEMA: Schema = {"type": "string", "description": "A NewsML-G2 newsMessage."}

SUBMIT_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [_ARTICLE_SCHEMA, _NINJS_SCHEMA]}},
            "application/vnd.iptc.g2.newsitem+xml": {"schema": _NEWSML_SCHEMA},
            "application/xml": {"schema": _NEWSML_SCHEMA},
            "text/xml": {"schema": _NEWSML_SCHEMA},
        },
    },
    "parameters": [
        {
            "name": "restore",
            "in": "query",
            "schema": {"type": "boolean", "default": False},
            "description": "Bring back an article that was taken down.",
        },
        {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": {"type": "string", "maxLength": 256},
            "description": "The same key and body gives the first answer again; another body is refused.",
        },
    ],
}
BATCH_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-ndjson": {"schema": {"type": "string", "description": "One article a line."}},
            "application/json": {"schema": {"type": "array", "items": _ARTICLE_SCHEMA}},
            "application/vnd.iptc.g2.newsmessage+xml": {"schema": _MESSAGE_SCHEMA},
        },
    }
}
_URL_SCHEMA: Schema = {
    "title": "UrlInput",
    "description": "An address, and what of the article is better known here than there: any field of an "
    "article but body, html and status.",
    "type": "object",
    "required": ["url"],
    "properties": {"url": {"type": "string", "description": "Where the article is; http or https."}},
    "additionalProperties": True,
    "examples": [{"url": "https://example.com/news/1"}],
}
URL_BODY: Schema = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": _URL_SCHEMA}}},
    "parameters": SUBMIT_BODY["parameters"][:1],
}
SUBMITTED: Responses = {202: {"description": "Accepted, or a duplicate.", "model": SubmitAnswer}}
BATCH_DONE: Responses = {200: {"description": "What became of each article.", "model": BatchAnswer}}
