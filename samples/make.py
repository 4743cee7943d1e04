"""Make samples/wire.ndjson, the wire that `./run` submits, from the annotated news beside the repository.

    python samples/make.py [NEWS_GOLD_DIR] [OUTPUT]

The same input gives the same bytes. Articles are chosen, not drawn: from every region two stories told by
several outlets and a few single reports, pages with clutter or a byline first, then topics still rare.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NEWS_GOLD = HERE.parent.parent / "shared" / "data" / "news-gold"
SINGLES_PER_REGION = 3

HEADER = re.compile(
    r'@@ id=(?P<id>\S+) story=(?P<story>\S+) outlet="(?P<outlet>[^"]+)"'
    r" date=(?P<date>\S+) topic=(?P<topic>\S+)"
)
MARK = re.compile(r"\{[A-Z]\|([^{}|]+)\}")
BYLINE = re.compile(r"By (?P<names>[^.,:;]{3,60}?)(?: in [^.,:;]{2,40})?")
CLUTTER = re.compile(
    r"(?im)^(?:image credit:|\(courtesy:|photo:|related(?: articles)?:|share this|post a comment)"
)


@dataclass(frozen=True, slots=True)
class GoldArticle:
    """One annotated article with its marks taken out; `story` is None for a single report."""

    id: str
    story: str | None
    outlet: str
    published_at: str
    topic: str
    title: str
    body: str
    authors: tuple[str, ...]

    @property
    def region(self) -> str:
        return self.id.partition("-")[0]

    @property
    def has_clutter(self) -> bool:
        return CLUTTER.search(self.body) is not None


def parse_gold(text: str) -> list[GoldArticle]:
    """Return the articles of one news-gold file. Raises ValueError for a part without a header."""
    parts = [part for part in re.split(r"(?m)^(?=@@ )", text) if part.strip()]
    return [_parse_part(part) for part in parts]


def _parse_part(part: str) -> GoldArticle:
    head, _, rest = part.partition("\n")
    header = HEADER.match(head)
    if header is None:
        raise ValueError(f"not a news-gold header: {head[:80]!r}")
    title, _, body = MARK.sub(r"\1", rest).strip().partition("\n")
    first, _, others = body.strip().partition("\n")
    byline = BYLINE.fullmatch(first)
    return GoldArticle(
        id=header["id"],
        story=None if header["story"] == "-" else header["story"],
        outlet=header["outlet"],
        published_at=header["date"].replace("Z", ":00Z"),
        topic=header["topic"],
        title=title.removeprefix("# ").strip(),
        body=others.strip() if byline else body.strip(),
        authors=tuple(byline["names"].split(" and ")) if byline else (),
    )


def choose(articles: Iterable[GoldArticle]) -> list[GoldArticle]:
    """Return the selection in order of publication. Stories come whole; no random choice is made."""
    chosen: list[GoldArticle] = []
    topics: Counter[str] = Counter()

    def take(candidates: list[list[GoldArticle]], count: int) -> None:
        for _ in range(min(count, len(candidates))):
            best = min(candidates, key=lambda group: _rank(group, topics))
            candidates.remove(best)
            chosen.extend(best)
            topics.update(article.topic for article in best)

    ordered = sorted(articles, key=lambda article: article.id)
    for _, in_region in groupby(ordered, key=lambda article: article.region):
        stories: dict[str, list[GoldArticle]] = {}
        for article in in_region:
            stories.setdefault(article.story or article.id, []).append(article)
        groups = list(stories.values())
        take([group for group in groups if len(group) > 2], 1)
        take([group for group in groups if len(group) == 2], 1)
        take([group for group in groups if len(group) == 1], SINGLES_PER_REGION)
    return sorted(chosen, key=lambda article: (article.published_at, article.id))


def _rank(group: list[GoldArticle], topics: Counter[str]) -> tuple[float, str]:
    """Rare topics first; clutter is worth one common topic and a byline, which few have, is worth three."""
    commonness = sum(topics[article.topic] for article in group) / len(group)
    extras = any(article.has_clutter for article in group) + 3 * any(article.authors for article in group)
    return commonness - extras, group[0].id


def slug(text: str, *, max_chars: int = 60) -> str:
    """Return `text` as the path of an address: ASCII letters, digits and hyphens, cut at a word's end."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.findall(r"[a-z0-9]+", ascii_text.replace("'", "").lower())
    result = ""
    for word in words:
        if len(result) + 1 + len(word) > max_chars and result:
            break
        result = f"{result}-{word}" if result else word
    return result


def submission(article: GoldArticle) -> dict[str, Any]:
    """Return the article as its publisher would submit it."""
    day = article.published_at[:10].replace("-", "/")
    return {
        "id": article.id,
        "url": f"https://{slug(article.outlet)}.example/{day}/{slug(article.title)}",
        "title": article.title,
        "body": article.body,
        "source": article.outlet,
        **({"authors": list(article.authors)} if article.authors else {}),
        "published_at": article.published_at,
        "language": "en",
    }


def main(arguments: list[str]) -> None:
    gold_dir = Path(arguments[0]) if arguments else NEWS_GOLD
    output = Path(arguments[1]) if len(arguments) > 1 else HERE / "wire.ndjson"
    texts = (path.read_text(encoding="utf-8") for path in sorted(gold_dir.glob("*-*.txt")))
    selection = choose(article for text in texts for article in parse_gold(text))
    lines = (json.dumps(submission(article), ensure_ascii=False) + "\n" for article in selection)
    output.write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
