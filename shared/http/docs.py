"""`/docs`: a plain page that lists a service's operations, rendered here from its OpenAPI document.

The usual documentation pages load scripts from elsewhere; this one loads nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.responses import HTMLResponse

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}h2{font-size:1.1rem;margin:2rem 0 .3rem;border-top:1px solid #ddd;padding-top:1rem}"
    "code{font-family:ui-monospace,monospace}b{display:inline-block;min-width:4.5rem}"
    "table{border-collapse:collapse;margin:.5rem 0}td{padding:.15rem 1rem .15rem 0;vertical-align:top}"
    "@media(prefers-color-scheme:dark){body{background:#16181c;color:#e8e8e8}h2{border-color:#444}a{color:#8ab4f8}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_CSP = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
_METHODS = ("get", "post", "put", "patch", "delete")


def docs_router(app: FastAPI) -> APIRouter:
    """Return the route /docs for `app`."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(app.openapi()), headers={"content-security-policy": _CSP})

    return router


def docs_page(document: dict[str, Any]) -> str:
    """Return the page for an OpenAPI document."""
    info = document["info"]
    title = escape(info["title"])
    operations = "".join(
        _operation(method, path, item[method])
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{title} {escape(info['version'])}</h1><p>{escape(info.get('description', ''))}</p>"
        f'<p>In full, for programs: <a href="/openapi.json">/openapi.json</a></p>{operations}</html>'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(kind)}<td>{escape(about)}"
        for name, kind, about in _inputs(operation)
    )
    answers = "".join(
        f"<tr><td><code>{escape(status)}</code><td>{escape(answer.get('description', ''))}"
        for status, answer in operation.get("responses", {}).items()
    )
    about = "".join(f"<p>{escape(text)}" for text in operation.get("description", "").split("\n\n") if text)
    return (
        f"<h2><b>{method.upper()}</b> <code>{escape(path)}</code></h2>"
        f"<p><strong>{escape(operation.get('summary', ''))}</strong>{about}"
        + (f"<table>{rows}</table>" if rows else "")
        + f"<table>{answers}</table>"
    )


def _inputs(operation: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield name, kind and meaning of each parameter and of each field of the body."""
    for parameter in operation.get("parameters", []):
        yield parameter["name"], parameter["in"], parameter.get("description", "")
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        properties = content.get("schema", {}).get("properties", {})
        if not properties:
            yield "body", media_type, content.get("schema", {}).get("description", "")
        for name, schema in properties.items():
            yield name, "body", schema.get("description", "")
