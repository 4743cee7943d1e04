"""How fast `wireroom re-enrich` takes a history through the present models, and in how much memory.

    PYTHONPATH=. .venv/bin/python -m bench.re_enrich [--articles 2000] [--history 100000] [--workers 1]

The archive holds `history` articles, of which `articles` were made by other models; the rest are up to date.
Prints one JSON object. `rss_mb` is the largest of the command and, apart, of one of its processes.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.search import BATCH, NOW, articles, material
from services.cli.re_enriching.run import Wanted, run
from services.enrich.configured import backend_options, load_models
from services.enrich.settings import EnrichSettings
from services.index.archive import Archive
from services.index.replacement import replace_offline
from shared.events import ArticleEnriched


class Timed:
    """Notes when the archive was read and the first articles came back: models are loaded by then."""

    def __init__(self) -> None:
        self.read_at = self.first_at = 0.0
        self.first = self.done = 0

    def reading(self, left_bytes: int) -> None:
        return

    def forgets(self, articles: int) -> None:
        return

    def begin(self, to_do: int, done_before: int) -> None:
        self.read_at = time.monotonic()

    def advance(self, articles: int) -> None:
        self.done += articles
        if not self.first_at:
            self.first_at, self.first = time.monotonic(), self.done


def history(count: int, outdated: int, versions: dict[str, str]) -> Iterator[ArticleEnriched]:
    """Yield articles of which every n-th is outdated, so that these are all over the archive."""
    every = max(count // max(outdated, 1), 1)
    for number, event in enumerate(articles(material(), count)):
        made_by = {} if number % every == 0 else versions
        provenance = event.article.provenance.model_copy(update={"versions": made_by})
        article = event.article.model_copy(update={"provenance": provenance, "enriched_at": NOW})
        yield event.model_copy(update={"article": article})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--articles", type=int, default=2000)
    parser.add_argument("--history", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    settings = EnrichSettings()
    versions = load_models(settings, backend_options(settings)).versions
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        archive = Archive(data_dir)
        events = history(given.history, given.articles, versions)
        while batch := list(islice(events, BATCH)):
            archive.append(batch, NOW)
        size = archive.stats().size_bytes
        archive.close()
        before_mb = _rss_mb(resource.RUSAGE_SELF)
        progress, began = Timed(), time.monotonic()
        result = run(Wanted(data_dir, processes=given.workers), settings, progress)
        made = time.monotonic()
        run_mb = _rss_mb(resource.RUSAGE_SELF)
        report = replace_offline(data_dir, result.run_id)
        figures = {
            "history": given.history,
            "archive_mb": round(size / 1e6, 1),
            "re_enriched": report["re_enriched"],
            "workers": given.workers,
            "read_s": round(progress.read_at - began, 2),
            "articles_per_s": round((progress.done - progress.first) / (made - progress.first_at), 1),
            "process_cpu_s": round(_cpu_s(resource.RUSAGE_CHILDREN), 2),
            "switch_s": round(time.monotonic() - made, 2),
            "rss_mb": {"before": before_mb, "command": run_mb, "process": _rss_mb(resource.RUSAGE_CHILDREN)},
        }
        print(json.dumps(figures, indent=2))


def _rss_mb(who: int) -> float:
    return round(resource.getrusage(who).ru_maxrss / 1024, 1)


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
