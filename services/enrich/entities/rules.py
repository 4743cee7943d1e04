"""Dates, sums of money and percentages by pattern. Every repeat is bounded, so time is linear."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Sums and percentages are looked for around numbers: trying every currency at every character of
# an article cost a tenth of all recognition.
_NUMBER = re.compile(r"\d{1,18}(?:,\d{2,3}){0,6}(?:\.\d{1,6})?")
_CURRENCY_BEFORE = re.compile(
    r"(?:(?:US|A|AU|C|CA|NZ|HK|S|NT|R|Z|J|EC|TT|RD|Mex)?\$|[€£¥₹₩₦₱฿₫₴₺₽₪₵₡]"
    r"|(?<![A-Za-z])(?:Rs\.?|RM|Rp\.?|Sh|Ksh|KSh|R|USD|EUR|GBP|JPY|CNY|INR|AUD|CAD|CHF|SEK|NOK|DKK|PLN|AED|SAR"
    r"|QAR|NGN|KES|ZAR|Tk|Kč))\s?\Z"
)
_CURRENCY_CHARS = 8
_MAGNITUDE = re.compile(
    r"(?:[\s-]?(?:hundred|thousand|million|billion|trillion|lakh|crore|mn|bn|tn|[kmb])\b){1,2}", re.IGNORECASE
)
_UNIT = re.compile(
    r"[\s-](?:US\s|Australian\s|Canadian\s|Hong\sKong\s|Singapore\s)?(?:dollars?|cents|euros?|pounds|pence|yen"
    r"|yuan|rupees?|roubles|rubles|won|pesos?|reais|francs?|rand|naira|shillings?|dirhams?|riyals?|dinars?|lira"
    r"|kronor|kroner|krona|zloty|baht|ringgit|rupiah|dong|shekels?|taka|cedis?)\b"
)
_PERCENT_AFTER = re.compile(r"\s?(?:%|per\s?cent\b|percentage\spoints?\b|pc\b)")

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.?|Feb\.?|Mar\.|Apr\.?|Jun\.|Jul\.|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?:1[5-9]|20)\d\d"
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_DATE = re.compile(
    # The first two look-arounds are implied by every alternative; they reject most positions at once.
    rf"(?<![A-Za-z])(?=[\dJFMASONDTWlntey])(?:\b(?:{_WEEKDAY},?\s)?(?:{_DAY}\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?|{_MONTH}\s{_DAY}(?:,?\s{_YEAR})?"
    rf"|{_MONTH},?\s{_YEAR})(?!\w)"
    rf"|\b{_YEAR}-[01]\d-[0-3]\d\b"
    rf"|\b(?:(?:last|next|this|late|early)\s)?{_WEEKDAY}\b(?:\s(?:morning|afternoon|evening|night))?"
    r"|\b(?:last|next|this)\s(?:week|weekend|month|year|quarter|summer|winter|spring|autumn|fall)\b"
    r"|\b(?:yesterday|tomorrow)\b"
    rf"|(?<=\b[Ii]n\s){_MONTH}\b(?!\s[A-Z])"
    rf"|(?<=\b(?:[Ii]n|[Bb]y|of)\s){_YEAR}\b|(?<=\b(?:since|until|[Ss]ince|after)\s){_YEAR}\b"
    rf"|\bthe\s(?:(?:early|late|mid)[\s-])?{_YEAR[:-2]}\d0s\b)"
)

RuleSpan = tuple[int, int, str]


def rule_spans(text: str) -> list[RuleSpan]:
    """Return (start, end, label) of dates, sums of money and percentages, in order, not overlapping."""
    found = [*_amounts(text), *((m.start(), m.end(), "DATE") for m in _DATE.finditer(text))]
    found.sort(key=lambda span: (span[0], -span[1]))
    spans: list[RuleSpan] = []
    for span in found:
        if not spans or span[0] >= spans[-1][1]:
            spans.append(span)
    return spans


def _amounts(text: str) -> Iterator[RuleSpan]:
    for number in _NUMBER.finditer(text):
        start, end = number.span()
        percent = _PERCENT_AFTER.match(text, end)
        if percent:
            signed = start and text[start - 1] in "-+−" and not text[start - 2 : start - 1].isalnum()
            yield start - 1 if signed else start, percent.end(), "PERCENT"
            continue
        before = _CURRENCY_BEFORE.search(text, max(0, start - _CURRENCY_CHARS), start)
        magnitude = _MAGNITUDE.match(text, end)
        if magnitude:
            end = magnitude.end()
        unit = _UNIT.match(text, end)
        if before or unit:
            yield before.start() if before else start, unit.end() if unit else end, "MONEY"
