"""An archive goes in by the command and comes out of the search, whole."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from tests.cli.imports.archives import gzipped, record, response
from tests.pipeline.conftest import Stack
from tests.pipeline.steps import search
from tests.support import eventually

pytestmark = pytest.mark.process

WORD = "Quellenkogelbahn"
PAGE = f"""<!doctype html><html><head><title>{WORD} opens in Rotterdam</title>
<meta property="article:published_time" content="2024-05-06T07:00:00+02:00"></head><body><article>
<h1>{WORD} opens in Rotterdam</h1><p>The commission said on Monday that the railway will open in Rotterdam
next spring, after ten years of building and three of waiting for the permits of the city.</p>
<p>Ilse Verhoeven, who leads the commission, said that it had cost less than was planned.</p>
</article></body></html>"""


async def test_an_archive_that_is_imported_is_found(
    stack: Stack, index: httpx2.AsyncClient, tmp_path: Path
) -> None:
    if not stack.own:
        pytest.skip("the command is run on this machine")
    records = [record("warcinfo", b"x: y\r\n"), response("https://rail.example/opening", PAGE.encode())]
    path = tmp_path / "crawl.warc.gz"
    path.write_bytes(gzipped(records))
    done = stack.cli("import", str(path), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["accepted"] == 1

    async def hit() -> dict[str, str] | None:
        hits = (await search(index, WORD))["hits"]
        return hits[0] if hits else None

    found = await eventually(hit, within_s=30)
    article = (await index.get(f"/v1/articles/{found['id']}")).json()
    assert article["source"] == "rail.example" and article["url"] == "https://rail.example/opening"
    assert article["published_at"] == "2024-05-06T05:00:00Z"
    assert article["provenance"]["door"] == "file"
    assert article["provenance"]["fetched_at"] == "2024-05-06T07:08:09Z"
    assert article["provenance"]["fetched_from"] == "https://rail.example/opening"
    assert article["extra"]["warc"]["date"] == "2024-05-06T07:08:09Z"
    again = stack.cli("import", str(path), "--restart", "--json")
    assert json.loads(again.stdout)["duplicates"] == 1
