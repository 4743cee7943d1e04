"""Holds the arrow: services meet at streams, never by import, and pure modules do no I/O."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ("ingest", "enrich", "index")
IO_MODULES = frozenset(
    {
        "redis",
        "faststream",
        "fastapi",
        "uvicorn",
        "httpx2",
        "socket",
        "subprocess",
        "asyncio",
        "tantivy",
        "os",
    }
)
# The middle of each service: what these decide depends on their arguments alone.
PURE = (
    "shared/events.py",
    "shared/streams.py",
    "shared/urls.py",
    "shared/html.py",
    "shared/instants.py",
    "shared/text_coding.py",
    "shared/http/retry_after.py",
    "shared/fetch/networks.py",
    "shared/receipts.py",
    "shared/media_topics.py",
    "shared/ninjs/*.py",
    "shared/runtime/halt.py",
    "shared/runtime/delivery.py",
    "services/ingest/identity.py",
    "services/ingest/canonical_url.py",
    "services/ingest/schema.py",
    "services/ingest/formats/*.py",
    "services/ingest/feeds/formats/*.py",
    "services/ingest/feeds/entry_article.py",
    "services/ingest/feeds/entry_keys.py",
    "services/ingest/feeds/opml.py",
    "services/ingest/feeds/record.py",
    "services/ingest/feeds/schedule.py",
    "services/ingest/feeds/websub/discovery.py",
    "services/ingest/feeds/websub/signature.py",
    "services/enrich/draft.py",
    "services/enrich/text.py",
    "services/enrich/pipeline.py",
    "services/enrich/scoring.py",
    "services/enrich/steps/*.py",
    "services/enrich/backends/*.py",
    "services/enrich/entities/*.py",
    "services/enrich/quotes/*.py",
    "services/enrich/corpus/fingerprint.py",
    "services/enrich/corpus/neighbours.py",
    "services/enrich/corpus/signature.py",
    "services/index/query/*.py",
    "services/index/highlight.py",
    "services/index/intervals.py",
    "services/index/related.py",
    "services/index/significance.py",
    "services/index/stories.py",
    "services/index/story_text.py",
    "services/index/timeline.py",
    "services/index/trends.py",
    "services/index/entity_edits.py",
    "services/index/entity_overview.py",
    "services/index/ninjs.py",
    "services/index/export/formats.py",
    "services/index/export/compression.py",
    "services/index/live/events.py",
    "services/index/feeds_out/model.py",
    "services/index/feeds_out/texts.py",
    "services/index/feeds_out/items.py",
    "services/index/feeds_out/xml.py",
    "services/index/feeds_out/rss.py",
    "services/index/feeds_out/atom.py",
    "services/index/feeds_out/json_feed.py",
    "services/index/feeds_out/validators.py",
    "services/index/web/views.py",
    "services/index/web/facets.py",
    "services/index/web/article.py",
    "services/index/web/mentions.py",
    "services/index/web/quotes.py",
    "services/index/web/stories.py",
    "services/index/web/live.py",
    "services/index/web/trends.py",
    "services/index/web/operator.py",
    "services/index/web/timeline.py",
    "services/index/web/entity_card.py",
    "services/index/web/address.py",
    "services/index/web/labels.py",
    "services/index/web/texts.py",
)


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports at run time (not under TYPE_CHECKING)."""
    found: set[str] = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def modules(pattern: str) -> list[Path]:
    return sorted(path for path in ROOT.glob(pattern) if "__pycache__" not in path.parts)


@pytest.mark.parametrize("path", modules("shared/**/*.py"), ids=lambda path: str(path.relative_to(ROOT)))
def test_shared_imports_no_service(path: Path) -> None:
    assert not [name for name in imports_of(path) if name.split(".")[0] == "services"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_no_other_service(service: str) -> None:
    for path in modules(f"services/{service}/**/*.py"):
        foreign = [
            name
            for name in imports_of(path)
            if name.split(".")[0] == "services" and name.split(".")[1:2] != [service]
        ]
        assert not foreign, f"{path.relative_to(ROOT)} imports {foreign}"


@pytest.mark.parametrize("pattern", PURE)
def test_a_pure_module_imports_no_io_library(pattern: str) -> None:
    paths = modules(pattern)
    assert paths, f"{pattern} names no module: mend this list"
    for path in paths:
        io = {name for name in imports_of(path) if name.split(".")[0] in IO_MODULES}
        assert not io, f"{path.relative_to(ROOT)} imports {sorted(io)}"


@pytest.mark.parametrize("path", modules("services/**/*.py") + modules("shared/**/*.py"), ids=str)
def test_only_settings_and_the_command_read_the_environment(path: Path) -> None:
    allowed = ("shared/settings.py", "services/cli/", "services/supervisor/")
    if str(path.relative_to(ROOT)).startswith(allowed):
        return
    text = path.read_text(encoding="utf-8")
    assert "os.environ" not in text and "getenv" not in text
