"""Picture credits: lines that say who took a photo, and nothing else."""

from __future__ import annotations

import re
from typing import Final

_MAX_CREDIT_CHARS: Final = 160
# With a full stop at the end; news sentences that lost the break before them have 12 and more.
_MAX_CREDIT_WORDS: Final = 12
_TEXT_AFTER_BRACKET = re.compile(r"\([^()]*\) \w|\[[^\[\]]*\] \w")
_EMPHASIS = re.compile(r"^[*_#>\s]+|[*_\s]+$")

_PICTURE = (
    r"(?:image|photo(?:graph)?|picture|pic|video|graphic|illustration|cartoon|map|screengrab|screenshot"
    r"|file photo)s?"
)
_CREDIT = re.compile(
    rf"[(\[]?(?:{_PICTURE} ?(?:credits?|courtesy(?: of)?|source|by)? ?(?:[:：/|]|courtesy\b"
    rf"|courtesy of\b)\s*(?P<of>\S.{{0,140}})"
    rf"|(?:{_PICTURE}|words (?:&|and) {_PICTURE}|{_PICTURE} (?:&|and) words) by [^.]{{2,80}}"
    rf"|(?:posted|written) by [^·|.]{{2,60}} [·|] {_PICTURE} ?(?:credits?|by|courtesy)?:.{{1,100}}"
    r"|(?:credits?|representative image|representational (?:image"
    r"|photo))[:：]?\s*(?P<to>[^.]{0,80}))[)\]]?\.?",
    re.IGNORECASE,
)
# "Photo: a hobby that turned into a job." is a sentence; "Photo: courtesy of the family." is none.
_LOWER_CASE_CREDIT = re.compile(
    r"(?:courtesy|supplied|handout|file|via|by|provided|submitted|contributed|screen|social|pool|the)\b"
)

_AGENCY = (
    r"(?:AP|AFP|PA|EPA|EFE|EPA-EFE|ANI|PTI|IANS|UPI|dpa|DPA|NTB|NTB Scanpix|TT|Xinhua|TASS"
    r"|Anadolu(?: Agency)?|AA"
    r"|Reuters|REUTERS|Bloomberg|Getty(?: Images)?|Shutterstock|iStock(?:photo)?|Alamy|ZUMA(?: Press)?"
    r"|Press Association"
    r"|Associated Press|NurPhoto|SIPA|Sipa USA|Kyodo(?: News)?|Yonhap|Pool)"
)
_STOCK = (
    r"(?:(?:AFP )?Getty Images|Shutterstock|iStock(?:photo)?|Alamy(?: Stock Photo)?|Unsplash|Pixabay|Pexels"
    r"|Wikimedia Commons|AP Photo|REUTERS PHOTO)"
)
_NAME = r"[\w.'’-]{2,20}(?: [\w.'’-]{1,20}){0,4}"
_AGENCY_CREDIT = re.compile(
    rf"[(\[]?(?:(?:AP|AFP|PA|EPA|Reuters|REUTERS) (?:Photo|PHOTO|File|Images)(?:(?:/| by |: ?){_NAME})?"
    rf"|{_NAME}/{_AGENCY}(?:/{_AGENCY})?(?: (?:via|/) {_AGENCY})?|{_AGENCY}/{_NAME}(?:/{_AGENCY})?"
    rf"|{_NAME} via {_AGENCY}|{_STOCK}|[-–—]{{1,2}} ?{_AGENCY})(?:, File| file photo)?[)\]]?\.?"
)


def is_credit(line: str) -> bool:
    """Tell whether a line is a picture credit and nothing else."""
    if len(line) > _MAX_CREDIT_CHARS:
        return False
    bare = _EMPHASIS.sub("", line)
    found = _CREDIT.fullmatch(bare)
    if found is None:
        return _AGENCY_CREDIT.fullmatch(bare) is not None
    if _TEXT_AFTER_BRACKET.match(bare):
        return False
    credited = found["of"] or found["to"] or ""
    if not line.endswith("."):
        return True
    is_sentence = credited[:1].islower() and not _LOWER_CASE_CREDIT.match(credited)
    return not is_sentence and credited.count(" ") < _MAX_CREDIT_WORDS
