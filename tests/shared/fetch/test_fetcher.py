"""What a fetch gives, and what it may cost, against servers that mean no good."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import ssl
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from shared.fetch.errors import FetchFailed, FetchRefused
from shared.metrics import Metrics
from tests.shared.fetch.support import Answer, WebServer, fetcher, redirect, response, web_server

MEGABYTE = 1 << 20


async def failure(
    web: WebServer, answer: Answer, *, seconds: float = 5, most_bytes: int = 1000
) -> FetchFailed:
    web.answers["/"] = answer
    async with fetcher(web.host) as fetch:
        with pytest.raises(FetchFailed) as caught:
            await fetch.fetch(web.url(), most_bytes=most_bytes, seconds=seconds)
    return caught.value


class TestResponses:
    async def test_a_response_is_returned_whatever_its_status(self, web: WebServer) -> None:
        web.answers["/"] = response("gone", "etag: x", status="410 Gone")
        async with fetcher(web.host) as fetch:
            fetched = await fetch.fetch(web.url("/#part"), most_bytes=1000, seconds=5)
        assert (fetched.status, fetched.body, fetched.headers["etag"]) == (410, b"gone", "x")
        assert (fetched.url, fetched.redirects, fetched.truncated) == (web.url(), (), False)

    async def test_the_callers_headers_and_the_agent_are_sent(self, web: WebServer) -> None:
        web.answers["/"] = response(status="304 Not Modified")
        async with fetcher(web.host, user_agent="Tester/1 (+https://example.com)") as fetch:
            fetched = await fetch.fetch(web.url(), headers={"if-none-match": '"x"'}, most_bytes=9, seconds=5)
        assert fetched.status == 304
        head = web.requests[0].lower()
        assert (
            b'if-none-match: "x"\r\n' in head and b"user-agent: tester/1 (+https://example.com)\r\n" in head
        )
        assert b"accept-encoding: gzip, deflate\r\n" in head

    async def test_cookies_are_not_kept(self, web: WebServer) -> None:
        web.answers |= {"/": response("", "set-cookie: a=b; path=/"), "/2": response()}
        async with fetcher(web.host) as fetch:
            for path in ("/", "/2"):
                await fetch.fetch(web.url(path), most_bytes=9, seconds=5)
        assert not any(b"cookie" in request.lower() for request in web.requests)

    async def test_proxies_of_the_environment_are_not_used(
        self, web: WebServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        web.answers["/"] = response("direct")
        async with fetcher(web.host) as fetch:
            assert (await fetch.fetch(web.url(), most_bytes=9, seconds=5)).body == b"direct"

    @pytest.mark.parametrize("coding", ["gzip", "deflate", "identity"])
    async def test_a_compressed_body_comes_decompressed(self, web: WebServer, coding: str) -> None:
        packed = {"gzip": gzip.compress, "deflate": zlib.compress, "identity": bytes}[coding](b"news" * 100)
        web.answers["/"] = response(packed, f"content-encoding: {coding}")
        async with fetcher(web.host) as fetch:
            assert (await fetch.fetch(web.url(), most_bytes=1000, seconds=5)).body == b"news" * 100

    async def test_a_body_may_be_cut_instead_of_refused(self, web: WebServer) -> None:
        web.answers["/"] = response(b"x" * 5000)
        async with fetcher(web.host) as fetch:
            fetched = await fetch.fetch(web.url(), most_bytes=1000, seconds=5, truncate=True)
        assert (len(fetched.body), fetched.truncated) == (1000, True)

    async def test_a_post_sends_its_body(self, web: WebServer) -> None:
        web.answers |= {
            "/": redirect("/hub", "307 Temporary Redirect"),
            "/hub": response(status="202 Accepted"),
        }
        async with fetcher(web.host) as fetch:
            fetched = await fetch.post(web.url(), b"hub.mode=subscribe", {"content-type": "text/plain"})
        assert fetched.status == 202
        assert [request[:5] for request in web.requests] == [b"POST ", b"POST "]
        assert all(request.endswith(b"\r\n\r\nhub.mode=subscribe") for request in web.requests)

    async def test_a_post_is_not_turned_into_a_get(self, web: WebServer) -> None:
        web.answers["/"] = redirect("/other", "302 Found")
        async with fetcher(web.host) as fetch:
            assert (await fetch.post(web.url(), b"x", {})).status == 302
        assert web.paths() == ["/"]

    async def test_fetches_are_counted_by_outcome(self, web: WebServer) -> None:
        web.answers["/"] = response()
        metrics = Metrics()
        async with fetcher(web.host, metrics=metrics) as fetch:
            await fetch.fetch(web.url(), most_bytes=9, seconds=5)
            with pytest.raises(FetchRefused):
                await fetch.fetch("http://10.0.0.1/", most_bytes=9, seconds=5)
        text = metrics.exposition().decode()
        assert 'wireroom_fetches_total{outcome="2xx"} 1.0' in text
        assert 'wireroom_fetches_total{outcome="refused"} 1.0' in text
        assert "wireroom_fetch_seconds_count 2.0" in text


class TestRedirects:
    async def test_redirects_are_followed_and_told(self, web: WebServer) -> None:
        web.answers |= {
            "/": redirect("b?x=ä b", "301 Moved Permanently"),
            "/b?x=%C3%A4%20b": redirect(f"//{web.host}/c#d", "308 Permanent Redirect"),
            "/c": response("there"),
        }
        async with fetcher(web.host) as fetch:
            fetched = await fetch.fetch(web.url(), most_bytes=9, seconds=5)
        assert fetched.body == b"there" and fetched.url == web.url("/c")
        assert [status for status, _ in fetched.redirects] == [301, 308]
        assert fetched.redirects[-1][1] == web.url("/c")

    async def test_they_need_not_be_followed(self, web: WebServer) -> None:
        web.answers["/"] = redirect("/b")
        async with fetcher(web.host) as fetch:
            fetched = await fetch.fetch(web.url(), most_bytes=9, seconds=5, follow=False)
        assert (fetched.status, fetched.headers["location"]) == (302, "/b")

    @pytest.mark.parametrize(
        ("to", "reason"),
        [
            ("http://10.0.0.1/", "address"),
            ("http://169.254.169.254/latest/meta-data/", "address"),
            ("//[::ffff:10.0.0.1]/", "address"),
            ("http://inside.example/", "address"),
            ("http://localhost/", "address"),
            ("http://127.1/", "host"),
            ("http://public.example:6379/", "port"),
            ("file:///etc/passwd", "scheme"),
            ("gopher://127.0.0.1:70/", "scheme"),
            ("http://u:p@public.example/", "userinfo"),
            ("http:\\\\10.0.0.1", "url"),
            ("http://[", "url"),
        ],
    )
    async def test_a_redirect_to_what_may_not_be_fetched_is_refused(
        self, web: WebServer, to: str, reason: str
    ) -> None:
        web.answers["/"] = redirect(to)
        names = {"inside.example": ["192.168.0.1"], "public.example": ["93.184.215.14"]}
        async with fetcher(web.host, names) as fetch:
            with pytest.raises(FetchRefused) as caught:
                await fetch.fetch(web.url(), most_bytes=9, seconds=5)
        assert caught.value.reason == reason

    async def test_a_circle_ends(self, web: WebServer) -> None:
        web.answers |= {"/": redirect("/b"), "/b": redirect("/#again")}
        async with fetcher(web.host) as fetch:
            with pytest.raises(FetchFailed, match="circle"):
                await fetch.fetch(web.url(), most_bytes=9, seconds=5)
        assert web.paths() == ["/", "/b"]

    async def test_an_endless_chain_ends_after_five(self, web: WebServer) -> None:
        web.answers |= {"/": redirect("/1"), **{f"/{n}": redirect(f"/{n + 1}") for n in range(1, 20)}}
        async with fetcher(web.host) as fetch:
            with pytest.raises(FetchFailed, match="More than 5") as caught:
                await fetch.fetch(web.url(), most_bytes=9, seconds=5)
        assert caught.value.reason == "redirects" and len(web.requests) == 6

    async def test_secrets_do_not_go_to_another_host(self, web: WebServer) -> None:
        async with web_server() as other:
            web.answers["/"] = redirect(other.url())
            other.answers["/"] = response()
            async with fetcher(f"{web.host},{other.host}") as fetch:
                headers = {"Authorization": "Bearer x", "if-none-match": "y"}
                await fetch.fetch(web.url(), headers=headers, most_bytes=9, seconds=5)
            assert b"bearer" in web.requests[0].lower()
            assert (
                b"bearer" not in other.requests[0].lower() and b"if-none-match" in other.requests[0].lower()
            )


class TestCosts:
    async def test_a_body_of_too_many_bytes_is_given_up(self, web: WebServer) -> None:
        assert (await failure(web, response(b"x" * 1001))).reason == "too_large"

    async def test_a_zip_bomb_is_given_up_early(self, web: WebServer) -> None:
        bomb = gzip.compress(bytes(200 * MEGABYTE), 9)
        start = time.process_time()
        failed = await failure(web, response(bomb, "content-encoding: gzip"), most_bytes=MEGABYTE)
        assert failed.reason == "too_large" and not failed.transient
        assert time.process_time() - start < 0.5

    async def test_a_bomb_in_a_bomb_is_not_unpacked(self, web: WebServer) -> None:
        bomb = gzip.compress(gzip.compress(bytes(MEGABYTE)))
        assert (await failure(web, response(bomb, "content-encoding: gzip, gzip"))).reason == "encoding"

    @pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip,br"])
    async def test_a_compression_that_was_not_asked_for_is_refused(self, web: WebServer, coding: str) -> None:
        assert (await failure(web, response(b"x", f"content-encoding: {coding}"))).reason == "encoding"

    async def test_what_does_not_decompress_is_a_failure(self, web: WebServer) -> None:
        assert (await failure(web, response(b"news" * 9, "content-encoding: gzip"))).reason == "encoding"

    async def test_an_endless_body_is_given_up(self, web: WebServer) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()

        assert (await failure(web, endless, most_bytes=MEGABYTE)).reason == "too_large"

    async def test_a_body_that_decompresses_to_nothing_ends_as_well(self, web: WebServer) -> None:
        async def endless(writer: asyncio.StreamWriter) -> None:
            packer = zlib.compressobj(wbits=31)
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n" + packer.flush(zlib.Z_SYNC_FLUSH)
            )
            while True:
                writer.write(packer.flush(zlib.Z_FULL_FLUSH) or b"\x00\x00\x00\xff\xff" * 10_000)
                await writer.drain()

        assert (await failure(web, endless, seconds=10)).reason == "too_large"

    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
    async def test_a_slow_drip_ends_in_time(self, web: WebServer, sent: bytes) -> None:
        async def drip(writer: asyncio.StreamWriter) -> None:
            writer.write(sent)
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.02)

        start = time.monotonic()
        failed = await failure(web, drip, seconds=0.3, most_bytes=MEGABYTE)
        assert failed.reason == "timeout" and failed.transient
        assert time.monotonic() - start < 2

    async def test_redirects_do_not_start_the_clock_again(self, web: WebServer) -> None:
        async def late(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.25)
            number = len(web.requests)
            web.answers[f"/{number}"] = late
            writer.write(redirect(f"/{number}"))

        assert (await failure(web, late, seconds=0.6)).reason == "timeout"

    async def test_chunks_of_one_byte_are_given_up_without_stopping_others(self, web: WebServer) -> None:
        async def crumbs(writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"1\r\nx\r\n" * 10_000)
                await writer.drain()

        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            while True:
                begun = time.monotonic()
                await asyncio.sleep(0.001)
                longest = max(longest, time.monotonic() - begun)

        watcher = asyncio.create_task(watch())
        failed = await failure(web, crumbs, seconds=20, most_bytes=10 * MEGABYTE)
        watcher.cancel()
        assert failed.reason in ("too_large", "timeout")
        assert longest < 0.5

    @pytest.mark.parametrize(
        "answer",
        [
            b"HTTP/1.1 200 OK\r\n" + b"x-a: y\r\n" * 50_000,
            b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
            b"not http at all\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\nconnection: close\r\n\r\nshort",
        ],
        ids=["many headers", "a huge header", "no HTTP", "no length", "cut short"],
    )
    async def test_what_is_not_http_is_a_failure(self, web: WebServer, answer: bytes) -> None:
        async def send(writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            await writer.drain()

        assert (await failure(web, send)).reason == "protocol"

    async def test_a_closed_port_is_a_failure_that_may_pass(self) -> None:
        async with web_server() as web:
            pass
        async with fetcher(web.host) as fetch:
            with pytest.raises(FetchFailed) as caught:
                await fetch.fetch(web.url("/?token=secret"), most_bytes=9, seconds=5)
        assert (caught.value.reason, caught.value.transient) == ("connect", True)
        assert "secret" not in str(caught.value)

    async def test_the_next_address_of_a_name_is_tried(self, web: WebServer) -> None:
        web.answers["/"] = response("here")
        names = {"news.example": ["127.0.0.2", "127.0.0.1"]}
        async with fetcher(f"news.example:{web.port}", names) as fetch:
            fetched = await fetch.fetch(f"http://news.example:{web.port}/", most_bytes=9, seconds=5)
        assert fetched.body == b"here"
        assert f"\r\nhost: news.example:{web.port}\r\n".encode() in web.requests[0].lower()


class TestTls:
    @pytest.fixture
    def contexts(self, tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        """A server's context with a certificate of news.example, and a client's that trusts it."""
        if shutil.which("openssl") is None:
            pytest.skip("no openssl command to make a certificate with")
        key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=news.example",
                "-addext",
                "subjectAltName=DNS:news.example",
                "-keyout",
                str(key),
                "-out",
                str(certificate),
            ],
            check=True,
            capture_output=True,
        )
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificate, key)
        return server, ssl.create_default_context(cafile=str(certificate))

    async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(
        self, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
    ) -> None:
        server, client = contexts
        async with web_server(server) as web:
            server.sni_callback = lambda _, name, __: web.server_names.append(name)
            web.answers["/"] = response("safe")
            names = {"news.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]}
            async with fetcher("news.example,other.example", names, ssl_context=client) as fetch:
                fetched = await fetch.fetch(f"https://news.example:{web.port}/", most_bytes=9, seconds=5)
                with pytest.raises(FetchFailed) as caught:
                    await fetch.fetch(f"https://other.example:{web.port}/", most_bytes=9, seconds=5)
        assert fetched.body == b"safe" and web.server_names == ["news.example", "other.example"]
        assert (caught.value.reason, caught.value.transient) == ("tls", False)
        assert "certificate is not valid for 'other.example'" in str(caught.value)

    async def test_a_certificate_that_nobody_vouches_for_is_refused(
        self, contexts: tuple[ssl.SSLContext, ssl.SSLContext]
    ) -> None:
        async with (
            web_server(contexts[0]) as web,
            fetcher("news.example", {"news.example": ["127.0.0.1"]}) as fetch,
        ):
            with pytest.raises(FetchFailed, match="self-signed") as caught:
                await fetch.fetch(f"https://news.example:{web.port}/", most_bytes=9, seconds=5)
        assert caught.value.reason == "tls"
