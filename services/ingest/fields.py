"""The types of an article's fields as submitted: what fits, what is mended, and what is refused with advice.

Pure functions behind pydantic annotations. Each refusal says what to send instead; none quotes the input.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from shared.urls import split_url

MAX_TITLE_CHARS = 1_000
MAX_NAME_CHARS = 300
MAX_ID_CHARS = 512
MAX_AUTHORS = 100
MAX_KEYWORDS = 200
MAX_LINKS = 500
MAX_CAPTION_CHARS = 5_000
MAX_REVISION = 9_000_000_000_000_000  # below 2^53, so that Lua and JavaScript count exactly
EARLIEST_YEAR = 1600  # the first newspaper is of 1605; the year 1 is what a program's empty date looks like
MAX_EXTRA_DEPTH = 16


class Most(NamedTuple):
    """How much an article may have beside its own fields."""

    values: int
    chars: int


MOST_EXTRA = Most(values=5_000, chars=65_536)

# C0 controls but tab and newline, DEL, and what some systems leave of them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8}){0,6}")
_INVISIBLE = (
    " \t\n\r\u00a0\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202f\u2060\u3000\ufeff"
)
_TAG = re.compile(r"<[^<>]*>")


def refused(advice: str) -> PydanticCustomError:
    return PydanticCustomError("refused", "{advice}", {"advice": advice})


def clean_text(text: str) -> str:
    """Return `text` in NFC with \\n line ends, without control characters and outer space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub("", text).strip()


def is_blank(text: str | None, *, markup: bool = False) -> bool:
    """Whether a reader would see nothing; of markup, whatever stands between its tags."""
    if text is None:
        return True
    if markup:
        text = _TAG.sub("", text).replace("&nbsp;", "")
    return not text.strip(_INVISIBLE)


def _text(max_chars: int | None) -> Callable[[Any], str | None]:
    def validate(value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str):
            raise refused(f"must be a string, not {json_type(value)}")
        value = clean_text(value)
        if max_chars is not None and len(value) > max_chars:
            raise refused(f"may have {max_chars:,} characters, this has {len(value):,}: shorten it")
        return value or None

    return validate


_id_text = _text(MAX_ID_CHARS)
_tag_text = _text(64)


def json_type(value: Any) -> str:
    """Return what JSON calls the type of `value`."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "an array"
    return "an object" if isinstance(value, dict) else "a string"


def _publisher_id(value: Any) -> str | None:
    """Numbers are taken too: many systems number their articles."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return _id_text(value)


def http_url(value: Any) -> str | None:
    """Return the URL without outer space, or None when blank."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise refused(f"must be a URL in a string, not {json_type(value)}")
    url = value.strip()
    if not url:
        return None
    try:
        split_url(url)
    except ValueError as error:
        raise refused(f"cannot be taken: {error}") from None
    return url


def _needed_url(value: Any) -> str:
    url = http_url(value)
    if url is None:
        raise refused("must hold a URL that starts with http:// or https://")
    return url


def instant(value: Any) -> datetime | None:
    """Return the UTC instant of an ISO 8601 or RFC 2822 date; one without a zone is taken as UTC."""
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > 64:
        raise refused(f'must be a date in a string like "2023-06-19T14:00:00Z", not {json_type(value)}')
    text = value.strip()
    if not text:
        return None
    try:
        parsed = datetime.fromisoformat(text) if text[0].isdigit() else parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        raise refused('is not a date we can read: write it like "2023-06-19T14:00:00Z"') from None
    # Checked before the zone is applied, which could leave the years that datetime knows.
    if not EARLIEST_YEAR <= parsed.year < 9999:
        raise refused(f"lies in the year {parsed.year}, which no news is from: correct it or leave it out")
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def language_tag(value: Any) -> str | None:
    """Return a BCP 47 tag with its language in lower case; en_GB is read as en-GB."""
    text = _tag_text(value)
    if text is None:
        return None
    text = text.replace("_", "-")
    if not _LANGUAGE.fullmatch(text):
        raise refused('must be a language tag like "en" or "pt-BR"')
    primary, dash, rest = text.partition("-")
    return primary.lower() + dash + rest


def _names(max_items: int, max_chars: int, what: str) -> Callable[[Any], tuple[str, ...]]:
    validate_name = _text(max_chars)

    def name_of(item: Any) -> str | None:
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            item = item["name"]
        return validate_name(item)

    def validate(value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if isinstance(value, str):
            value = [value]
        if not isinstance(value, list):
            raise refused(f"must be an array of {what}, not {json_type(value)}")
        if len(value) > max_items:
            raise refused(f"may hold {max_items} {what}, this holds {len(value)}")
        return tuple(dict.fromkeys(name for name in map(name_of, value) if name is not None))

    return validate


def _revision(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise refused(f"must be a whole number, not {json_type(value)}")
    if not 0 <= value <= MAX_REVISION:
        raise refused(f"must be between 0 and {MAX_REVISION}")
    return value


def publishing_status(value: Any) -> str:
    status: Any = "usable" if value is None else value
    if status == "cancelled":
        return "canceled"
    if not isinstance(status, str) or status not in ("usable", "withheld", "canceled"):
        raise refused('must be "usable", "withheld" or "canceled"')
    return status


def check_extra(extra: Any, most: Most = MOST_EXTRA) -> None:
    """Raises ValueError with advice if the fields we do not know are too many, too deep or not plain JSON."""
    values = chars = 0
    level: list[Any] = [extra]
    for _ in range(MAX_EXTRA_DEPTH):
        deeper: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                chars += sum(map(len, value))
                deeper.extend(value.values())
            elif isinstance(value, list):
                deeper.extend(value)
            else:
                chars += _plain_chars(value)
        values += len(deeper)
        if values > most.values or chars > most.chars:
            raise ValueError(
                f"fields that are not of an article may hold {most.chars:,} characters "
                f"in {most.values:,} values"
            )
        if not deeper:
            return
        level = deeper
    raise ValueError(f"fields that are not of an article may nest {MAX_EXTRA_DEPTH} levels deep")


def _plain_chars(value: Any) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("holds a number that is not finite, which JSON cannot say")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        raise ValueError("holds a whole number that does not fit 64 bits: send it as a string")
    return 1


PublisherId = Annotated[str | None, BeforeValidator(_publisher_id)]
Title = Annotated[str | None, BeforeValidator(_text(MAX_TITLE_CHARS))]
LongText = Annotated[str | None, BeforeValidator(_text(None))]
Name = Annotated[str | None, BeforeValidator(_text(MAX_NAME_CHARS))]
Caption = Annotated[str | None, BeforeValidator(_text(MAX_CAPTION_CHARS))]
Url = Annotated[str | None, BeforeValidator(http_url)]
NeededUrl = Annotated[str, BeforeValidator(_needed_url)]
Instant = Annotated[datetime | None, BeforeValidator(instant)]
LanguageTag = Annotated[str | None, BeforeValidator(language_tag)]
Authors = Annotated[tuple[str, ...], BeforeValidator(_names(MAX_AUTHORS, MAX_NAME_CHARS, "names"))]
Keywords = Annotated[tuple[str, ...], BeforeValidator(_names(MAX_KEYWORDS, MAX_NAME_CHARS, "keywords"))]
Revision = Annotated[int | None, BeforeValidator(_revision)]
