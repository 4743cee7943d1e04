"""Counts in how many news-gold articles each term stands and writes the background idf table.

python -m services.enrich.training.idf [--gold DIR] [--out FILE] [--half 1|2]

With `--half` only that half of the stories is read: for figures of the other one.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from services.enrich.steps.terms import MODELS, terms
from services.enrich.training.news_gold import GoldArticle, read_gold

GOLD = Path(__file__).resolve().parents[4] / "shared" / "data" / "news-gold"
VERSION = "idf-news-gold-1"
MIN_DOCUMENTS = 2


def idf_table(articles: Sequence[GoldArticle], version: str = VERSION) -> str:
    counts = Counter(term for article in articles for term in terms(f"{article.title}\n{article.body}"))
    kept = sorted((-df, term) for term, df in counts.items() if df >= MIN_DOCUMENTS)
    lines = [f"# {version}\t{len(articles)}", *(f"{term}\t{-df}" for df, term in kept)]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--out", type=Path, default=MODELS / "idf.tsv")
    parser.add_argument("--half", type=int, choices=(1, 2))
    options = parser.parse_args()
    articles = [one for one in read_gold(options.gold) if options.half in (None, one.half)]
    version = VERSION if options.half is None else f"{VERSION}-half-{options.half}"
    options.out.write_text(idf_table(articles, version), encoding="utf-8")


if __name__ == "__main__":
    main()
