"""Counts in how many news-gold articles each term stands and writes the background idf table.

python -m services.enrich.training.idf [--gold DIR] [--out FILE]
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from services.enrich.steps.terms import MODELS, terms
from services.enrich.training.news_gold import read_gold

GOLD = Path(__file__).resolve().parents[4] / "shared" / "data" / "news-gold"
VERSION = "idf-news-gold-1"
MIN_DOCUMENTS = 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--out", type=Path, default=MODELS / "idf.tsv")
    options = parser.parse_args()
    articles = read_gold(options.gold)
    counts = Counter(term for article in articles for term in terms(f"{article.title}\n{article.body}"))
    kept = sorted((-df, term) for term, df in counts.items() if df >= MIN_DOCUMENTS)
    lines = [f"# {VERSION}\t{len(articles)}", *(f"{term}\t{-df}" for df, term in kept)]
    options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
