"""Tokens and sentences of English news text, as character offsets.

Both functions are pure, run in linear time and accept any string. Entities and sentiment share them.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple


class Token(NamedTuple):
    """A token and its half-open span: text[start:end] == token.text."""

    text: str
    start: int
    end: int


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Abbreviations whose dot belongs to the token and, before a capital, does not end a sentence.
TITLE_ABBREVIATIONS = _words(
    """
    Mr Mrs Ms Messrs Dr Prof Rev Fr Sr Hon Gov Sen Rep Reps Sens Gen Col Maj Capt Cmdr Cpl Sgt Lt Adm
    Supt Insp Pres Amb Atty St Ste Mt Md Mx Mme Mlle Smt Shri Pte Brig
    """
)
_NAME_ABBREVIATIONS = _words(
    """
    Jr Inc Ltd Corp Co Bros Cos LLC Cie ehf Univ Dept Ave Blvd Rd No Nos vs v cf approx est al etc Vol
    Art Sec Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Mass Mich Minn Miss Mo Mont Neb
    Nev Okla Ore Pa Tenn Tex Vt Va Wash Wis Wyo Ont Que Alta Sask Man Jan Feb Mar Apr Jun Jul Aug Sept
    Oct Nov Dec
    """
)
_KEPT_DOT = TITLE_ABBREVIATIONS | (
    _NAME_ABBREVIATIONS - {"No", "Nos", "Art", "Sec", "v", "al", "Man", "Mar", "Del"}
)

# Names that stand on both sides of a hyphen as two names ("China-US"), unlike a double surname.
_PAIRED_NAMES = _words(
    """
    US U.S UK EU UN America China Japan Korea India Pakistan Russia Ukraine Israel Iran Iraq Syria
    Lebanon Gaza Egypt Turkey Greece Cyprus France Germany Italy Spain Portugal Poland Hungary Serbia
    Kosovo Armenia Azerbaijan Georgia Taiwan Philippines Vietnam Thailand Cambodia Laos Myanmar Malaysia
    Singapore Indonesia Australia Canada Mexico Cuba Venezuela Colombia Guyana Brazil Argentina Chile
    Peru Bolivia Ecuador Haiti Ethiopia Eritrea Sudan Somalia Kenya Uganda Rwanda Congo Nigeria Niger
    Mali Libya Algeria Morocco Tunisia Qatar Yemen Jordan Afghanistan Bangladesh Nepal Bhutan Belarus
    Finland Sweden Norway Estonia Ireland Britain Europe Africa Asia ASEAN NATO Washington Beijing
    Moscow Kyiv Tokyo Delhi London Brussels Paris Berlin Hong Mainland African American Arab Asian
    Australian British Canadian Chilean Chinese Croatian Dutch Egyptian English European French German
    Greek Indian Iranian Iraqi Irish Israeli Italian Japanese Jewish Korean Kurdish Mexican Muslim
    Pakistani Palestinian Polish Russian Saudi Spanish Swedish Syrian Thai Turkish Ukrainian Vietnamese
    """
)
_BOUND_PREFIXES = _words("anti pro ex pre post non mid then")
_BOUND_SUFFIXES = _words(
    """
    led born built run made style era bound speaking language trained class wide area owned held like
    friendly only looking resident sized linked focused type themed level side facing funded grown wing
    bred
    """
)

# Alternatives in order: addresses, dollars, dotted acronyms, initials, dotted lower case, R-S.C., numbers,
# words, possessive, other characters.
_TOKEN = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}"
    r"|(?:US|A|AU|C|CA|NZ|HK|S|NT|R|Z|J)\$"
    r"|(?:[^\W\d_a-zß-öø-ÿ]\.){2,}"
    r"|[^\W\d_a-zß-öø-ÿ]\.(?=\s?[^\W\d_a-z])"
    r"|\b[a-z]\.[a-z]\.(?:[a-z]\.)*"
    r"|[RDI](?=-[A-Z](?:\.|[a-z]{1,4}\.))"
    r"|\d+(?:[.,:]\d+)+\w*(?:-\w+)*"
    r"|\w+(?:(?:['’ʻʼ](?![sS]\b)|[-‑&]|\.(?=(?:com|org|net|co|io|ai|uk|in|fm|tv)\b))\w+)*"
    r"|['’][sS]\b|…|\.{2,}|--+|[^\w\s]"
)
_BREAK = re.compile(r"\n|[.!?…]+[\"'”’»)\]]*(?=\s|$)|[。！？]")
_PARAGRAPH_GAP = re.compile(r"\n[^\S\n]*\n")
_WORD_BEFORE = re.compile(r"[\w.'’-]{0,24}\Z")
_INITIALS = re.compile(r"(?:[^\W\d_]\.)*[^\W\d_]\Z")
_OPENERS = "\"'“‘«([—–-• "

# A hard-wrapped line is about this long; shorter ones are headings, list items or bylines.
_WRAPPED_LINE_CHARS = 60


def tokenize(text: str) -> list[Token]:
    """Return the tokens of `text` in order.

    A possessive 's is a token of its own, and so are the parts of "China-US", "Boston-based" and
    "anti-IS"; other hyphenated words, dotted initials ("J.K.", "U.S.") and AT&T stay whole.
    """
    tokens: list[Token] = []
    append = tokens.append
    for match in _TOKEN.finditer(text):
        word = match.group()
        start, end = match.span()
        if "-" in word and len(word) > 3:
            tokens += _split_hyphens(word, start)
        elif word in _KEPT_DOT and text[end : end + 1] == "." and text[end + 1 : end + 2] != ".":
            append(Token(word + ".", start, end + 1))
        elif word == "." and tokens and tokens[-1].end > start:
            continue  # already taken by the abbreviation before it
        else:
            append(Token(word, start, end))
    return tokens


def _split_hyphens(word: str, start: int) -> list[Token]:
    """Split at hyphens that join a name to another word or name; `start` is the word's offset."""
    parts = word.split("-")
    if len(word) > 80 or not all(parts):
        return [Token(word, start, start + len(word))]
    tokens: list[Token] = []
    piece_start = position = 0
    for left, right in pairwise(parts):
        position += len(left)
        if _joins_two(left, right):
            tokens.append(Token(word[piece_start:position], start + piece_start, start + position))
            tokens.append(Token("-", start + position, start + position + 1))
            piece_start = position + 1
        position += 1
    tokens.append(Token(word[piece_start:], start + piece_start, start + len(word)))
    return tokens


def _joins_two(left: str, right: str) -> bool:
    if left.lower() in _BOUND_PREFIXES:
        return right[0].isupper()
    if not left[0].isupper():
        return False
    if right in _BOUND_SUFFIXES or (right.islower() and right.endswith("ed") and len(right) > 3):
        return True
    return left in _PAIRED_NAMES and right in _PAIRED_NAMES


def split_sentences(text: str) -> list[tuple[int, int]]:
    """Return the spans of the sentences of `text`, without the white space around them.

    A line break ends a sentence unless it looks like the wrap of a long line.
    """
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        if match.start() < start:
            continue
        ends = _newline_ends(text, match.start()) if match.group() == "\n" else _stop_ends(text, match)
        if ends:
            _append_stripped(spans, text, start, match.end())
            start = match.end()
    _append_stripped(spans, text, start, len(text))
    return spans


def _append_stripped(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end]
    stripped = piece.strip()
    if stripped:
        start += len(piece) - len(piece.lstrip())
        spans.append((start, start + len(stripped)))


def _newline_ends(text: str, position: int) -> bool:
    if _PARAGRAPH_GAP.match(text, position) or position == 0:
        return True
    line_start = text.rfind("\n", max(0, position - 200), position) + 1
    if position - line_start < _WRAPPED_LINE_CHARS or text[position - 1] in '.!?:"”’…':
        return True
    following = text[position + 1 : position + 2]
    return not following.isalnum() and following not in ("(", "“", '"', "‘", "'")


def _stop_ends(text: str, match: re.Match[str]) -> bool:
    """Tell whether a run of . ! ? … ends its sentence, from the word before and the character after."""
    stop = match.group()
    following = text[match.end() : match.end() + 8]
    if stop == "." and following.startswith((" —", " –", " -")):
        return False  # a dateline: "WICHITA, Kan. — About"
    after = following.lstrip(_OPENERS + "\t\r\n")
    if after and after[0].islower():
        return False
    if stop != ".":
        return True
    before = _WORD_BEFORE.search(text, max(0, match.start() - 24), match.start())
    word = before.group() if before else ""
    if word in TITLE_ABBREVIATIONS:
        return False
    if word in _NAME_ABBREVIATIONS:
        # "Apple Inc. said" has a lower-case letter next; "No. 4" and "Sept. 5" a digit.
        return not (after and after[0].isdigit()) and word not in {"vs", "v", "No", "Nos", "cf", "Vol"}
    if _INITIALS.match(word):
        # "J. K. Rowling" against "in the U.S. The": only a lone initial is surely inside a name.
        return "." in word and _starts_sentence(text, match.end())
    return True


_STARTERS = re.compile(
    r"\s+[\"“'‘(]*(?:The|A|An|He|She|It|They|We|I|In|On|At|But|And|That|This|These|Those|His|Her|Its|Their|For"
    r"|As|If|When|While|After|Before|With|By|From|Some|Many|Most|Several|Officials|Police|There)\b"
)


def _starts_sentence(text: str, position: int) -> bool:
    return (
        position >= len(text.rstrip())
        or "\n" in text[position : position + 2]
        or bool(_STARTERS.match(text, position))
    )
