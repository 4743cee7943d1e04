"""Lines that a site's own controls leave in a text: buttons, accounts, comment forms, dates of editing.

Whole phrases rather than beginnings: what says anything more is taken for news.
"""

from __future__ import annotations

import re
from typing import Final

_NETWORK = (
    r"(?:facebook|twitter|x|whatsapp|telegram|linkedin|reddit|bluesky|threads|instagram|pinterest|tiktok"
    r"|youtube"
    r"|google news|flipboard|e-?mail)"
)
_WORK = r"(?:article|story|post|page|piece|report|video)"
_CONTROL = re.compile(
    rf"(?:click (?:here )?to (?:share|print|e-?mail)(?: .{{1,60}})?"
    rf"|(?:share|tweet|save|e-?mail|print|like|pin|bookmark) (?:this|it)(?: {_WORK})?(?: (?:to a friend"
    rf"|with (?:your )?friends))?"
    rf"|(?:share|post|send)(?: (?:this|it))?(?: {_WORK})? (?:on|via|by|to) {_NETWORK}"
    rf"|copy (?:the )?(?:link|url)|(?:link )?copied(?: to clipboard)?[.!]?"
    rf"|follow [\w'’&-]{{1,30}}(?: [\w'’&-]{{1,30}}){{0,3}} on {_NETWORK}(?:(?:,| and"
    rf"|,? &) {_NETWORK}){{0,4}}"
    rf"(?:\s*[:(]?\s*@\w{{1,30}}\)?)?[.!]?"
    r"|download (?:our|the)(?: [\w'’-]{1,20}){0,4} app\b(?: (?:for|to|from|on) .{1,60})?[.!]?"
    r"|(?:advertisement|ad)\s*[-–—:|]\s*(?:scroll|story|article|continue).{0,40}"
    rf"|(?:continue|keep) reading(?: (?:below|the full {_WORK}))?\s*[.…>»→]*"
    rf"|(?:read|view|see) (?:the )?(?:full|entire|original|rest of the) {_WORK}(?: (?:here"
    rf"|on .{{1,30}}))?\s*[.…>»→]*"
    r"|(?:tap|click) here(?: (?:to|for) .{1,60})?[.!]?"
    r"|loading(?: (?:comments|more|the player|player))?\s*(?:\.{2,3}|…)|please wait\s*(?:\.{2,3}|…)"
    r"|\d{1,3}[- ]min(?:ute)?s? (?:read|listen|watch)"
    r"|(?:please )?(?:support|help(?: us)? fund|fund) (?:our|independent|local|quality) (?:journalism"
    r"|newsroom"
    r"|reporting|work)(?:[.:!,]? (?:please )?(?:donate|subscribe|become a member|join us)(?: (?:now|today"
    r"|here))?)?[.!]?"
    r"|donate (?:now|today|here)[.!]?|become a (?:member|subscriber|supporter)(?: (?:now|today|here))?[.!]?"
    r"|report (?:a |an )?(?:typo|error|mistake|correction|ad|this ad)(?: in this (?:article|story))?[.!]?"
    r"|(?:terms (?:of (?:use|service)|and conditions|& conditions)|privacy (?:policy|notice|settings)"
    r"|cookies? (?:policy|settings|preferences|notice)|manage (?:cookies|preferences)"
    r"|do not sell my (?:personal )?"
    r"(?:info|information|data))"
    r"|(?:log|sign) (?:in|out|up)(?: (?:or|/) (?:register|sign up|subscribe|create an account))?|my account"
    r"|create (?:a free |an )account"
    r"|(?:log|sign) in (?:or register )?to (?:comment|reply|continue(?: reading)?|join the (?:conversation"
    r"|discussion))[.!]?"
    r"|you must be (?:logged in|registered) to (?:post|leave|write) a comment[.!]?"
    r"|your e-?mail address will not be published[.!]?(?: required fields are marked ?\*?)?"
    r"|required fields are marked ?\*?|leave a (?:reply|comment) cancel reply|cancel reply"
    r"|notify me of (?:new|follow-up) (?:posts|comments) by e-?mail[.!]?"
    r"|save my name, e-?mail,? and website in this browser for the next time i comment[.!]?"
    r"|(?:readers?['’]? |reader |user |facebook )comments(?: \(\d{1,6}\))?"
    r"|(?:have something to say\? )?(?:share|leave|post) your (?:thoughts|comments|opinion) (?:in"
    r"|on) (?:the )?comments?"
    r"(?: section)?(?: below)?[.!]?"
    r"|(?:got|have|do you have) a (?:news )?(?:story|tip)(?: (?:for us|to (?:tell|share)))?\? (?:e-?mail"
    r"|contact|call|get in"
    r" touch|let us know|send|write).{0,80}"
    r"|(?:contact|e-?mail) (?:us|the (?:author|newsroom|reporter)) (?:at|on|via) \S{5,60}"
    r"|(?:view|open|see|launch) (?:the )?(?:full )?(?:gallery|slideshow|photos?|images?)"
    r"|(?:photo )?gallery: .{3,80}[^.]"
    r"|(?:(?:image|photo|picture|slide) )?\d{1,3} (?:of|/) \d{1,3}"
    r"|(?:hide|show|toggle|view) caption|enlarge (?:this )?image|expand (?:this )?image|click to enlarge"
    r"|around the web|paid (?:content|post)|from our (?:partners|sponsors?)|you might be interested in"
    r"|printed from \S{4,60}"
    r"|\(?with (?:additional )?inputs? from [^.()]{2,60}\)?[.]?"
    r"|\(?(?:except for the headline, )?this (?:story|article|report) has not been edited by .{2,100}"
    r"|\(?this (?:story|article|report) (?:is|was|has been) (?:auto-?generated"
    r"|published) from a (?:syndicated|wire agency)"
    r" feed.{0,60}"
    r"|(?-i:Posted in|Posted under|Filed in|Filed under) (?-i:[A-Z])[\w&-]{1,20}(?:,? [\w&-]{1,20}){0,2})",
    re.IGNORECASE,
)

_EDITED = re.compile(
    r"(?:first |last |originally )?(?:published|updated|posted|modified|edited|created)(?: (?:on"
    r"|at))?\s*:?\s+",
    re.IGNORECASE,
)
_DATE_SEPARATOR = re.compile(r"[\s,|·•()–—-]+")
_DATE_WORD = re.compile(
    r"\d{1,4}(?:[:./]\d{1,4}){0,2}(?:st|nd|rd|th|h|am|pm)?"
    r"|(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)(?:uary|ruary|ch|il|ust|ember|ober)?\.?"
    r"|(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?"
    r"|a\.?m\.?|p\.?m\.?|utc|gmt|bst|cest?|es?t|ed?t|pt|pst|pdt|ist|pkt|sgt|wat|eat|cat|of|at|on|ago|an?"
    r"|years?|months?|weeks?|days?|hours?|hrs?|minutes?|mins?|today|yesterday",
    re.IGNORECASE,
)
_MAX_DATE_WORDS: Final = 14


def is_control(line: str) -> bool:
    """Tell whether a line is a control's label, or the date of its page: "Last updated: 4 March 2024"."""
    return _CONTROL.fullmatch(line) is not None or says_when_edited(line)


def says_when_edited(line: str) -> bool:
    said = _EDITED.match(line)
    return said is not None and is_date(line[said.end() :])


def is_date(text: str) -> bool:
    """Tell whether a text consists of words and numbers of dates and times, at least one of them a number."""
    return any(map(str.isdigit, text)) and is_of_date_words(text)


def is_of_date_words(text: str) -> bool:
    """Tell whether each word could be of a date, as in "Monday" and "May"."""
    words = [word for word in _DATE_SEPARATOR.split(text.strip(" .")) if word]
    return 0 < len(words) <= _MAX_DATE_WORDS and all(map(_DATE_WORD.fullmatch, words))
