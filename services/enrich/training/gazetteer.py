"""Baking of the gazetteer file that the entity recogniser ships, from the project's TSV lists."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.enrich.entities.gazetteer import CODE_OF_LABEL, fold
from services.enrich.training.news_gold import GoldArticle

# Public lists first: of two bodies that share an acronym the public one is the likelier in news.
_FILES = ("famous.tsv", "places.tsv", "orgs-public.tsv", "orgs-private.tsv", "people.tsv")
_LOWER_WORD = re.compile(r"(?<![\w'’.-])[a-z]{2,24}(?![\w'’-])")
_MIN_LOWER_COUNT = 3


def gazetteer_lines(directory: Path) -> Iterator[str]:
    """Yield baked lines `kind, name, aliases` (tab-separated) from the TSV files, duplicates dropped."""
    seen: set[tuple[str, str]] = set()
    for file in _FILES:
        for line in (directory / file).read_text(encoding="utf-8").splitlines():
            label, name, aliases, *_ = [*line.split("\t"), "", ""]
            kind = {"PERSON_GIVEN": "given", "PERSON_FAMILY": "family"}.get(label) or CODE_OF_LABEL[label]
            if kind in {"given", "family"}:
                name, aliases = fold(name), ""
            if name and (kind, name) not in seen:
                seen.add((kind, name))
                yield f"{kind}\t{name}\t{aliases}"


def lower_case_words(texts: Iterable[str]) -> list[str]:
    """Return the words that running text writes in lower case, sorted: they rarely are names."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_LOWER_WORD.findall(text))
    return sorted(word for word, count in counts.items() if count >= _MIN_LOWER_COUNT)


def running_texts(data: Path, articles: Iterable[GoldArticle]) -> Iterator[str]:
    """Yield the sentences that word counts come from: news-gold, NewsMTSC and the public NER sets."""
    for article in articles:
        yield article.body
    for file in sorted((data / "ner-public").glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield " ".join(json.loads(line)["tokens"])
    for file in sorted(data.glob("newsmtsc-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["text"]


def bake(data: Path, articles: Iterable[GoldArticle], target: Path) -> None:
    """Write the gazetteer file: same input, same bytes."""
    lines = [*gazetteer_lines(data / "gazetteer")]
    lines += [f"lower\t{word}\t" for word in lower_case_words(running_texts(data, articles))]
    content = ("\n".join(lines) + "\n").encode()
    target.write_bytes(gzip.compress(content, compresslevel=9, mtime=0))
