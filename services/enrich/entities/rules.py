"""Dates, sums of money and percentages by pattern. Every repeat is bounded, so time is linear."""

from __future__ import annotations

import re

_NUMBER = r"\d{1,18}(?:,\d{2,3}){0,6}(?:\.\d{1,6})?"
_MAGNITUDE = r"(?:hundred|thousand|million|billion|trillion|lakh|crore|mn|bn|tn|[kmb])(?:\s(?:crore))?"
_CURRENCY = (
    r"(?:US|A|C|NZ|HK|S|NT|R|Z|J|EC|TT|RD|Mex)?\$|[€£¥₹₩₦₱฿₫₴₺₽₪₵₡]"
    r"|(?<![A-Za-z])(?:Rs\.?|RM|Rp|Sh|Ksh|KSh|R|USD|EUR|GBP|JPY|CNY|INR|AUD|CAD|CHF|SEK|NOK|DKK|PLN|AED|SAR|QAR"
    r"|NGN|KES|ZAR|Tk|Kč)(?=\s?\d)"
)
_UNIT = (
    r"(?:US\s|Australian\s|Canadian\s|Hong\sKong\s|Singapore\s)?(?:dollars?|cents|euros?|pounds|pence|yen|yuan"
    r"|rupees?|roubles|rubles|won|pesos?|reais|real|francs?|rand|naira|shillings?|dirhams?|riyals?|dinars?|lira"
    r"|kronor|kroner|krona|zloty|baht|ringgit|rupiah|dong|shekels?|taka|cedis?)\b"
)
_MONEY = re.compile(
    rf"(?:{_CURRENCY})\s?{_NUMBER}(?:[\s-]?{_MAGNITUDE}\b)?|\b{_NUMBER}(?:[\s-]{_MAGNITUDE}\b)?[\s-]{_UNIT}"
)
_PERCENT = re.compile(rf"(?<![\w.])[-+−]?{_NUMBER}\s?(?:%|per\s?cent\b|percentage\spoints?\b|pc\b)")

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan\.?|Feb\.?|Mar\.|Apr\.?|Jun\.|Jul\.|Aug\.?|Sept?\.?|Oct\.?|Nov\.?|Dec\.?)"
)
_DAY = r"(?:[0-3]?\d)(?:st|nd|rd|th)?"
_YEAR = r"(?:1[5-9]|20)\d\d"
_WEEKDAY = r"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_DATE = re.compile(
    rf"\b(?:{_WEEKDAY},?\s)?(?:{_DAY}\s(?:of\s)?{_MONTH}(?:,?\s{_YEAR})?|{_MONTH}\s{_DAY}(?:,?\s{_YEAR})?"
    rf"|{_MONTH},?\s{_YEAR})(?!\w)"
    rf"|\b{_YEAR}-[01]\d-[0-3]\d\b"
    rf"|\b(?:(?:last|next|this|late|early)\s)?{_WEEKDAY}\b(?:\s(?:morning|afternoon|evening|night))?"
    r"|\b(?:last|next|this)\s(?:week|weekend|month|year|quarter|summer|winter|spring|autumn|fall)\b"
    r"|\b(?:yesterday|tomorrow)\b"
    rf"|(?<=\b[Ii]n\s){_MONTH}\b(?!\s[A-Z])"
    rf"|(?<=\b(?:[Ii]n|[Bb]y|of)\s){_YEAR}\b|(?<=\b(?:since|until|[Ss]ince|after)\s){_YEAR}\b"
    rf"|\bthe\s(?:(?:early|late|mid)[\s-])?{_YEAR[:-2]}\d0s\b"
)


def rule_spans(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, label) of dates, sums of money and percentages, in order, not overlapping."""
    found = [(m.start(), m.end(), "PERCENT") for m in _PERCENT.finditer(text)]
    found += [(m.start(), m.end(), "MONEY") for m in _MONEY.finditer(text)]
    found += [(m.start(), m.end(), "DATE") for m in _DATE.finditer(text)]
    found.sort(key=lambda span: (span[0], -span[1]))
    spans: list[tuple[int, int, str]] = []
    for span in found:
        if not spans or span[0] >= spans[-1][1]:
            spans.append(span)
    return spans
