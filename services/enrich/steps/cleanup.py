"""Clean-up: turns a page's text as publishers send it into a title and a body of news, nothing else.

An ordered list of small rules works on a draft of lines ("" is a paragraph break). The rules are tuned
on news-gold, where one article in ten carries the clutter of real pages; tests measure that no
sentence of the others is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from services.enrich.steps import furniture
from services.enrich.steps.normalize import normalize_characters, normalize_lines, one_line
from services.enrich.steps.picture_credits import is_credit

VERSION: Final = "cleanup-2"
MAX_TITLE_CHARS: Final = 300
_MAX_PLAUSIBLE_TITLE_CHARS: Final = 200
_MAX_FALLBACK_TITLE_CHARS: Final = 120
_MAX_CAPTION_CHARS: Final = 300
_MAX_RELATED_TITLES: Final = 12
_TITLE_REPEATS_SEEN_AT_TOP: Final = 4
# Twenty times as many as a day's live blog has; what follows is kept as it is.
_MAX_JUDGED_LINES: Final = 20_000

_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_TITLE_SEPARATOR = re.compile(r" [|–—·-] ")
_SENTENCE_END = re.compile(r"[.!?。！？]['\"”’)]?(?=\s|$)")
_ENDS_ABBREVIATED = re.compile(r"(?:\b\w\.\w\.|\b(?:Inc|Co|Corp|Ltd|Jr|Sr|St|No|etc))\.?$")
_ENDS_A_SENTENCE = re.compile(r"[.!?。…:;,]['\"”’)]?$")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The title and body to serve; paragraphs of `body` are separated by blank lines.

    `credited_source` is the outlet that the text itself credits, `related_titles` the headlines of
    related blocks, `rules` the names of the rules that changed anything, in order.
    """

    title: str
    body: str
    credited_source: str | None
    related_titles: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """An article being cleaned. Rules change it in place and return whether they did."""

    title: str
    lines: list[str]
    credited_source: str | None = None
    related_titles: list[str] = field(default_factory=list)


Rule = Callable[[Draft], bool]


def clean_text(title: str | None, body: str) -> Cleaned:
    """Return the article's own title and text, without what its page put around them."""
    lines = normalize_lines(normalize_characters(body))
    draft = Draft(
        title=one_line(normalize_characters(title or ""))[:MAX_TITLE_CHARS],
        lines=lines[:_MAX_JUDGED_LINES],
    )
    applied = tuple(rule.__name__ for rule in RULES if rule(draft))
    text = "\n".join(draft.lines + lines[_MAX_JUDGED_LINES:]).strip("\n")
    return Cleaned(
        title=draft.title or title_from_text(text),
        body=re.sub(r"\n{3,}", "\n\n", text),
        credited_source=draft.credited_source,
        related_titles=tuple(draft.related_titles[:_MAX_RELATED_TITLES]),
        rules=applied,
    )


def title_from_text(text: str) -> str:
    """Return the first sentence of `text`, cut at a word to 120 characters."""
    start = one_line(text[: 4 * _MAX_FALLBACK_TITLE_CHARS])
    end = _SENTENCE_END.search(start)
    sentence = start[: end.start()] if end and end.start() > 0 else start
    if len(sentence) <= _MAX_FALLBACK_TITLE_CHARS:
        return sentence
    cut = sentence[: _MAX_FALLBACK_TITLE_CHARS - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:–—-") + "…"


def take_related_block(draft: Draft) -> bool:
    """Move "Related Articles:" and its headlines, on its line or the lines below, to related titles."""
    kept: list[str] = []
    at = 0
    while at < len(draft.lines):
        heading = furniture.related_heading(draft.lines[at])
        if heading is None:
            kept.append(draft.lines[at])
            at += 1
            continue
        at += 1
        headlines = furniture.split_headlines(heading)
        if not headlines:
            headlines, at = _headlines_below(draft.lines, at)
        draft.related_titles += headlines
    changed = len(kept) < len(draft.lines)
    draft.lines = kept
    return changed


def _headlines_below(lines: list[str], at: int) -> tuple[list[str], int]:
    headlines: list[str] = []
    while at < len(lines) and len(headlines) < _MAX_RELATED_TITLES:
        line = lines[at]
        if line and (not furniture.is_headline(line) or furniture.is_furniture(line)):
            break
        if line:
            headlines.append(furniture.without_bullet(line))
        at += 1
    return headlines, at


def drop_furniture(draft: Draft) -> bool:
    """Drop share bars, comment counts and readers' comments, newsletter plugs, advertisement marks, tags."""
    kept: list[str] = []
    after_furniture = after_comment_count = False
    for line in draft.lines:
        if not line:
            kept.append(line)
            continue
        if furniture.is_furniture(line) or (after_furniture and furniture.is_share_target(line)):
            after_furniture = True
            after_comment_count = after_comment_count or furniture.counts_comments(line)
            continue
        if after_comment_count and furniture.is_reader_comment(line):
            continue
        after_furniture = after_comment_count = False
        kept.append(furniture.without_plug(line))
    changed = kept != draft.lines
    draft.lines = kept
    return changed


def take_courtesy(draft: Draft) -> bool:
    """Remove "(Courtesy: Al-Jazeera)", alone or at a line's end, and keep whom it credits."""
    changed = False
    for at, line in enumerate(draft.lines):
        found = furniture.courtesy(line)
        if found is not None:
            draft.lines[at], credited = found
            draft.credited_source = draft.credited_source or credited
            changed = True
    return changed


def title_from_first_line(draft: Draft) -> bool:
    """Take the first line for the title when none is given, the line could be one, and more follows."""
    if draft.title:
        return False
    at = _first_text_line(draft.lines)
    if at is None or not any(draft.lines[at + 1 :]):
        return False
    line = draft.lines[at].lstrip("#").strip()
    if not _could_be_title(line):
        return False
    draft.title = line
    del draft.lines[: at + 1]
    return True


def _could_be_title(line: str) -> bool:
    if not 2 < len(line) <= _MAX_PLAUSIBLE_TITLE_CHARS or is_credit(line):
        return False
    ends_like_text = line.endswith((".", ":", ";", ",", "…", "。")) and not _ENDS_ABBREVIATED.search(line)
    return not ends_like_text and any(map(str.isalpha, line))


def drop_photo_credits(draft: Draft) -> bool:
    """Drop "Image Credit: …" lines, each with the caption directly above it."""
    lines = draft.lines
    credit_at = [at for at, line in enumerate(lines) if line and is_credit(line)]
    if not credit_at:
        return False
    dropped = set(credit_at)
    has_paragraphs = "" in lines
    for at in credit_at:
        if at and lines[at - 1]:
            if _is_caption_above(lines[at - 1], has_paragraphs):
                dropped.add(at - 1)
        elif at >= 2 and _is_caption_paragraph(lines, at - 2):
            dropped.add(at - 2)
    draft.lines = [line for at, line in enumerate(lines) if at not in dropped]
    return True


def _is_caption_above(line: str, has_paragraphs: bool) -> bool:
    # Where blank lines part the paragraphs, a line that touches its credit is a caption, sentence or not.
    return len(line) <= _MAX_CAPTION_CHARS and (has_paragraphs or not _ENDS_A_SENTENCE.search(line))


def _is_caption_paragraph(lines: list[str], at: int) -> bool:
    # A page whose every line is a paragraph: near the top, several words, and no sentence.
    line = lines[at]
    near_top = sum(map(bool, lines[:at])) <= 1
    return (
        near_top
        and len(line) <= _MAX_CAPTION_CHARS
        and line.count(" ") >= 3
        and not line.startswith(("By ", "BY "))
        and not _ENDS_A_SENTENCE.search(line)
    )


def drop_doubled_title(draft: Draft) -> bool:
    """Drop the title where the body starts with it again, whatever its case, spacing and punctuation."""
    keys = {key for key in (_key(draft.title), _key(_TITLE_SEPARATOR.split(draft.title)[0])) if key}
    changed = False
    for _ in range(_TITLE_REPEATS_SEEN_AT_TOP):
        at = _first_text_line(draft.lines)
        if at is None or _key(draft.lines[at]) not in keys or not any(draft.lines[at + 1 :]):
            break
        del draft.lines[: at + 1]
        changed = True
    return changed


def _key(line: str) -> str:
    return _NOT_ALPHANUMERIC.sub("", line[: 2 * MAX_TITLE_CHARS]).casefold()


def _first_text_line(lines: list[str]) -> int | None:
    return next((at for at, line in enumerate(lines) if line), None)


# Related blocks go first, so that their headlines are not read as anything else; the title comes before
# captions, because a title directly above its photo credit would pass for one.
RULES: Final[tuple[Rule, ...]] = (
    take_related_block,
    drop_furniture,
    take_courtesy,
    title_from_first_line,
    drop_photo_credits,
    drop_doubled_title,
)
