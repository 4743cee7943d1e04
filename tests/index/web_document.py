"""A page as its tests read it: elements with their attributes and text, and what must never be in one."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx2
from fastapi import FastAPI

from services.index.engine.protocol import SearchEngine
from services.index.web.routes import web_router
from services.index.web.serving import CSP
from shared.http.limits import Limits
from shared.http.serve import install_http
from shared.metrics import Metrics
from tests.support import NOW

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)> \u202eevil\u2067 &lt;b&gt; {{ 7*7 }}\x00"
_ALLOWED = {"http", "https", ""}
_VOID = ("meta", "link", "input")


class Document(HTMLParser):
    """The elements of a page with their attributes and their text, without the space around it."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[list[str]] = []
        self._open: list[int] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append([])
        if tag not in _VOID:
            self._open.append(len(self.elements) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.texts.append([])

    def handle_endtag(self, tag: str) -> None:
        while self._open and self.elements[self._open.pop()][0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for index in self._open:
            self.texts[index].append(data)

    def find(self, tag: str, **attributes: str) -> list[tuple[str, dict[str, str]]]:
        """Return text and attributes of the elements, `class_` meaning one of the classes."""
        found = []
        for (name, attrs), text in zip(self.elements, self.texts, strict=True):
            wanted = all(
                value in attrs.get("class", "").split() if key == "class_" else attrs.get(key) == value
                for key, value in attributes.items()
            )
            if name == tag and wanted:
                found.append((" ".join("".join(text).split()), attrs))
        return found

    def titles(self) -> list[str]:
        return [text for text, _ in self.find("h2", dir="auto")]

    def toggle(self, label: str) -> dict[str, str]:
        """Return the attributes of a facet's value, with its text as `text`."""
        for text, attrs in self.find("a", class_="toggle"):
            if text.startswith(label):
                return {**attrs, "text": text}
        raise AssertionError(f"no facet value {label}: {self.find('a', class_='toggle')}")


def pages_of(engine: SearchEngine) -> FastAPI:
    """Return the pages over an engine, at NOW, for whoever may read."""
    app = FastAPI()
    metrics = Metrics()
    install_http(app, metrics=metrics, limits=Limits())
    app.include_router(web_router(engine, metrics, None, now=lambda: NOW))
    return app


def client_of(app: FastAPI) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://index")


async def get(client: httpx2.AsyncClient, path: str | httpx2.URL, status: int = 200) -> Document:
    response = await client.get(path)
    assert response.status_code == status, response.text[:500]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == CSP
    return Document(response.text)


def parameters(href: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(href).query)


def assert_harmless(source: str) -> None:
    """Nothing in the page runs but files of ours, and nothing leads anywhere but to http and https."""
    page = Document(source)
    for tag, attrs in page.elements:
        assert tag not in ("img", "iframe", "object", "base", "style"), tag
        if tag == "script":
            assert re.fullmatch(r"/static/[\w.]+\.js", attrs["src"]), attrs
        assert not [name for name in attrs if name.startswith("on") or name == "style"], attrs
        for name in ("href", "action", "src", "formaction"):
            assert urlsplit(attrs.get(name, "")).scheme in _ALLOWED, attrs
    assert all(text == "" for text, _ in page.find("script")), "a script of ours has a file, and no text"
    assert "\x00" not in source
