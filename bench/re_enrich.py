"""How fast `wireroom re-enrich` takes a history through the present models, and in how much memory.

    PYTHONPATH=. .venv/bin/python -m bench.re_enrich [--articles 2000] [--history 100000] [--workers 1]

The archive holds `history` articles, of which `articles` were made by other models; the rest are up to date.
Prints one JSON object: seconds of processor, which other work on the machine does not change, and memory.
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
from services.cli.re_enriching.pool import Pool
from services.cli.re_enriching.run import Wanted, run
from services.enrich.settings import EnrichSettings
from services.index.archive import Archive
from services.index.replacement import replace_offline
from shared.events import ArticleEnriched


class Noted:
    """Notes how much processor time reading the archive took."""

    read_at_s = 0.0

    def reading(self, left_bytes: int) -> None:
        return

    def forgets(self, articles: int) -> None:
        return

    def begin(self, to_do: int, done_before: int) -> None:
        self.read_at_s = time.process_time()

    def advance(self, articles: int) -> None:
        return


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
    with tempfile.TemporaryDirectory() as name:
        data_dir = Path(name)
        # In a process of its own, as the command does it, so that its memory and time are known apart.
        with Pool(settings, data_dir, 1) as pool:
            versions = pool.versions()
        load_s = _cpu_s(resource.RUSAGE_CHILDREN)
        size = _fill(data_dir, given.history, given.articles, versions)
        own_s, progress = time.process_time(), Noted()
        result = run(Wanted(data_dir, processes=given.workers), settings, progress)
        made_s, made_mb = time.process_time(), _rss_mb(resource.RUSAGE_SELF)
        enrich_s = _cpu_s(resource.RUSAGE_CHILDREN) - load_s * (1 + given.workers)
        report = replace_offline(data_dir, result.run_id)
        switched_s = time.process_time()
    figures = {
        "history": given.history,
        "archive_mb": round(size / 1e6, 1),
        "re_enriched": report["re_enriched"],
        "workers": given.workers,
        "cpu_s": {
            "load models, each process": round(load_s, 2),
            "read the archive": round(progress.read_at_s - own_s, 2),
            "enrich": round(enrich_s, 2),
            "write and tally": round(made_s - progress.read_at_s, 2),
            "build the index and switch": round(switched_s - made_s, 2),
        },
        "articles_per_cpu_s": round(report["re_enriched"] / enrich_s, 1),
        "history_read_per_cpu_s": round(given.history / (progress.read_at_s - own_s)),
        "rss_mb": {
            "command": made_mb,
            "each process": _rss_mb(resource.RUSAGE_CHILDREN),
            "with the switch": _rss_mb(resource.RUSAGE_SELF),
        },
    }
    print(json.dumps(figures, indent=2))


def _fill(data_dir: Path, count: int, outdated: int, versions: dict[str, str]) -> int:
    archive = Archive(data_dir)
    events = history(count, outdated, versions)
    while batch := list(islice(events, BATCH)):
        archive.append(batch, NOW)
    size = archive.stats().size_bytes
    archive.close()
    return size


def _rss_mb(who: int) -> float:
    return round(resource.getrusage(who).ru_maxrss / 1024, 1)


def _cpu_s(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
