"""Turns annotated collections into the JSONL that `wireroom eval` reads, on standard output.

    python -m services.enrich.training.gold_to_jsonl ner|topics|related|sentiment ../shared/data/news-gold
    python -m services.enrich.training.gold_to_jsonl duplicates ../shared/data/news-gold [--jaccard .6]
    python -m services.enrich.training.gold_to_jsonl bio ../shared/data/ner-public/wikigold.jsonl

`duplicates` adds an edited copy of every third article, a Jaccard similarity of .8, .68 and .59 in turn, or
with `--jaccard` of every article, by turns with words replaced and with the end cut off. `--half` takes only
half of the stories: what is chosen on one is reported on the other. `bio` takes a file of sentences as
{"tokens", "tags"} and makes it a file for `wireroom eval ner`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from services.enrich.corpus.signature import shingles, words_of
from services.enrich.training.news_gold import GoldArticle, read_gold

Row = dict[str, Any]


def ner_row(article: GoldArticle) -> Row:
    """Return the article as one text, its headline on the first line and a blank line below."""
    offset = len(article.title) + 2
    body_marks = ((start + offset, end + offset, label) for start, end, label in article.body_marks)
    return {
        "text": f"{article.title}\n\n{article.body}",
        "entities": [list(mark) for mark in (*article.title_marks, *body_marks)],
    }


def topics_row(article: GoldArticle) -> Row:
    return {"title": article.title, "body": article.body, "topic": article.topic}


def sentiment_row(article: GoldArticle) -> Row:
    return {"title": article.title, "body": article.body, "label": article.tone}


def related_row(article: GoldArticle) -> Row:
    return {
        "id": article.id,
        "title": article.title,
        "body": article.body,
        "cluster": article.story,
        "published_at": article.date.isoformat(),
    }


def bio_row(tokens: Sequence[str], tags: Sequence[str]) -> Row:
    """Return a tagged sentence as text, its tokens parted by spaces, with the spans of its tags."""
    entities: list[list[Any]] = []
    position, before = 0, "O"
    for token, tag in zip(tokens, tags, strict=True):
        prefix, _, label = tag.partition("-")
        if label and prefix == "I" and before.partition("-")[2] == label:
            entities[-1][1] = position + len(token)
        elif label:
            entities.append([position, position + len(token), label])
        position += len(token) + 1
        before = tag
    return {"text": " ".join(tokens), "entities": entities}


def edited_copy(text: str, jaccard: float, rng: random.Random) -> str:
    """Return `text` with words replaced until the similarity of the shingles is at most `jaccard`."""
    words = text.split()
    original = shingles(words_of(text))
    for position in rng.sample(range(len(words)), len(words)):
        words[position] = f"edit{rng.randrange(10**6)}"
        copy = shingles(words_of(" ".join(words)))
        if len(original & copy) / len(original | copy) <= jaccard:
            break
    return " ".join(words)


def shortened_copy(text: str, jaccard: float) -> str:
    """Return `text` without as many of its last words as make the similarity at most `jaccard`."""
    words = text.split()
    original = shingles(words_of(text))
    low, high = 1, len(words)
    while low < high:  # the similarity grows with the words that are kept
        kept = (low + high + 1) // 2
        if len(shingles(words_of(" ".join(words[:kept])))) / len(original) <= jaccard:
            low = kept
        else:
            high = kept - 1
    return " ".join(words[:low])


def duplicates_rows(articles: Sequence[GoldArticle], jaccard: float | None = None) -> Iterator[Row]:
    """Yield all articles, then the copies, so that each has to be found among all."""
    rng = random.Random(SEED)  # noqa: S311  # it varies words, it guards nothing
    for article in articles:
        yield {"id": article.id, "title": article.title, "body": article.body, "duplicate_of": None}
    for number, article in enumerate(articles[::3] if jaccard is None else articles):
        if jaccard is not None and number % 2:
            copy = shortened_copy(article.body, jaccard)
        else:
            copy = edited_copy(article.body, jaccard or JACCARDS[number % len(JACCARDS)], rng)
        yield {
            "id": f"copy-{article.id}",
            "title": article.title,
            "body": copy,
            "duplicate_of": article.id,
        }


SEED: Final = 7
JACCARDS: Final = (0.8, 0.68, 0.59)
ROWS: Final[dict[str, Callable[[GoldArticle], Row]]] = {
    "ner": ner_row,
    "topics": topics_row,
    "related": related_row,
    "sentiment": sentiment_row,
}


def rows(kind: str, source: Path, half: int | None = None, jaccard: float | None = None) -> Iterator[Row]:
    """Yield the rows of a collection, or of one half of its stories.

    Those of `related` are in order of date, as a wire would bring them.
    """
    if kind == "bio":
        with source.open(encoding="utf-8") as lines:
            for line in lines:
                sentence = json.loads(line)
                yield bio_row(sentence["tokens"], sentence["tags"])
        return
    articles = [article for article in read_gold(source) if half in (None, article.half)]
    if kind == "duplicates":
        yield from duplicates_rows(articles, jaccard)
        return
    if kind == "related":
        articles.sort(key=lambda article: article.date)
    yield from map(ROWS[kind], articles)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=[*ROWS, "duplicates", "bio"])
    parser.add_argument("source", type=Path, help="directory of news-gold, or file of tagged sentences")
    parser.add_argument("--half", type=int, choices=(1, 2), help="only that half of news-gold's stories")
    parser.add_argument("--jaccard", type=float, help="similarity of all copies of `duplicates`")
    options = parser.parse_args()
    for row in rows(options.kind, options.source, options.half, options.jaccard):
        sys.stdout.write(json.dumps(row, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
