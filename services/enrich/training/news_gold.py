"""Reading of news-gold: articles with inline entity marks, topics, tones and stories.

The format is described by the GUIDE.md beside the data; training scripts and evaluations call this.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import xxhash

LABEL_OF_LETTER = {
    "P": "PERSON",
    "O": "ORG",
    "G": "GPE",
    "L": "LOC",
    "F": "FAC",
    "N": "NORP",
    "E": "EVENT",
    "R": "PRODUCT",
    "W": "WORK_OF_ART",
    "A": "LAW",
}

_ARTICLE_START = re.compile(r"(?m)^(?=@@ )")
_HEADER = re.compile(
    r'@@ id=(?P<id>\S+) story=(?P<story>\S+) outlet="(?P<outlet>[^"]+)" date=(?P<date>\S+)'
    r" topic=(?P<topic>\S+) tone=(?P<tone>-?[\d.]+)\s*\Z"
)
_MARK = re.compile(r"\{([A-Z])\|([^{}|]+)\}")

Mark = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class GoldArticle:
    """One annotated article. Marks are (start, end, OntoNotes label) spans of the plain title or body.

    `story` is None for a one-off; `tone` is -1…1; `date` is UTC-aware.
    """

    id: str
    story: str | None
    outlet: str
    date: datetime
    topic: str
    tone: float
    title: str
    body: str
    title_marks: tuple[Mark, ...]
    body_marks: tuple[Mark, ...]

    @property
    def region(self) -> str:
        """The two-letter region that the id starts with: af ea eu gb la me na sa."""
        return self.id.partition("-")[0]

    @property
    def half(self) -> int:
        """1 or 2: what is chosen on one half is reported on the other. All reports of a story are in one."""
        return 1 + xxhash.xxh3_64_intdigest((self.story or self.id).encode()) % 2


def parse_marks(text: str) -> tuple[str, tuple[Mark, ...]]:
    """Return the plain text of marked `text` and the spans of its marks in it.

    Raises ValueError at a letter that stands for no label.
    """
    pieces: list[str] = []
    marks: list[Mark] = []
    length = last = 0
    for match in _MARK.finditer(text):
        letter, surface = match.groups()
        if letter not in LABEL_OF_LETTER:
            raise ValueError(f"unknown label {letter} in {match.group()}")
        before = text[last : match.start()]
        start = length + len(before)
        length = start + len(surface)
        pieces += (before, surface)
        marks.append((start, length, LABEL_OF_LETTER[letter]))
        last = match.end()
    pieces.append(text[last:])
    return "".join(pieces), tuple(marks)


def parse_gold(text: str) -> list[GoldArticle]:
    """Return the articles of one file's text. Raises ValueError at a malformed header or mark."""
    return [_parse_article(part) for part in _ARTICLE_START.split(text) if part.strip()]


def read_gold(paths: Path | Iterable[Path]) -> list[GoldArticle]:
    """Return the articles of the given files in order; a directory stands for its sorted `??-*.txt`."""
    articles: list[GoldArticle] = []
    for path in [paths] if isinstance(paths, Path) else paths:
        files = sorted(path.glob("??-*.txt")) if path.is_dir() else [path]
        for file in files:
            try:
                articles += parse_gold(file.read_text(encoding="utf-8"))
            except ValueError as error:
                raise ValueError(f"{file}: {error}") from error
    return articles


def _parse_article(part: str) -> GoldArticle:
    head, _, rest = part.partition("\n")
    header = _HEADER.match(head)
    if header is None:
        raise ValueError(f"malformed header: {head[:120]}")
    title_line, _, marked_body = rest.lstrip().partition("\n")
    if not title_line.startswith("# "):
        raise ValueError(f"{header['id']}: no '# ' title line")
    title, title_marks = parse_marks(title_line[2:].strip())
    body, body_marks = parse_marks(marked_body.strip())
    return GoldArticle(
        id=header["id"],
        story=None if header["story"] == "-" else header["story"],
        outlet=header["outlet"],
        date=datetime.fromisoformat(header["date"]),
        topic=header["topic"],
        tone=float(header["tone"]),
        title=title,
        body=body,
        title_marks=title_marks,
        body_marks=body_marks,
    )
