"""Templates and static files, read once. A static file's name holds the hash of its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.index.web.labels import FEED_TYPES, SECTIONS
from services.index.web.texts import UNPRINTABLE

_HERE = Path(__file__).parent
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    content: bytes
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """Return the static files by the name they are served under, e.g. wireroom.3f2a9c71d0b4.css."""
    return {
        _hashed_name(path): Asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted((_HERE / "static").iterdir())
        if path.suffix in _MEDIA_TYPES
    }


def _hashed_name(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}.{digest}{path.suffix}"


@cache
def environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    addresses = {path.name: f"/static/{_hashed_name(path)}" for path in sorted((_HERE / "static").iterdir())}
    environment.globals["sections"] = SECTIONS
    environment.globals["feed_types"] = FEED_TYPES
    environment.globals["asset"] = addresses.__getitem__
    return environment


def render(template: str, **values: object) -> bytes:
    """Return the page as UTF-8, without what HTML forbids: control characters and lone surrogates."""
    page = environment().get_template(template).render(**values)
    return UNPRINTABLE.sub("", page).encode("utf-8", "replace")
