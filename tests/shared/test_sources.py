"""Sources: names, hosts, rotation, and the file that holds them."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.errors import ConfigurationError
from shared.http.auth import hash_api_key
from shared.sources import Source, SourceRefused, Sources, new_source, normal_host, with_new_secrets
from shared.sources_file import changing_sources, read_sources, with_operator
from shared.sources_place import operator_key
from tests.support import NOW

HOUR = timedelta(hours=1)


def source(name: str = "Harbour Post", **fields: Any) -> Source:
    return Source(name=name, made_at=NOW, **fields)


@pytest.mark.parametrize(
    ("given", "normal"),
    [
        ("example.com", "example.com"),
        ("https://WWW.Example.com:8443/path?x", "www.example.com"),
        ("*.example.com", "example.com"),
        ("example.com.", "example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
    ],
)
def test_a_host_is_written_as_in_canonical_urls(given: str, normal: str) -> None:
    assert normal_host(given) == normal


@pytest.mark.parametrize(
    "given", ["", " ", "a b", "https://", "http://[", "..", "x" * 300, "1.2.3", "a\x00b"]
)
def test_what_is_no_host_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="no host"):
        normal_host(given)


def test_a_host_allows_its_subdomains_and_nothing_that_only_looks_like_them() -> None:
    limited = source(hosts=("example.com",))
    assert limited.allows_host("example.com") and limited.allows_host("news.example.com")
    assert not limited.allows_host("badexample.com")
    assert not limited.allows_host("example.com.evil.test")
    assert source().allows_host("anything.test")


@pytest.mark.parametrize("name", ["", " x", "x ", "a\nb", "a\x1bb", "x" * 65])
def test_a_name_that_could_not_be_shown_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        source(name)


def test_rotating_keeps_the_newest_secret_valid_for_a_while_and_never_more_than_one() -> None:
    first, made = new_source("A", NOW, key=True, webhook=True, per_minute=None, hosts=())
    second, _ = with_new_secrets(first, NOW + HOUR, key=True, webhook=True, overlap=2 * HOUR)
    assert [key.valid(NOW + 2 * HOUR) for key in second.keys] == [True, True]
    assert [key.valid(NOW + 4 * HOUR) for key in second.keys] == [False, True]
    assert made.key and first.keys[0].hash == hash_api_key(made.key) != made.key
    third, _ = with_new_secrets(second, NOW + 2 * HOUR, key=True, webhook=True, overlap=2 * HOUR)
    assert len(third.keys) == 2 and third.keys[0].hash == second.keys[1].hash
    at_once, _ = with_new_secrets(third, NOW + 2 * HOUR, key=True, webhook=True)
    assert len(at_once.keys) == len(at_once.webhook_secrets) == 1


def test_names_are_distinct_whatever_their_case() -> None:
    held = Sources().adding(source("Harbour Post"))
    with pytest.raises(SourceRefused, match="already"):
        held.adding(source("HARBOUR POST"))
    assert held.named("harbour post").name == "Harbour Post"
    with pytest.raises(SourceRefused, match="no source"):
        held.without("Other")
    with pytest.raises(SourceRefused, match="own commands"):
        held.adding(source("Operator"))


def test_the_file_is_for_its_owner_alone_and_holds_no_api_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "sources.json"
    made_source, made = new_source("A", NOW, key=True, webhook=True, per_minute=60, hosts=("a.example",))
    with changing_sources(path) as held:
        held[0] = with_operator(held[0].adding(made_source), path)
    assert read_sources(path).sources == (made_source,)
    for file in (path, path.with_name("operator.key")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.key and made.key not in path.read_text()
    own = operator_key(path)
    assert own and hash_api_key(own) == read_sources(path).operator


def test_changes_made_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "sources.json"

    def add(number: int) -> None:
        with changing_sources(path) as held:
            held[0] = held[0].adding(source(f"S{number}"))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in read_sources(path).sources} == {f"S{n}" for n in range(12)}


def test_a_file_that_cannot_be_read_is_told_without_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "sources.json"
    path.write_text(
        '{"sources":[{"name":"A","made_at":"2026-01-01T00:00:00Z","keys":[{"hash":"wr_SECRET"}]}]}'
    )
    with pytest.raises(ConfigurationError) as caught:
        read_sources(path)
    assert "sources.0.keys.0" in str(caught.value) and "SECRET" not in str(caught.value)
    path.write_bytes(b"\xff\x00")
    with pytest.raises(ConfigurationError):
        read_sources(path)
