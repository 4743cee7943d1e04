from __future__ import annotations

import gzip
import os
import zlib
from pathlib import Path

import brotli
import pytest

from services.cli.imports.entries import Unusable
from services.cli.imports.warc import MAX_HEADERS_BYTES
from tests.cli.imports.archives import PAGE, found_in, gzipped, page_record, reasons, record, response
from tests.conftest import SHARED_DATA

HTML = ("Content-Type", "text/html")


def test_a_page_becomes_an_article_that_tells_where_it_is_from() -> None:
    more = "WARC-Truncated: length\r\n"
    (article,), skipped, damage = found_in(page_record(1, more=more))
    assert article["url"] == "https://news.example/1"
    assert article["source"] == "news.example"
    assert article["html"] == PAGE.format(n=1)
    assert article["provenance"] == {
        "fetched_from": "https://news.example/1",
        "fetched_at": "2024-05-06T07:08:09+00:00",
    }
    assert article["extra"]["warc"]["truncated"] == "length"
    assert (skipped, damage) == ([], [])


def test_a_source_on_the_command_line_goes_before_the_host() -> None:
    (article,), _, _ = found_in(page_record(1), source="Harbour Post", language="en")
    assert (article["source"], article["language"]) == ("Harbour Post", "en")


@pytest.mark.parametrize("given", ["<https://a.example/a%20b>", "https://a.example/a b"])
def test_an_address_is_taken_as_crawlers_write_it(given: str) -> None:
    (article,), _, _ = found_in(response(given, b"<html>x"))
    assert article["url"] == "https://a.example/a%20b"


def test_an_arc_is_refused_with_what_to_do() -> None:
    with pytest.raises(Unusable, match="warcio recompress"):
        found_in(b"filedesc://a.arc 0.0.0.0 20240101000000 text/plain 75\n")


def test_what_is_no_page_is_passed_over_and_counted() -> None:
    archive = b"".join(
        (
            record("warcinfo", b"software: test\r\n"),
            record("request", b"GET / HTTP/1.1\r\n\r\n", "WARC-Target-URI: https://news.example/\r\n"),
            record("metadata", b"a: b\r\n"),
            response("https://news.example/gone", b"", status="404 Not Found"),
            response("https://news.example/moved", b"", status="301 Moved"),
            response("https://news.example/i.png", b"\x89PNG", headers=[("Content-Type", "image/png")]),
            response("dns:news.example", b""),
            page_record(7),
        )
    )
    articles, skipped, damage = found_in(archive)
    assert [article["url"] for article in articles] == ["https://news.example/7"]
    assert [f"{found.reason}: {found.detail}" for found in skipped] == [
        "no page: warcinfo record",
        "no page: request record",
        "no page: metadata record",
        "HTTP status: 404",
        "HTTP status: 301",
        "not HTML: image/png",
        "no page: its URL is not http(s)",
    ]
    assert all(found.by_design for found in skipped) and damage == []


def _chunked(body: bytes, size: int = 50) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x;x=y\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


PLAIN = PAGE.format(n=3).encode()
RAW_DEFLATE = zlib.compressobj(wbits=-15)
BODIES = {
    "gzip": (gzip.compress(PLAIN), [("Content-Encoding", "gzip")]),
    "x-gzip in capitals": (gzip.compress(PLAIN), [("Content-Encoding", "X-GZIP")]),
    "br": (brotli.compress(PLAIN), [("Content-Encoding", "br")]),
    "deflate": (zlib.compress(PLAIN), [("Content-Encoding", "deflate")]),
    "deflate without its header": (
        RAW_DEFLATE.compress(PLAIN) + RAW_DEFLATE.flush(),
        [("Content-Encoding", "deflate")],
    ),
    "chunked": (_chunked(PLAIN), [("Transfer-Encoding", "chunked")]),
    "chunked gzip": (
        _chunked(gzip.compress(PLAIN)),
        [("Transfer-Encoding", "chunked"), ("Content-Encoding", "gzip")],
    ),
    "two codings": (gzip.compress(brotli.compress(PLAIN)), [("Content-Encoding", "br, gzip")]),
    "gzip by name only": (PLAIN, [("Content-Encoding", "gzip")]),
    "chunked by name only": (PLAIN, [("Transfer-Encoding", "chunked")]),
    "gzip without its last two bytes": (gzip.compress(PLAIN)[:-2], [("Content-Encoding", "gzip")]),
    "a coding nobody knows, by name only": (PLAIN, [("Content-Encoding", "sdch")]),
}


@pytest.mark.parametrize("case", BODIES)
def test_bodies_are_decoded(case: str) -> None:
    body, headers = BODIES[case]
    (article,), skipped, _ = found_in(response("https://news.example/3", body, headers=[HTML, *headers]))
    assert article["html"].encode() == PLAIN and skipped == []


BROKEN = {
    "gzip cut off": (gzip.compress(os.urandom(9_000) + PLAIN)[:5_000], "gzip", "cut off"),
    "gzip of noise": (b"\x1f\x8b\x08\x00" + os.urandom(500), "gzip", "cannot be decoded"),
    "brotli of noise": (b"\xff" * 500, "br", "cannot be decoded"),
    "four codings": (PLAIN, "gzip,gzip,gzip,gzip", "cannot be decoded"),
    "gzip bomb": (gzip.compress(b" " * (40 << 20)), "gzip", "too large"),
    "brotli bomb": (brotli.compress(b" " * (40 << 20), quality=1), "br", "too large"),
    "gzip bomb in a gzip": (gzip.compress(gzip.compress(b" " * (40 << 20))), "gzip, gzip", "too large"),
    "nothing": (b"", "", "empty"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_body_that_cannot_be_had_is_skipped_with_why(case: str) -> None:
    body, coding, reason = BROKEN[case]
    headers = [HTML, ("Content-Encoding", coding)]
    archive = response("https://news.example/bad", body, headers=headers) + page_record(2)
    articles, skipped, _ = found_in(archive)
    assert [article["url"] for article in articles] == ["https://news.example/2"]
    assert reasons(skipped) == [reason]


@pytest.mark.parametrize(
    ("encoded", "headers", "text"),
    [
        ("“Größe” – naïve".encode("cp1252"), "text/html; charset=iso-8859-1", "“Größe” – naïve"),
        ("Größe 東京".encode(), "text/html; charset=iso-8859-1", "Größe 東京"),
        ("東京の港".encode("shift_jis"), 'text/html; charset="Shift_JIS"', "東京の港"),
        ("<meta charset=koi8-r></head><body>Порт".encode("koi8-r"), "text/html", "Порт"),
        ("“Größe”".encode("cp1252"), "text/html", "“Größe”"),
        ("Порт".encode("utf-16"), "text/html", "Порт"),
        ("Größe".encode() + b"\xc3", "text/html; charset=utf-8", "Größe"),
    ],
    ids=["cp1252 called latin-1", "utf-8 called latin-1", "header", "meta", "none", "BOM", "cut in a letter"],
)
def test_the_encoding_is_found_though_declared_wrong(encoded: bytes, headers: str, text: str) -> None:
    body = b"<html><head>" + encoded + b"</body></html>"
    body = encoded if encoded[:2] == b"\xff\xfe" else body
    (article,), _, _ = found_in(response("https://a.example/", body, headers=[("Content-Type", headers)]))
    assert text in article["html"]


def test_a_truncated_archive_gives_what_is_whole_and_tells_the_rest() -> None:
    whole = b"".join(page_record(number) for number in range(3))
    articles, skipped, damage = found_in(whole[:-60])
    assert len(articles) == 2 and reasons(skipped) == ["cut off"]
    assert "record 3 is cut off" in damage[0]


def test_a_truncated_gz_gives_what_is_whole_and_tells_the_rest() -> None:
    archive = gzipped(page_record(number) for number in range(3))
    articles, _, damage = found_in(archive[:-40])
    assert [article["url"][-1] for article in articles] == ["0", "1"]
    assert any("cut off" in found for found in damage)


def test_a_damaged_gz_member_costs_its_record_and_no_other() -> None:
    members = [gzipped([page_record(number)]) for number in range(5)]
    middle = bytearray(members[2])
    middle[len(middle) // 2] ^= 0xFF
    members[2] = bytes(middle)
    articles, _, damage = found_in(b"".join(members))
    assert [article["url"][-1] for article in articles] == ["0", "1", "3", "4"]
    assert any("damaged" in found for found in damage)


def test_junk_between_records_costs_none_of_them() -> None:
    archive = page_record(1) + b"\0\0\0 junk\n" * 1_000 + page_record(2) + os.urandom(5_000)
    articles, _, damage = found_in(archive)
    assert len(articles) == 2 and "belong to none" in damage[0]


def test_one_gzip_member_around_a_whole_archive_is_read_too() -> None:
    archive = gzip.compress(b"".join(page_record(number) for number in range(4)))
    articles, skipped, damage = found_in(archive)
    assert len(articles) == 4 and (skipped, damage) == ([], [])


HOSTILE = {
    "endless header line": b"WARC/1.0\r\nX: " + b"a" * (4 << 20) + b"\r\n\r\n",
    "endless headers": b"WARC/1.0\r\n" + b"X: y\r\n" * (MAX_HEADERS_BYTES // 6 + 9) + b"\r\n",
    "endless HTTP headers": record(
        "response", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "WARC-Target-URI: http://a.example/\r\n"
    ),
    "no length": b"WARC/1.0\r\nWARC-Type: response\r\n\r\n",
    "negative length": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: -5\r\n\r\n",
    "no length that is a number": b"WARC/1.0\r\nWARC-Type: response\r\nContent-Length: x\r\n\r\n",
    "no URL": record("response", b"HTTP/1.1 200 OK\r\n\r\n<p>x"),
    "nothing but a version": b"WARC/1.0\r\n\r\n",
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_record_made_to_hurt_costs_no_neighbour(case: str) -> None:
    articles, skipped, _ = found_in(page_record(1) + HOSTILE[case] + page_record(2))
    assert [article["url"][-1] for article in articles] == ["1", "2"]
    assert [found for found in skipped if not found.by_design]


def test_a_length_beyond_the_end_is_told() -> None:
    headers = b"WARC-Target-URI: http://a.example/\r\nContent-Length: 99999999999\r\n\r\n"
    archive = page_record(1) + b"WARC/1.0\r\nWARC-Type: response\r\n" + headers + b"HTTP/1.1 200 OK\r\n\r\nx"
    articles, _, damage = found_in(archive)
    assert len(articles) == 1 and "is cut off" in damage[0]


def test_a_million_chunks_are_refused_in_time() -> None:
    body = b"1\r\nx\r\n" * 1_000_000 + b"0\r\n\r\n"
    headers = [HTML, ("Transfer-Encoding", "chunked")]
    _, skipped, _ = found_in(response("https://a.example/", body, headers=headers))
    assert reasons(skipped) == ["cannot be decoded"]


@pytest.mark.parametrize("date", ["", "yesterday", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00"])
def test_a_date_that_cannot_be_is_left_out(date: str) -> None:
    (article,), _, _ = found_in(page_record(1, date=date))
    assert article["provenance"] == {"fetched_from": "https://news.example/1"}


def _conformance() -> Path:
    given = os.environ.get("WIREROOM_CONFORMANCE_DIR")
    directory = Path(given) if given else SHARED_DATA / "conformance"
    if not (directory / "warcio").is_dir():
        pytest.skip(f"warcio's sample files are not on this machine: {directory}/warcio")
    return directory / "warcio"


@pytest.mark.parametrize("path", ["example.warc", "example.warc.gz", "example-trunc.warc"])
def test_warcio_samples_give_their_page(path: str) -> None:
    content = (_conformance() / path).read_bytes()
    (article,), skipped, damage = found_in(content)
    assert article["url"] == "http://example.com/" and "<h1>Example Domain</h1>" in article["html"]
    assert all(found.by_design for found in skipped)
    assert bool(damage) == ("trunc" in path)


def test_every_warcio_sample_is_read_to_its_end_wherever_it_is_cut() -> None:
    for path in sorted(_conformance().iterdir()):
        content = path.read_bytes()
        if not (content.startswith((b"WARC/", b"\x1f\x8b"))):
            continue
        whole, _, _ = found_in(content, "warc")
        for end in range(0, len(content), 37):
            articles, _, _ = found_in(content[:end], "warc")
            assert articles == whole[: len(articles)]


def test_noise_never_stops_the_reader() -> None:
    archive = gzipped(page_record(number) for number in range(6))
    for seed in range(200):
        spoilt = bytearray(archive)
        for at in range(seed, len(spoilt), 97 + seed):
            spoilt[at] ^= seed + 1
        found_in(bytes(spoilt), "warc")
