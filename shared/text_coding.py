"""From bytes to text: by byte order mark, as UTF-8 if that can be, then by what is declared. Pure.

Declared encodings are often wrong, and valid UTF-8 with letters beyond ASCII is hardly ever anything else.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

# Pages are cut off in the middle of a letter, and take in single bytes of other pages.
_MAX_BAD_SHARE: Final = 0.005
_MIN_BAD_ALLOWED: Final = 3
LAST_RESORT: Final = "cp1252"
_HEAD_BYTES: Final = 4_096
# Python has codecs by these names, which no page is written in; some take quadratic time.
_NO_ENCODINGS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"}
)


def decode_text(content: bytes, content_type: str | None = None) -> str:
    """Return the text of `content`; never raises.

    `content_type` is the header that came with it, whose charset counts before the page's own <meta>.
    """
    bom_encoding, bom = read_bom(content)
    if bom_encoding is not None and bom is not None:
        return content[len(bom) :].decode(bom_encoding, "replace")
    declared = [
        http_content_type_encoding((content_type or "")[:1_000]),
        html_body_declared_encoding(content[:_HEAD_BYTES]),
    ]
    encodings = [encoding for encoding in declared if encoding is not None and encoding not in _NO_ENCODINGS]
    if not content.isascii() or not encodings:
        text = content.decode("utf-8", "replace")
        bad = text.count("\ufffd")
        # Letters beyond ASCII that are valid by chance are rare among those that are not.
        if not bad or (_is_fair(text) and bad * 3 < sum(not letter.isascii() for letter in text)):
            return text
    for encoding in encodings:
        with suppress(LookupError, UnicodeError):  # codecs such as idna raise whatever they are told
            text = content.decode(encoding, "replace")
            if _is_fair(text):
                return text
    return content.decode(LAST_RESORT, "replace")


def _is_fair(text: str) -> bool:
    """Whether next to all of it could be decoded."""
    return text.count("\ufffd") <= max(_MIN_BAD_ALLOWED, int(len(text) * _MAX_BAD_SHARE))
