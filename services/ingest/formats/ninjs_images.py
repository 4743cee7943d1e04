"""The pictures of a ninjs 3.x item: its own, if it is one, and those that are associated with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from services.ingest import fields
from services.ingest.formats.ninjs_content import caption_of, http_url
from shared.events import Image

Part = Mapping[str, Any]

MAX_IMAGES = 100
# Wider ones are originals of many megabytes.
_PLENTY_WIDE = 2_048
_PICTURES = ("picture", "graphic")
_NAMED_MAIN = frozenset({"main", "preview", "medium", "web", "highres"})


def images_of(item: Part) -> tuple[Image, ...]:
    """Return the pictures, the item's own first; each in the rendition that suits a screen best."""
    found: dict[str, Image] = {}
    for part in _pictures(item):
        image = _image(part)
        if image is not None and len(found) < MAX_IMAGES:
            found.setdefault(image.url, image)
    return tuple(found.values())


def _pictures(item: Part) -> Iterator[Part]:
    yield item
    for part in item.get("associations", ()):
        yield from _pictures(part)


def _image(item: Part) -> Image | None:
    is_picture = item.get("type") in _PICTURES
    usable = [
        (url, rendition)
        for rendition in item.get("renditions", ())
        if (url := http_url(rendition.get("href"))) and _shows_picture(rendition, is_picture=is_picture)
    ]
    if not usable:
        return None
    url, best = max(usable, key=lambda one: _suits(one[1]))
    return Image(
        url=url,
        caption=caption_of(item) if is_picture else None,
        credit=_credit(item),
        width=_pixels(best.get("width")),
        height=_pixels(best.get("height")),
        content_type=best.get("contentType"),
    )


def _shows_picture(rendition: Part, *, is_picture: bool) -> bool:
    kind = rendition.get("contentType", "").lower()
    return kind.startswith("image/") or (is_picture and not kind)


def _suits(rendition: Part) -> tuple[bool, float, bool]:
    width = rendition.get("width") or 0
    main = rendition["name"].lower() in _NAMED_MAIN
    return width <= _PLENTY_WIDE, width if width <= _PLENTY_WIDE else -width, main


def _credit(item: Part) -> str | None:
    told = item.get("descriptions", ())
    lines = [part["value"] for part in told if part.get("role", "").lower() in ("creditline", "credit")]
    credit = fields.clean_text(next(iter(lines), None) or item.get("by") or item.get("copyrightHolder") or "")
    return credit[: fields.MAX_CAPTION_CHARS] or None


def _pixels(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and 0 < value < 1_000_000 else None
