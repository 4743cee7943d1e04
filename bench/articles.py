"""Articles to measure with: as long and as varied as news, each distinct from all others.

Sentences of the sample wire are put together anew, two consecutive ones at a time, and their numbers are
changed: names, grammar and length are those of news, while no two articles are near duplicates.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

WIRE = Path(__file__).resolve().parents[1] / "samples" / "wire.ndjson"
WORDS_PER_ARTICLE = 235
SENTENCES_PER_PARAGRAPH = 2
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”]? +(?=[A-Z\"“])")
_NUMBER = re.compile(r"\b\d{1,6}\b")
# Furniture of web pages, which clean-up would take out again: "Post a Comment", "Image Credit: …".
_SENTENCE = re.compile(r"^[A-Z\"“].{30,}[.!?][\"”]?$")


@dataclass(frozen=True, slots=True)
class Material:
    """What articles are made of: runs of sentences, titles, and the outlets."""

    runs: tuple[str, ...]
    titles: tuple[str, ...]
    sources: tuple[str, ...]


def read_material(wire: Path = WIRE) -> Material:
    runs: list[str] = []
    titles: list[str] = []
    sources: dict[str, None] = {}
    for line in wire.read_text(encoding="utf-8").splitlines():
        article: dict[str, Any] = json.loads(line)
        sentences = [
            sentence
            for paragraph in article["body"].split("\n")
            for sentence in _SENTENCE_END.split(paragraph)
            if _SENTENCE.match(sentence)
        ]
        step = SENTENCES_PER_PARAGRAPH
        runs += [" ".join(sentences[start : start + step]) for start in range(0, len(sentences), step)]
        titles.append(article["title"])
        sources[article["source"]] = None
    return Material(tuple(runs), tuple(titles), tuple(sources))


def make_articles(
    count: int,
    *,
    series: str,
    newest_at: datetime,
    words: int = WORDS_PER_ARTICLE,
    material: Material | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield `count` articles in the shape that `POST /v1/articles` takes.

    The same `series` and `newest_at` give the same articles; another series gives others. They are dated
    within the day before `newest_at`, so that all of them are candidates for being related.
    """
    material = material or read_material()
    rng = random.Random(f"wireroom bench {series}")
    for number in range(count):
        age = timedelta(seconds=rng.randrange(86_400))
        slug = f"{series}-{number:06d}"
        yield {
            "id": slug,
            "url": f"https://bench.example/{newest_at:%Y/%m/%d}/{slug}",
            "title": _renumber(rng.choice(material.titles), rng),
            "body": _body(material.runs, rng, words),
            "source": rng.choice(material.sources),
            "published_at": (newest_at - age).isoformat(timespec="seconds"),
            "language": "en",
        }


def _body(runs: Sequence[str], rng: random.Random, wanted: int) -> str:
    paragraphs: list[str] = []
    words = 0
    while words < wanted - 15:  # the last paragraph goes over by half its length on average
        paragraph = rng.choice(runs)
        if paragraph not in paragraphs:
            paragraphs.append(paragraph)
            words += paragraph.count(" ") + 1
    return _renumber("\n\n".join(paragraphs), rng)


def _renumber(text: str, rng: random.Random) -> str:
    """Change every number but years to another of the same length."""

    def other(match: re.Match[str]) -> str:
        digits = match[0]
        if len(digits) == 4 and digits[:2] in {"19", "20"}:
            return digits
        return str(rng.randrange(10 ** (len(digits) - 1), 10 ** len(digits)))

    return _NUMBER.sub(other, text)


def read_lines(path: Path, limit: int) -> list[bytes]:
    """Return up to `limit` articles of an NDJSON file of one's own, as they are."""
    lines: list[bytes] = []
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                lines.append(line.strip())
            if len(lines) == limit:
                break
    return lines


def encode(article: dict[str, Any]) -> bytes:
    return json.dumps(article, ensure_ascii=False, separators=(",", ":")).encode()
