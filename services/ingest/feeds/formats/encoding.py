"""From a document's bytes to its text, whatever is declared, and whether or not it is true. Pure.

A byte order mark beats the Content-Type header, which beats the XML declaration (RFC 7303, section 3). What
is then found wrong is mended: Latin-1 is read as windows-1252, as browsers do; what is declared in a set of
single bytes and is valid UTF-8 beyond ASCII is UTF-8; and a document that says UTF-8 and is not is read as
UTF-8 with windows-1252 in between, which is how most such feeds came about.
"""

from __future__ import annotations

import codecs
import re
from contextlib import suppress

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a document without a mark begins with: "<?" or "<r" in the wider encodings.
_WIDE_STARTS = (
    (b"<\0\0\0", "utf-32-le"),
    (b"\0\0\0<", "utf-32-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
# The wider sets that the declared names stand for in practice (WHATWG Encoding, section 4.2).
_STANDS_FOR = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949",
    "shift_jis": "cp932", "iso8859-9": "cp1254", "tis-620": "cp874", "iso8859-11": "cp874",
    "big5": "big5hkscs",
}  # fmt: skip
_CHARSET = re.compile(r"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9_.:-]{1,40})["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,1000}\?>")
_CODE_PAGE = re.compile(r"^(?:x-)?(?:cp|win|windows)[-_]?(?=\d)")
_SINGLE_BYTES = ("cp125", "iso8859", "cp874", "koi8", "mac")
# Codecs of Python that are no character sets, or that turn few bytes into many.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "utf-7", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
)
# Python's stand-ins for bytes that are no UTF-8, as windows-1252 has them.
_STRAY_BYTES = {0xDC00 + byte: bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0x100)}


def decode_document(body: bytes, content_type: str | None = None) -> str:
    """Return the text of a document without its mark and XML declaration. Never raises."""
    text = _decode(body, content_type)
    return _DECLARATION.sub("", text.lstrip("\ufeff"), count=1)


def _decode(body: bytes, content_type: str | None) -> str:
    for mark, name in _BOMS:
        if body.startswith(mark):
            return body.decode(name, "replace")
    candidates = [_charset_of(content_type), _wide(body), _declared(body)]
    for name in dict.fromkeys(name for name in candidates if name is not None):
        try:
            if name.startswith(_SINGLE_BYTES) and not body.isascii():
                with suppress(UnicodeError):
                    return body.decode("utf-8")
            return body.decode(name)
        except (UnicodeError, LookupError, ValueError):
            continue
    return body.decode("utf-8", "surrogateescape").translate(_STRAY_BYTES)


def _charset_of(content_type: str | None) -> str | None:
    match = _CHARSET.search((content_type or "")[:300])
    return match and _codec(match.group(1))


def _wide(body: bytes) -> str | None:
    start = body[:16].lstrip(b" \t\r\n")
    return next((name for mark, name in _WIDE_STARTS if start.startswith(mark)), None)


def _declared(body: bytes) -> str | None:
    match = _DECLARED.match(body[:1024])
    name = match and _codec(match.group(1).decode("ascii"))
    # A declaration that we could read as ASCII is not written in what takes two bytes for each character.
    return None if name is None or name.startswith(("utf-16", "utf-32")) else name


def _codec(label: str) -> str | None:
    """Return Python's name for a character set, the wider one where it stands for that; None for no such."""
    label = label.lower()
    if label == "windows-31j":
        label = "cp932"
    # x-sjis, x-euc-jp, x-gbk; cp-1252, win-1252: so feeds write what Python has without.
    found = None
    for name in (label, label.removeprefix("x-"), _CODE_PAGE.sub("cp", label)):
        with suppress(LookupError, ValueError):
            found = codecs.lookup(name)
            break
    if found is None or not found._is_text_encoding or found.name in _NO_CHARSETS:
        return None
    return _STANDS_FOR.get(found.name, found.name)
