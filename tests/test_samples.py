"""The sample wire is what a newcomer sees first: it must be well formed, varied and reproducible."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[1]
WIRE = ROOT / "samples" / "wire.ndjson"
NEWS_GOLD = ROOT / ".." / "shared" / "data" / "news-gold"
REGIONS = {"af", "ea", "eu", "gb", "la", "me", "na", "sa"}


@pytest.fixture(scope="module")
def make() -> ModuleType:
    spec = importlib.util.spec_from_file_location("samples_make", ROOT / "samples" / "make.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks its own module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def articles() -> list[dict[str, Any]]:
    return [json.loads(line) for line in WIRE.read_text(encoding="utf-8").splitlines()]


def test_every_line_is_a_submittable_article(articles: list[dict[str, Any]]) -> None:
    fields = {"id", "url", "title", "body", "source", "authors", "published_at", "language"}
    for article in articles:
        assert fields - {"authors"} <= set(article) <= fields, article["id"]
        assert datetime.fromisoformat(article["published_at"]).tzinfo is not None
        assert article["language"] == "en"
        assert len(article["body"]) > 400, article["id"]


def test_every_address_is_under_a_name_that_can_never_resolve(articles: list[dict[str, Any]]) -> None:
    for article in articles:
        assert re.fullmatch(
            r"https://[a-z0-9-]+\.example/\d{4}/\d\d/\d\d/[a-z0-9-]+", article["url"], re.ASCII
        ), article["url"]
        assert urlsplit(article["url"]).path[1:11].replace("/", "-") == article["published_at"][:10]


def test_ids_and_addresses_are_unique(articles: list[dict[str, Any]]) -> None:
    assert len({article["id"] for article in articles}) == len(articles)
    assert len({article["url"] for article in articles}) == len(articles)


def test_no_annotation_marks_are_left(articles: list[dict[str, Any]]) -> None:
    for article in articles:
        assert not re.search(r"[{}|]|^@@|^# ", article["title"] + article["body"], re.MULTILINE), article[
            "id"
        ]


def test_the_wire_covers_all_regions_and_some_clutter(articles: list[dict[str, Any]]) -> None:
    assert 55 <= len(articles) <= 70
    assert {article["id"].partition("-")[0] for article in articles} == REGIONS
    text = "\n".join(article["body"] for article in articles)
    for clutter in ("Image Credit:", "(Courtesy:", "Related Articles:", "Post a Comment"):
        assert clutter in text
    assert any(article.get("authors") for article in articles)


def test_the_wire_is_what_the_script_makes(make: ModuleType, tmp_path: Path) -> None:
    if not NEWS_GOLD.is_dir():
        pytest.skip("../shared/data/news-gold is not beside the repository")
    make.main([str(NEWS_GOLD), str(tmp_path / "wire.ndjson")])
    assert (tmp_path / "wire.ndjson").read_bytes() == WIRE.read_bytes()


def test_stories_are_chosen_whole_and_topics_are_spread(make: ModuleType) -> None:
    if not NEWS_GOLD.is_dir():
        pytest.skip("../shared/data/news-gold is not beside the repository")
    texts = (path.read_text(encoding="utf-8") for path in sorted(NEWS_GOLD.glob("*-*.txt")))
    everything = [article for text in texts for article in make.parse_gold(text)]
    chosen = make.choose(everything)
    told = Counter(article.story for article in everything if article.story)
    stories = Counter(article.story for article in chosen if article.story)
    assert stories == {story: told[story] for story in stories}
    assert len(stories) >= 10 and set(stories.values()) >= {2, 3, 4}
    assert len({article.topic for article in chosen}) >= 15


def test_marks_bylines_and_headers_are_read(make: ModuleType) -> None:
    (article,) = make.parse_gold(
        '@@ id=xx-001 story=- outlet="Île Wire" date=2025-10-24T03:10Z topic=arts tone=0\n'
        "# {P|Ana O'Neill}'s win\nBy {P|Pia Sol} and {P|Bo Li} in {G|Cannes}\n\nText of {O|The Club}.\n"
    )
    assert (article.title, article.body, article.authors) == (
        "Ana O'Neill's win",
        "Text of The Club.",
        ("Pia Sol", "Bo Li"),
    )
    submitted = make.submission(article)
    assert submitted["url"] == "https://ile-wire.example/2025/10/24/ana-oneills-win"
    assert submitted["published_at"] == "2025-10-24T03:10:00Z"


def test_a_part_without_a_header_is_refused(make: ModuleType) -> None:
    with pytest.raises(ValueError, match="not a news-gold header"):
        make.parse_gold("# Title\nno header\n")


def test_the_search_that_the_readme_shows_finds_samples(articles: list[dict[str, Any]]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.search(r'\./run search "(\w+) AND entity:(\w+)"', readme)
    assert shown is not None, "README shows no search of this form any more: look for what it shows instead"
    word, name = shown.groups()
    texts = [f"{article['title']} {article['body']}" for article in articles]
    assert any(word in text.lower() and name in text for text in texts)
