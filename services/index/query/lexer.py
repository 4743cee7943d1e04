"""Query text to tokens. Called by `query.parser` only; it never fails, whatever the text.

Every character belongs to exactly one token or to the space between tokens, so positions can be shown.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import Enum, auto

from services.index.query.nodes import Field

_OPENING_QUOTES = '"“„«'
_CLOSING_QUOTES = '"”“»'
_WORD_END = frozenset(' \t\n\r()"“”„«»')
# A name before a colon, of a field of ours or of none. "10:30" begins with no letter.
FIELD = re.compile(r"[A-Za-z_][\w.-]{0,60}:", re.ASCII)
_SUFFIX = re.compile(r"(?:~(?P<edits>\d{0,4}(?:\.\d{1,4})?))?(?:\^(?P<boost>\d{1,6}(?:\.\d{1,6})?))?")
OPERATORS = {"AND": "AND", "&&": "AND", "OR": "OR", "||": "OR", "NOT": "NOT"}
_ALIASES = {"lang": Field.LANGUAGE, "date": Field.PUBLISHED, "organization": Field.ORG}
_NAMES = {field.value: field for field in Field} | _ALIASES
FIELD_NAMES = tuple(_NAMES)


class Kind(Enum):
    WORD = auto()
    PHRASE = auto()
    RANGE = auto()
    COMPARE = auto()
    LPAREN = auto()
    RPAREN = auto()
    AND = auto()
    OR = auto()
    NOT = auto()
    PLUS = auto()
    FIELD = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is unescaped. `edits` and `boost` are the digits after ~ and ^, None when there is no such mark.

    `prefix` tells that a word ended in an unescaped *, `closed` that a phrase or range has its end,
    `misplaced` is a *, ?, ^ or ~ that stands where it could not be meant, `field` is set on FIELD tokens, and
    `unknown_field` on a word that reads like a value in no field of ours.
    """

    kind: Kind
    position: int
    text: str = ""
    edits: str | None = None
    boost: str | None = None
    prefix: bool = False
    closed: bool = True
    field: Field | None = None
    unknown_field: str | None = None
    misplaced: str | None = None


def clean(text: str) -> str:
    """Return `text` of the same length with control characters as spaces and lone surrogates replaced."""
    return "".join(
        "\ufffd" if "\ud800" <= char <= "\udfff" else " " if _is_space(char) else char for char in text
    )


def _is_space(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) == "Cc"


def field_named(name: str) -> Field | None:
    return _NAMES.get(name.lower())


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text` (already cleaned), the last of kind END."""
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        if text[position] == " ":
            position += 1
            continue
        after_field = bool(tokens) and tokens[-1].kind is Kind.FIELD
        token, position = _next_token(text, position, after_field=after_field)
        tokens.append(token)
    tokens.append(Token(Kind.END, len(text)))
    return tokens


def _next_token(text: str, at: int, *, after_field: bool) -> tuple[Token, int]:
    char = text[at]
    if char in "()":
        if char == ")":
            return _with_suffix(Token(Kind.RPAREN, at), text, at + 1)
        return Token(Kind.LPAREN, at), at + 1
    if char in _OPENING_QUOTES or char in _CLOSING_QUOTES:
        return _phrase(text, at)
    if after_field and char in "[{":
        return _range(text, at)
    if after_field and char in "<>":
        return _comparison(text, at)
    if char in "+-!" and text[at + 1 : at + 2].strip() and not after_field:
        return Token(Kind.PLUS if char == "+" else Kind.NOT, at, char), at + 1
    return _word(text, at, after_field=after_field)


def _with_suffix(token: Token, text: str, at: int) -> tuple[Token, int]:
    match = _SUFFIX.match(text, at)
    if match is None or not match.group():
        return token, at
    return replace(token, edits=match["edits"], boost=match["boost"]), match.end()


def _phrase(text: str, at: int) -> tuple[Token, int]:
    chars: list[str] = []
    index = at + 1
    while index < len(text):
        char = text[index]
        if char == "\\" and index + 1 < len(text):
            chars.append(text[index + 1])
            index += 2
            continue
        if char in _CLOSING_QUOTES:
            return _with_suffix(Token(Kind.PHRASE, at, "".join(chars)), text, index + 1)
        chars.append(char)
        index += 1
    return Token(Kind.PHRASE, at, "".join(chars), closed=False), len(text)


def _range(text: str, at: int) -> tuple[Token, int]:
    ends = [end for end in (text.find("]", at), text.find("}", at)) if end >= 0]
    if not ends:
        return Token(Kind.RANGE, at, text[at:], closed=False), len(text)
    end = min(ends) + 1
    return _with_suffix(Token(Kind.RANGE, at, text[at:end]), text, end)


def _comparison(text: str, at: int) -> tuple[Token, int]:
    end = at + 1 + text.startswith("=", at + 1)
    if text[end : end + 1] and text[end] in _OPENING_QUOTES:
        value, after = _phrase(text, end)
        return replace(value, kind=Kind.COMPARE, position=at, text=text[at:end] + value.text), after
    while end < len(text) and text[end] not in _WORD_END:
        end += 1
    mark = text.rfind("^", at, end)
    match = _SUFFIX.fullmatch(text, mark, end) if mark > 0 else None
    if match is not None:
        return Token(Kind.COMPARE, at, text[at:mark], boost=match["boost"]), end
    return Token(Kind.COMPARE, at, text[at:end]), end


def _word(text: str, at: int, *, after_field: bool) -> tuple[Token, int]:
    end = at
    while end < len(text) and text[end] not in _WORD_END:
        end += 2 if text[end] == "\\" else 1
    end = min(end, len(text))
    raw = text[at:end]
    if not after_field:
        if raw in OPERATORS:
            return Token(Kind[OPERATORS[raw]], at, raw), end
        name = FIELD.match(raw)
        if name is not None:
            field = field_named(name.group()[:-1])
            if field is not None:
                return Token(Kind.FIELD, at, name.group(), field=field), at + name.end()
            if _has_value(text, at + name.end()):
                return replace(_plain_word(raw, at), unknown_field=name.group()[:-1]), end
    return _plain_word(raw, at), end


def _has_value(text: str, after: int) -> bool:
    """Tell `colour:red` from "Breaking: storm" and "https://…", which hold a colon and name no field."""
    return text[after : after + 1] not in ("", " ", ")") and not text.startswith("//", after)


def _plain_word(raw: str, at: int) -> Token:
    bare = _unescaped(raw)
    end, edits, boost = len(raw), None, None
    # Only the last two marks can begin what is left of a word: ~2^3.
    for mark in [i for i in bare if i and raw[i] in "~^"][-2:]:
        match = _SUFFIX.fullmatch(raw, mark)
        if match is not None:
            end, edits, boost = mark, match["edits"], match["boost"]
            break
    inner = [i for i in bare if i < end]
    prefix = False
    while inner and inner[-1] == end - 1 and raw[end - 1] == "*":
        prefix = True
        end = inner.pop()
    text = _unescape(raw[:end])
    return Token(Kind.WORD, at, text, edits, boost, prefix, misplaced=_misplaced(raw[:end], inner))


def _misplaced(raw: str, bare: list[int]) -> str | None:
    """Return a mark of `raw` that could not be read: a *, or between a letter and more a ?, ^ or ~.

    "Why?" and "~30" ask for nothing, nor does an address.
    """
    if any(raw[i] == "*" for i in bare):
        return "*"
    if "//" in raw:
        return None
    for i in bare:
        before, after = raw[i - 1 : i] if i else "", raw[i + 1 : i + 2]
        if raw[i] == "?" and before.isalnum() and after.isalnum():
            return "?"
        if raw[i] in "^~" and before.isalnum() and (after.isalnum() or after in tuple("-+.")):
            return raw[i]
    return None


def _unescaped(raw: str) -> list[int]:
    """Return where the characters stand that no backslash takes their meaning from."""
    places: list[int] = []
    at = 0
    while at < len(raw):
        if raw[at] == "\\":
            at += 2
            continue
        places.append(at)
        at += 1
    return places


def _unescape(text: str) -> str:
    return re.sub(r"\\(.?)", r"\1", text)
