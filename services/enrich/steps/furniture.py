"""What is page furniture and not news: patterns of single lines, for the clean-up rules.

Every pattern is applied to lines of bounded length only, and the longer a line, the less it may be furniture.
"""

from __future__ import annotations

import re
from typing import Final

from services.enrich.steps.picture_credits import is_credit
from services.enrich.steps.site_controls import is_control, is_of_date_words

_MAX_FURNITURE_CHARS: Final = 160
_MAX_HEADLINE_CHARS: Final = 200

_SEGMENT_SEPARATOR = re.compile(r"\s+[·•|–—]\s+|\s*[•|]\s*")
_HEADLINE_SEPARATOR = re.compile(r"\s+[·•|]\s+|\s*[•|;]\s+")
_BULLET = re.compile(r"^(?:[-–—*•·▪►»›>]+|\d{1,2}[.)])\s+")
_EMPHASIS = re.compile(r"^[*_#>\s]+|[*_\s]+$")

_RELATED_HEADING = re.compile(
    r"(?:related(?: (?:articles?|stor(?:y|ies)|posts?|news|links?|content|reading|coverage|topics?))?"
    r"|(?:also read|read also|read more|read next|see also|further reading|more reading)"
    r"|you (?:may|might) also (?:like|be interested in|enjoy)"
    r"|more (?:on this(?: (?:story|topic))?|stories|news|from (?:us|the web|this (?:author|section)"
    r"|around the web))"
    r"|(?:watch|listen|(?-i:READ))(?=:\s*\S)"
    r"|recommended(?: (?:for you|reading|stories|articles))?"
    r"|most (?:read|popular|viewed)|trending(?: now)?|don['’]t miss|editors?['’]?s? (?:picks?|choice)"
    r"|(?:previous|next|older|newer) (?:post|article|story)|previously on [^:.!?]{1,40})"
    r"\s*(?:(?P<colon>[:：])\s*(?P<rest>.*)|[.…>»]*)",
    re.IGNORECASE,
)

_FURNITURE = re.compile(
    r"(?:"
    r"(?:please )?(?:post|leave|add|write|submit) (?:a |your )?(?:comments?|reply|replies)(?: below)?[.!]?"
    r"|(?:\d[\d,.]{0,6} (?:comments?|repl(?:y|ies)))|(?:comments? \(\d{1,6}\))|comments?:?"
    r"|\d[\d,.]{0,6}k? (?:shares?|likes?|views?|reactions?)"
    r"|(?:no comments(?: yet)?[.!]?)|(?:be the first to (?:comment|reply)[.!]?)"
    r"|comments (?:are|have been) (?:now )?(?:closed|disabled|off)(?: [^.]{1,40})?[.!]?"
    r"|(?:view|show|see|load|hide|join the|read)(?: all)?(?: \d{1,6})?(?: more)? (?:comments?|conversation)"
    r"|(?:what do you think\? )?(?:drop|share|leave|post|tell us|let us know)(?: us)? your"
    r" (?:comments?|thoughts|views|opinions?)(?: (?:in the comments?|below|with us"
    r"|here)){0,2}(?: section)?[.!]?"
    r"|like it\? share this[.!]?"
    r"|share(?: this| (?:on|via|with|to)\b|:|$)(?: (?:article|post|story|page|news|link|with your friends))?"
    r"(?:$|[:：!].{0,100}|(?: (?:on|via|with|to) .{1,60}[^.\s]))"
    r"|(?:advertise(?:ment|ments)|advertising|advert|sponsored(?: content| post)?|promoted(?: content)?"
    r"|ad)[:.]?"
    r"|[-–—*_ ]{0,5}(?:(?:story|article) )?continues? (?:reading )?(?:below|after)(?: (?:the )?"
    r"(?:advertisement|ad|advert|this ad|newsletter promotion))?[-–—*_ .]{0,5}"
    r"|(?:story|article) continues (?:below|after) .{0,40}|skip advertisement"
    r"|(?:follow|like|find|join) (?:us|our (?:page|channel)) (?:on|at) .{1,80}"
    r"|join our (?:whatsapp|telegram|facebook|viber) .{1,60}"
    r"|(?:please )?(?:sign[- ]?up|subscribe|register|join)\b(?=.{0,140}\b(?:newsletters?|inbox|e-?mails?"
    r"|alerts?|channel|"
    r"podcast|updates|digital edition|briefings?|digest)\b).{1,140}"
    r"|(?:please )?(?:subscribe|sign[- ]?up)(?: (?:now|today|here|to (?:our|the) \w{1,20}))?[.!:]?"
    r"|subscribe: .{1,120}"
    r"|follow our newsletter\b.{0,120}|get (?:our|the) .{1,60} (?:newsletter|in your inbox)\b.{0,60}"
    r"|(?:our|the) newsletter[.!]?|get .{1,60} (?:delivered|sent) (?:straight )?to your inbox.{0,40}"
    r"|(?:tags?|filed under|posted in|categor(?:y|ies)|topics?|keywords?): .{1,140}[^.]"
    r"|(?:all rights reserved|(?:copyright )?(?:©|\(c\)) ?(?:\d{4}\b|(?-i:[A-Z])).{0,100}"
    r"|copyright ©?.{0,100}all rights reserved)[.!]?"
    r"|click here (?:to|for) .{1,100}|(?:listen to|print|save|bookmark|e-?mail|gift) (?:this )?(?:article"
    r"|story|page)"
    r"|\d{1,2} ?min(?:utes?)? read|(?:reading|read) time:? .{1,20}"
    r"|(?:we|this (?:web)?site) uses? cookies\b.{0,120}|accept (?:all )?cookies"
    r"|(?:enable|turn on) notifications?|back to top|skip to (?:main )?content|load more|show more"
    r")",
    re.IGNORECASE,
)
_SHARE_TARGET = re.compile(
    r"(?:facebook|twitter|x|whatsapp|telegram|linkedin|reddit|bluesky|threads|instagram|pinterest|tumblr"
    r"|pin it|tweet"
    r"|e-?mail|print|copy(?: link)?|share|link|messenger|viber|line|weibo|mastodon|youtube|tiktok)",
    re.IGNORECASE,
)
# "SIGN UP FOR OUR NEWSLETTER The absurdity of it seems lost on him.": two lines that lost their break.
_SENTENCE_AFTER_PLUG = re.compile(
    r"\b(?i:newsletters?|inbox|app|alerts) [“\"]?[A-Z][\w'’]* \S+ \S+ (?:\S+ )*\S+[.!?][”\"]?$"
)
_PLUG_AT_END = re.compile(
    r"\s(?:(?:sign up|subscribe)\b[^.!?\n]{0,80}\bnewsletter[.!]?|like it\? share this[.!]?)$", re.IGNORECASE
)
_READER_COMMENT = re.compile(r"[\w.\-]{1,30}(?: [\w.\-]{1,30}){0,2}: \S.{0,280}")

_COURTESY_WORDS: Final = ("ourtesy", "OURTESY", "published", "appeared")
_FIRST_PUBLISHED = re.compile(
    r"[(\[]?(?:this|the) (?:article|story|piece|report|post|essay)(?: was)? (?:originally"
    r"|first) (?:published|appeared)"
    r" (?:by|in|on|at) (?P<name>[^()\[\]]{2,60}?)[)\]]?\.?",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"\s*(?P<open>[(\[])?\s*(?:courtesy(?: of)?|with courtesy of|originally published (?:by|in|on)"
    r"|first published (?:by|in|on))"
    r"\s*(?P<colon>[:：-])?\s*(?P<name>[^()\[\]\n]{2,80}?)\s*(?P<close>[)\]])?\s*\.?$",
    re.IGNORECASE,
)

# Spelling variants of outlets as credits write them; the key is the letters and digits in lower case.
_OUTLETS: Final = (
    "Al Jazeera", "Al Arabiya", "ABC News", "AFP", "AllAfrica", "Anadolu Agency", "ANI",
    "Associated Press", "Axios", "BBC", "BBC News", "Bloomberg", "Channel NewsAsia", "CBC",
    "CBS News", "CNBC", "CNN", "Daily Mail", "Daily Sabah", "Dawn", "Deutsche Welle", "DPA", "EFE",
    "Euronews", "Financial Times", "Fox News", "France 24", "Haaretz", "Hindustan Times", "IANS",
    "Kyodo News", "Le Monde", "Los Angeles Times", "NBC News", "NDTV", "New York Times", "NHK",
    "NPR", "Politico", "PTI", "Reuters", "RFI", "Sky News", "South China Morning Post", "TASS",
    "The Economist", "The Guardian", "The Hindu", "The Independent", "The New York Times",
    "The Telegraph", "The Times of India", "Times of India", "USA Today", "Voice of America",
    "Wall Street Journal", "The Wall Street Journal", "Washington Post", "The Washington Post",
    "Xinhua", "Yonhap",
)  # fmt: skip
_OUTLET_BY_KEY: Final = {re.sub(r"[\W_]", "", name).casefold(): name for name in _OUTLETS} | {
    "agencefrancepresse": "AFP", "ap": "Associated Press", "dw": "Deutsche Welle", "voa": "Voice of America",
    "aljazeeraenglish": "Al Jazeera", "aljazeeracom": "Al Jazeera", "bbccom": "BBC", "cnncom": "CNN",
    "nyt": "The New York Times", "nytimes": "The New York Times", "scmp": "South China Morning Post",
    "presstrustofindia": "PTI", "thomsonreuters": "Reuters", "xinhuanewsagency": "Xinhua",
    "yonhapnewsagency": "Yonhap", "wsj": "The Wall Street Journal", "guardian": "The Guardian",
}  # fmt: skip


def without_bullet(line: str) -> str:
    return _BULLET.sub("", line)


def is_headline(line: str) -> bool:
    """Tell whether a line could be a headline in a list: not long, and not a sentence with its full stop."""
    bare = without_bullet(line)
    return 3 < len(bare) <= _MAX_HEADLINE_CHARS and not bare.endswith((".", ":", ",", ";"))


def related_heading(line: str) -> str | None:
    """Return what follows a heading like "Related Articles:" on its line, or None if there is no heading.

    "Related companies said …" and "Recommended: rest, and plenty of it." are sentences, not headings.
    """
    if not 4 <= len(line) <= 4 * _MAX_HEADLINE_CHARS:
        return None
    found = _RELATED_HEADING.fullmatch(_EMPHASIS.sub("", line))
    if found is None:
        return None
    rest = (found["rest"] or "").strip()
    return None if rest.rstrip("\"'”’").endswith(".") else rest


def split_headlines(rest: str) -> list[str]:
    """Return the headlines that share one line, parted by a bullet, bar or semicolon."""
    pieces = (without_bullet(piece).strip() for piece in _HEADLINE_SEPARATOR.split(rest))
    return [piece for piece in pieces if is_headline(piece) and not piece.startswith(("http://", "https://"))]


def is_furniture(line: str) -> bool:
    """Tell whether a whole line is furniture: "0 Comments", "Share this · Print", "Subscribe to our …"."""
    if not 2 <= len(line) <= _MAX_FURNITURE_CHARS:
        return False
    bare = _EMPHASIS.sub("", line)
    if _SENTENCE_AFTER_PLUG.search(bare):
        return False
    if _FURNITURE.fullmatch(bare) or is_control(bare):
        return True
    segments = _SEGMENT_SEPARATOR.split(bare)
    if len(segments) < 2:
        return False
    certain = [bool(_FURNITURE.fullmatch(segment)) or is_control(segment) for segment in segments]
    return any(certain) and all(
        sure or _SHARE_TARGET.fullmatch(segment) for sure, segment in zip(certain, segments, strict=True)
    )


def is_share_target(line: str) -> bool:
    return len(line) <= 80 and all(map(_SHARE_TARGET.fullmatch, re.split(r"[\s·•|,/]+", line)))


def counts_comments(line: str) -> bool:
    """Tell whether a furniture line says how many comments follow."""
    return any(re.match(r"[1-9]", word) for word in line.split()) and "comment" in line.casefold()


def is_reader_comment(line: str) -> bool:
    """Tell whether a line below the comment count is a reader's: "Anneke: Going in October, thank you." """
    return len(line) <= 400 and _READER_COMMENT.fullmatch(line) is not None


def without_plug(line: str) -> str:
    """Cut a newsletter or share plug off the end of a line that says something else as well."""
    if len(line) <= _MAX_FURNITURE_CHARS * 2 and (found := _PLUG_AT_END.search(line)):
        return line[: found.start()].rstrip()
    return line


def courtesy(line: str) -> tuple[str, str] | None:
    """Return the line without its "(Courtesy: X)" and the outlet X, or None when there is none.

    In the running text only a bracketed one counts, and only at the end of the line.
    """
    if not any(word in line for word in _COURTESY_WORDS):
        return None
    first = _FIRST_PUBLISHED.fullmatch(line)
    if first is not None and first["name"][0].isupper() and not is_of_date_words(first["name"]):
        return "", outlet_name(first["name"])
    start = max(line.rfind("("), line.rfind("["), 0)
    if start and is_credit(line):
        return None
    found = _COURTESY.fullmatch(line[start:])
    if found is None or not (found["open"] and found["close"] if start else found["colon"] or found["open"]):
        return None
    name = re.split(r"\s*[;|]\s*", found["name"])[0].strip(" .,:")
    return line[:start].rstrip(), outlet_name(name)


def outlet_name(name: str) -> str:
    """Return the usual spelling of a well-known outlet, or `name` as it is."""
    return _OUTLET_BY_KEY.get(re.sub(r"[\W_]", "", name).casefold(), name)
