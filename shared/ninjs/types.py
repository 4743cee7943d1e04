"""The types of which ninjs is made. Strict: JSON's null is no string, true no number, "1" no integer."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    with_config,
)
from pydantic_core import PydanticCustomError

# Keys that the standard does not name are errors: its schemas say additionalProperties false throughout.
closed = with_config(ConfigDict(extra="forbid", strict=True))
open_ = with_config(ConfigDict(extra="allow", strict=True))

_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:[^\x00-\x20\"<>\\^`{|}\x7f]+")
_DATE_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
# ISO 8601 as far as it is written: a year, a month, a day, a second.
_TRUNCATED_DATE_TIME = re.compile(
    r"-?(?:[1-9][0-9]{0,10})?[0-9]{4}(?:-(?:1[0-2]|0[1-9])(?:-(?:3[01]|0[1-9]|[12][0-9])"
    r"(?:T(?:2[0-3]|[01][0-9]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,12})?(?:Z|[+-](?:2[0-3]|[01][0-9]):[0-5][0-9])?"
    r")?)?)?"
)
_IGNORED_BY_BROWSERS = re.compile(r"[\x00-\x20\x7f]")
MAX_URI_CHARS = 8_192


def wrong(advice: str) -> PydanticCustomError:
    return PydanticCustomError("wrong", "{advice}", {"advice": advice})


def formats_count(info: ValidationInfo) -> bool:
    """Whether `format` is an assertion: see `checking.Version`."""
    return bool(info.context and info.context.get("formats"))


def _uri(value: str, info: ValidationInfo) -> str:
    if formats_count(info) and not (len(value) <= MAX_URI_CHARS and _URI.fullmatch(value)):
        raise wrong('must be an absolute URI, like "https://example.com/1" or "urn:example:1"')
    return _no_script(value)


def _no_script(value: str) -> str:
    """The standard has no word against it, but somebody will put what we serve into a link."""
    if _IGNORED_BY_BROWSERS.sub("", value[:100]).lower().startswith(("javascript:", "vbscript:")):
        raise wrong("must not be a script")
    return value


def _date_time(value: str, info: ValidationInfo) -> str:
    """RFC 3339 from 3.0 on; before, a date alone and a time without zone have been in use, too."""
    try:
        if formats_count(info) and not _DATE_TIME.fullmatch(value):
            raise ValueError
        datetime.fromisoformat(_without_leap_second(value))
    except ValueError:
        raise wrong('must be a date and time like "2023-06-19T14:00:00Z"') from None
    return value


def _without_leap_second(value: str) -> str:
    return f"{value[:17]}59{value[19:]}" if value[16:19] == ":60" else value.upper()


def _truncated_date_time(value: str) -> str:
    if len(value) > 64 or not _TRUNCATED_DATE_TIME.fullmatch(value):
        raise wrong('must be a date, or as much of it as is known, like "2023", "2023-06" or "2023-06-19"')
    return value


def _whole(value: Any) -> Any:
    """JSON Schema's integer: 1.0 is one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def within(least: int, most: int) -> AfterValidator:
    def check(value: int) -> int:
        if not least <= value <= most:
            raise wrong(f"must be a whole number from {least} to {most}")
        return value

    return AfterValidator(check)


Part = TypeVar("Part")


def exactly_one(*names: str) -> AfterValidator:
    """JSON Schema's oneOf over `required`."""

    def check(value: Part) -> Part:
        if sum(name in value for name in names) != 1:  # type: ignore[operator]
            raise wrong(f"must have exactly one of {' and '.join(names)}")
        return value

    return AfterValidator(check)


def checked(check: Callable[[Any], None]) -> AfterValidator:
    """Return a validator that lets the value through unless `check` raises."""

    def validate(value: Part) -> Part:
        check(value)
        return value

    return AfterValidator(validate)


Text = StrictStr
Uri = Annotated[StrictStr, AfterValidator(_uri)]
AnyUri = Annotated[StrictStr, AfterValidator(_no_script)]  # of those that the schemas call a string
DateTime = Annotated[StrictStr, AfterValidator(_date_time)]
TruncatedDateTime = Annotated[StrictStr, AfterValidator(_truncated_date_time)]
Integer = Annotated[StrictInt, BeforeValidator(_whole)]
Number = StrictFloat  # which takes whole numbers, too, and no booleans
Percent = Annotated[Integer, within(0, 100)]
Urgency = Annotated[Integer, within(1, 9)]
