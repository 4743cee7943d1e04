"""Dates as feeds write them: RFC 3339, W3CDTF, ISO 8601, RFC 822 with its misspellings, and others.

Pure: no date here depends on today's. A date without a zone is taken as UTC, one in Korean as Korea's.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

MAX_CHARS = 100
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janvier enero januar januari janv ene gennaio gen janeiro ιαν ιανουαριου",
            "feb february fevrier febrero februar februari fev febbraio fevereiro febr φεβ φεβρουαριου",
            "mar march mars marzo marz maart mrz marco marc marcius μαρ μαρτιου",
            "apr april avril abril avr abr aprile aprilis απρ απριλιου",
            "may mai mayo mei maggio maio mag maj majus μαι μαιου",
            "jun june juin junio juni giugno junho giu junius ιουν ιον ιουνιου",
            "jul july juillet julio juli luglio julho lug julius ιουλ ιολ ιουλιου",
            "aug august aout agosto augustus ago augusztus αυγ αυγουστου",
            "sep sept september septembre septiembre settembre setembro set szept szeptember "
            "σεπ σεπτ σεπτεμβριου",
            "oct october octobre octubre oktober okt ottobre outubro ott out οκτ οκτωβριου",
            "nov november novembre noviembre novembro νοε νοεμ νοεμβριου",
            "dec december decembre diciembre dezember dez dic dicembre dezembro δεκ δεκεμβριου",
        ),
        1,
    )
    for name in names.split()
}
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 1, "bst": 1, "cet": 1, "cest": 2, "met": 1,
    "mest": 2, "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "ist": 5.5, "sgt": 8, "hkt": 8,
    "awst": 8, "kst": 9, "jst": 9, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12,
    "nzdt": 13, "adt": -3, "ast": -4, "edt": -4, "est": -5, "et": -5, "cdt": -5, "cst": -6, "mdt": -6,
    "mst": -7, "pdt": -7, "pst": -8, "akdt": -8, "akst": -9, "hst": -10, "brt": -3, "art": -3,
    # RFC 822's military letters were defined with the wrong sign, so RFC 2822 has them mean nothing: UTC.
    **dict.fromkeys("abcdefghiklmnopqrstuvwxy", 0),
}  # fmt: skip

_PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_ISO = re.compile(
    r"(?P<year>\d{4})"
    r"(?:-?W(?P<week>\d\d)(?:-?(?P<weekday>[1-7]))?"
    r"|-?(?P<ordinal>\d{3})(?![\d])"
    r"|[-/.]?(?P<month>\d\d?)(?:[-/.]?(?P<day>\d\d?))?)?"
    r"(?:(?:[Tt]|\s*,?\s+|:)(?P<time>\d.*))?$"
)
_TIME = re.compile(
    r"(?P<hour>\d\d?)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r"\s*(?P<half>[ap]\.?m\.?(?![a-z]))?\s*(?P<zone>.*)$",
    re.IGNORECASE,
)
_ZONE = re.compile(
    r"(?:(?:UTC|GMT|Z)?\s*(?P<sign>[+\-\u2212])\s*(?P<hours>\d\d?):?(?P<minutes>\d\d)?)|(?P<name>[A-Za-z]{1,5})\b"
)
_WORDS = re.compile(r"[^\W\d_]+\.?|\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?|[+\-\u2212]\d{1,2}:?\d{0,2}|\d+")
_WEEKDAYS = re.compile(r"^(?:[^\W\d_]{2,12})\.?\s*,\s*", re.UNICODE)

# ISO 8601 of 1988 let the century go: 03-12-31, 031231, 03335 (day of the year), -03-12, -0312.
_NO_CENTURY = re.compile(
    r"-(?P<month>\d\d-?\d\d$)"
    # Six digits may be a year and a month, which ISO 8601 forbids for that reason and feeds do not.
    r"|(?!(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:[Tt ]|$))"
    r"(?P<date>\d\d(?:-\d\d-\d\d|\d{4}|\d{3})(?:[Tt ].*)?$)",
    re.ASCII,
)
# Between these, two digits are the day of "31-12-03" and no year.
_LAST_YEAR, _FIRST_YEAR = 29, 70
_UNIX_TIME = re.compile(r"1\d{9}(?:\d{3})?(?:\.\d{1,9})?", re.ASCII)
_EAST_ASIAN = re.compile(
    r"(?P<year>\d{4})[-년年]\s*(?P<month>\d\d?)[-월月]\s*(?P<day>\d\d?)[일日]?"
    r"\s*(?P<half>오전|오후|上午|下午|午前|午後)?\s*(?P<time>[\d:]*)\s*(?P<zone>\D.*)?$",
    re.ASCII,
)


def parse_date(text: str | None) -> datetime | None:
    """Return the instant in UTC, None when there is none to be read."""
    if not text:
        return None
    text = " ".join(text[: 2 * MAX_CHARS].split())
    if not text or len(text) > MAX_CHARS:
        return None
    if _PLAIN.fullmatch(text):
        # Nearly all dates of Atom, JSON Feed and sitemaps; the rest is for what this refuses.
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone(UTC)
    if _UNIX_TIME.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    text = _without_east_asian(text)
    folded = unicodedata.normalize("NFKD", text)
    text = "".join(char for char in folded if not unicodedata.combining(char))
    try:
        found = _without_century(text) or _iso(_WEEKDAYS.sub("", text)) or _by_words(text)
    except (ValueError, OverflowError):
        return None
    return found


def _without_east_asian(text: str) -> str:
    """Return "2004년 05월 28일 오후 01:31" as "2004-05-28 01:31 pm +0900", other texts as they are."""
    if text.isascii():
        return text
    match = _EAST_ASIAN.match(text)
    if match is None:
        return text
    half = {"오전": "am", "上午": "am", "午前": "am", None: ""}.get(match["half"], "pm")
    korean = any("가" <= char <= "힣" for char in text)
    zone = match["zone"] or ("+0900" if korean else "")
    parts = [f"{match['year']}-{match['month']}-{match['day']}"]
    if match["time"]:
        parts += [match["time"], half, zone]
    return " ".join(filter(None, parts))


def _without_century(text: str) -> datetime | None:
    """Return the date of a year in two digits that stands first; None when it is none."""
    match = _NO_CENTURY.match(text)
    if match is None:
        return None
    rest = match["month"] or match["date"]
    year = int(rest[:2])
    if "-" in rest and _LAST_YEAR < year < _FIRST_YEAR:
        return None
    if match["month"] and "-" not in rest:
        rest = f"{rest[:2]}-{rest[2:]}"
    try:
        return _iso(f"{19 if year >= _FIRST_YEAR else 20}{rest}")
    except ValueError:
        return None


def _iso(text: str) -> datetime | None:
    match = _ISO.match(text)
    if match is None:
        return None
    year = int(match["year"])
    if match["week"]:
        day = datetime.fromisocalendar(year, int(match["week"]), int(match["weekday"] or 1))
    elif match["ordinal"]:
        day = datetime(year, 1, 1) + timedelta(days=int(match["ordinal"]) - 1)  # noqa: DTZ001 # zone follows
        if day.year != year:
            return None
    else:
        day = _day(year, int(match["month"] or 1), int(match["day"] or 1))
    return _at(day, match["time"] or "")


def _day(year: int, month: int, day: int) -> datetime:
    if month == 2 and day == 29:
        # Systems that add a year to a leap day: the day before is meant.
        try:
            return datetime(year, month, day)  # noqa: DTZ001 # zone follows
        except ValueError:
            day = 28
    return datetime(year, month, day)  # noqa: DTZ001 # zone follows


def _at(day: datetime, time: str) -> datetime | None:
    """Return the day at a time such as "10:14:55.5 +0100"; midnight when there is none."""
    if not time:
        return day.replace(tzinfo=UTC)
    match = _TIME.match(time)
    if match is None:
        return None
    hour = int(match["hour"])
    if match["half"]:
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    minute, second = int(match["minute"] or 0), int(match["second"] or 0)
    if hour > 24 or minute > 59 or second > 60:
        return None
    micros = int(f"{match['fraction'] or 0:0<6}"[:6])
    # 24:00 and leap seconds are the next instant.
    local = day + timedelta(hours=hour, minutes=minute, seconds=second, microseconds=micros)
    return local.replace(tzinfo=_zone(match["zone"])).astimezone(UTC)


def _zone(text: str) -> timezone:
    match = _ZONE.match(text.strip())
    if match is None:
        return UTC
    if match["sign"]:
        offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"] or 0))
        if offset > timedelta(hours=15):
            raise ValueError("no place on earth is that far from Greenwich")
        return timezone(offset if match["sign"] == "+" else -offset)
    return timezone(timedelta(hours=_ZONES.get(match["name"].lower(), 0)))


def _by_words(text: str) -> datetime | None:
    """Read a date with the month's name in it, in any order: RFC 822, asctime, "January 5, 2024 3 pm"."""
    words = _WORDS.findall(_WEEKDAYS.sub("", text))
    month = next((index for index, word in enumerate(words) if word.rstrip(".").lower() in _MONTHS), None)
    if month is None:
        return _numeric(text)
    number = _MONTHS[words[month].rstrip(".").lower()]
    clock = next((index for index, word in enumerate(words) if ":" in word and word[0].isdigit()), None)
    numbers = [
        (index, word.lstrip("-"))
        for index, word in enumerate(words)
        if word.lstrip("-").isdigit()
        and index != clock
        and (clock is None or not _is_zone(words, index, clock))
    ]
    day, year = _day_and_year(numbers)
    if day is None or year is None:
        return None
    time = ""
    if clock is not None:
        rest = [
            word for index, word in enumerate(words[clock + 1 :], clock + 1) if (index, word) not in numbers
        ]
        time = " ".join([words[clock], *rest])
        time = re.sub(r"([+\-\u2212]\d+)$", r" \1", time)
    return _at(_day(year, number, day), time)


def _is_zone(words: list[str], index: int, clock: int) -> bool:
    return index > clock and words[index][0] in "+-\u2212"


def _day_and_year(numbers: list[tuple[int, str]]) -> tuple[int | None, int | None]:
    day = year = None
    for _, digits in numbers:
        value = int(digits)
        if year is None and (len(digits) == 4 or (day is not None and len(digits) == 2)):
            year = value if len(digits) == 4 else value + (2000 if value < 70 else 1900)
        elif day is None and len(digits) <= 2:
            day = value
    return day, year


_NUMERIC = re.compile(r"(\d\d?)[./-](\d\d?)[./-](\d{4}|\d\d)(?:[T,\s]\s*(\d.*))?$")


def _numeric(text: str) -> datetime | None:
    """Read "31.12.2023 10:14" and "12/31/2023": the day first, unless only the month can be."""
    match = _NUMERIC.match(text)
    if match is None:
        return None
    day, month, year = int(match[1]), int(match[2]), int(match[3])
    if month > 12 or ("/" in text[:6] and day <= 12):
        day, month = month, day
    if len(match[3]) == 2:
        year += 2000 if year < 70 else 1900
    return _at(_day(year, month, day), match[4] or "")
