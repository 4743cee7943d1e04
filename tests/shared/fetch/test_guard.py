"""What the guard refuses. None of these may open a connection, whoever wrote the URL and however."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import ConfigurationError
from shared.fetch.errors import FetchFailed, FetchRefused
from shared.fetch.guard import AllowedHosts, Guard
from shared.fetch.networks import why_not_global
from tests.shared.fetch.support import WebServer, fetcher, resolver, response

PUBLIC = "93.184.215.14"
# Each is an address that ends on this machine, in its network or nowhere; `why` is a word of the message.
NOT_PUBLIC = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("0.0.0.0", "no address"),
    ("0.1.2.3", "no address"),
    ("10.1.2.3", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.1.1", "private"),
    ("100.64.0.1", "carrier"),
    ("100.100.100.200", "carrier"),
    ("100.127.255.255", "carrier"),
    ("169.254.169.254", "link-local"),
    ("168.63.129.16", "cloud"),
    ("192.0.0.192", "IETF"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("198.19.255.255", "benchmarks"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "broadcast"),
    ("::", "no address"),
    ("::1", "loopback"),
    ("::ffff:127.0.0.1", "IPv4 address in"),
    ("::ffff:7f00:1", "IPv4 address in"),
    (f"::ffff:{PUBLIC}", "IPv4 address in"),
    ("::127.0.0.1", "global unicast"),
    ("64:ff9b::7f00:1", "NAT64"),
    ("64:ff9b::169.254.169.254", "NAT64"),
    ("64:ff9b:1::a00:1", "NAT64"),
    ("2002:7f00:1::", "6to4"),
    ("2001:0:7f00:1::", "Teredo"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("fd00:ec2::254", "private"),
    ("fc00::1", "private"),
    ("fe80::1", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("100::1", "global unicast"),
    ("5f00::1", "global unicast"),
]
IDS = [address for address, _ in NOT_PUBLIC]


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


async def refusal(url: str, names: dict[str, Sequence[str]] | None = None, allow: str = "") -> FetchRefused:
    async with fetcher(allow, names) as fetch:
        with pytest.raises(FetchRefused) as caught:
            await fetch.fetch(url, most_bytes=1000, seconds=5)
    return caught.value


@pytest.mark.parametrize(("address", "why"), NOT_PUBLIC, ids=IDS)
async def test_an_address_that_is_not_public_is_refused(address: str, why: str) -> None:
    refused = await refusal(f"http://{bracketed(address)}/")
    assert refused.reason == "address"
    assert why in str(refused) and "WIREROOM_FETCH_ALLOW_HOSTS" in str(refused)


@pytest.mark.parametrize(("address", "why"), NOT_PUBLIC, ids=IDS)
async def test_a_name_of_an_address_that_is_not_public_is_refused(address: str, why: str) -> None:
    refused = await refusal("https://news.example/", {"news.example": [address]})
    assert refused.reason == "address" and why in str(refused)
    assert address not in str(refused)


@pytest.mark.parametrize(
    "names", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "2606:2800::1", "::1"]]
)
async def test_a_name_with_one_private_address_among_public_ones_is_refused(names: list[str]) -> None:
    assert (await refusal("http://news.example/", {"news.example": names})).reason == "address"


@pytest.mark.parametrize(
    "host",
    [
        "0x7f000001",
        "0x7f.0.0.1",
        "0X7F.0x0.0x0.0x1",
        "0177.0.0.1",
        "017700000001",
        "2130706433",
        "127.1",
        "127.0.1",
        "0",
        "0x",
        "127.0.0.01",
        "1.2.3.4.5",
        "3232235777",
        "0x08080808",
        "134744072",
        "8.8.2056",
        "127.0.0.256",
        "a.0x7f",
        "news.123",
    ],
)
async def test_an_address_in_another_form_than_four_decimal_numbers_is_refused(host: str) -> None:
    assert (await refusal(f"http://{host}/", {host.lower(): [PUBLIC]})).reason == "host"


@pytest.mark.parametrize(
    "host",
    [
        "１２７.0.0.1",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "127.0.0.1.",
        "localhost",
        "LOCALHOST",
        "LocalHost.",
        "localhost..",
        "a.localhost",
        "a.b.LOCALHOST.",
        "ｌｏｃａｌｈｏｓｔ",
    ],
)
async def test_another_spelling_of_this_machine_is_refused(host: str) -> None:
    assert (await refusal(f"http://{host}/")).reason == "address"


@pytest.mark.parametrize(
    "host",
    [
        "%31%32%37.0.0.1",
        "127%2e0.0.1",
        "%6cocalhost",
        "[fe80::1%25eth0]",
        "[fe80::1%eth0]",
        "[::1%251]",
        "[v1.x]",
        "[::1",
        "a..b",
        "-",
        "",
        "ex ample",
        "a\\@b",
        "xn--zzzzzz--",
        "\u0000",
    ],
)
async def test_a_host_that_is_no_host_is_refused(host: str) -> None:
    assert (await refusal(f"http://{host}/")).reason in ("host", "url")


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("file:///etc/passwd", "scheme"),
        ("gopher://127.0.0.1:6379/_FLUSHALL", "scheme"),
        ("ftp://news.example/", "scheme"),
        ("javascript:alert(1)", "scheme"),
        ("data:text/html,x", "scheme"),
        ("dict://x/", "scheme"),
        ("//news.example/", "url"),
        ("news.example", "url"),
        ("", "url"),
        ("http:/news.example/", "url"),
        ("http://user@news.example/", "userinfo"),
        ("http://user:secret@news.example/", "userinfo"),
        ("http://:@news.example/", "userinfo"),
        ("http://news.example\\@127.0.0.1/", "url"),
        ("http://news.example/\r\nx: y", "url"),
        ("http://news.example:6379/", "port"),
        ("http://news.example:0/", "port"),
        ("http://news.example:22/", "port"),
        ("http://news.example:99999/", "url"),
        (f"http://news.example/{'a' * 5000}", "url"),
    ],
)
async def test_a_url_of_another_kind_is_refused(url: str, reason: str) -> None:
    refused = await refusal(url, {"news.example": [PUBLIC]})
    assert refused.reason == reason
    assert "secret" not in str(refused)


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://NEWS.Example./A?b=C#d", "http://news.example/A?b=C"),
        ("https://news.example:443", "https://news.example/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://аррӏе.example/", "http://xn--80ak6aa92e.example/"),
        ("http://93.184.215.14/", "http://93.184.215.14/"),
        ("http://[2606:2800:0:0::1]/", "http://[2606:2800::1]/"),
        ("http://news.example:443/", "http://news.example:443/"),
    ],
)
def test_a_public_url_is_asked_for_in_canonical_form(url: str, asked: str) -> None:
    assert Guard().target(url).url == asked


NUMBERS = st.sampled_from(
    ["0", "00", "1", "127", "255", "256", "0x7f", "0X7F", "0177", "010", "2130706433", "①②⑦", "１", "0x", "a"]
)
DOTTED = st.lists(NUMBERS, min_size=1, max_size=5).flatmap(
    lambda parts: st.sampled_from(".．。").map(lambda dot: dot.join(parts))
)
ANYTHING = st.text(alphabet="01fxX.:%[]@/\\#?①。－-_ l\u00ad\u200b", min_size=1, max_size=24)


@settings(max_examples=500, deadline=None)
@given(DOTTED | ANYTHING | DOTTED.map("[::{}]".format) | DOTTED.map("a@{}".format))
def test_no_spelling_of_a_host_gets_by_that_others_read_as_a_private_address(host: str) -> None:
    try:
        target = Guard().target(f"http://{host}/")
    except FetchRefused:
        return
    # The client connects to the host that was looked at …
    assert httpx2.URL(target.url).raw_host.decode() == target.host.strip("[]")
    # … and what the C library takes for an address without asking anybody is public.
    with suppress(OSError):
        assert why_not_global(ip_address(socket.inet_aton(target.host))) is None
    with suppress(OSError):
        assert why_not_global(ip_address(socket.inet_pton(socket.AF_INET6, target.host.strip("[]")))) is None


async def test_every_address_of_a_public_name_may_be_connected_to() -> None:
    guard = Guard(resolver=resolver({"news.example": [PUBLIC, "2606:2800:21f::1"]}))
    assert await guard.addresses("news.example", 443) == [PUBLIC, "2606:2800:21f::1"]


async def test_a_name_that_does_not_exist_fails_for_good_and_one_that_cannot_be_asked_for_does_not() -> None:
    async def away(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with pytest.raises(FetchFailed) as gone:
        await Guard(resolver=resolver({})).addresses("news.example", 80)
    with pytest.raises(FetchFailed) as later:
        await Guard(resolver=away).addresses("news.example", 80)
    assert (gone.value.reason, gone.value.transient) == ("dns", False)
    assert (later.value.reason, later.value.transient) == ("dns", True)


async def test_a_name_that_turns_private_after_the_lookup_is_not_looked_up_again(web: WebServer) -> None:
    """Rebinding: the address that was looked at is the one that is connected to."""
    web.answers["/"] = response("ours")
    answers = iter([["127.0.0.1"], ["10.0.0.1"], ["10.0.0.1"]])
    lookups = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        lookups.append(host)
        return next(answers)

    async with fetcher(f"news.example:{web.port}", rebinding) as fetch:
        fetched = await fetch.fetch(f"http://news.example:{web.port}/", most_bytes=1000, seconds=5)
    assert fetched.body == b"ours" and lookups == ["news.example"]


async def test_a_name_that_turns_private_is_refused_at_its_next_connection() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    guard = Guard(resolver=rebinding)
    assert await guard.addresses("news.example", 80) == [PUBLIC]
    with pytest.raises(FetchRefused):
        await guard.addresses("news.example", 80)


class TestAllowedHosts:
    @pytest.mark.parametrize(
        ("allow", "host", "port"),
        [
            ("127.0.0.1:8000", "127.0.0.1", 8000),
            ("127.0.0.1", "127.0.0.1", 8000),
            ("[::1]:80", "[::1]", 80),
            ("::1", "[::1]", 99),
            ("a.example, Intranet.Example.:81", "intranet.example", 81),
            ("localhost", "localhost", 80),
            ("bücher.example\n", "xn--bcher-kva.example", 80),
        ],
    )
    def test_a_named_host_is_open(self, allow: str, host: str, port: int) -> None:
        assert (host, port) in AllowedHosts.parse(allow)

    @pytest.mark.parametrize(
        ("allow", "host", "port"),
        [
            ("127.0.0.1:8000", "127.0.0.1", 8001),
            ("127.0.0.1", "127.0.0.2", 80),
            ("example", "a.example", 80),
            ("", "", 80),
        ],
    )
    def test_any_other_host_or_port_is_not(self, allow: str, host: str, port: int) -> None:
        assert (host, port) not in AllowedHosts.parse(allow)

    @pytest.mark.parametrize(
        "allow", ["http://a.example/", "a.example/x", "u@a.example", "a:b", "*", "a:99999", "0x7f.1"]
    )
    def test_what_names_no_host_stops_the_service_naming_the_setting(self, allow: str) -> None:
        with pytest.raises(ConfigurationError, match="WIREROOM_FETCH_ALLOW_HOSTS"):
            AllowedHosts.parse(allow)

    @pytest.mark.parametrize(
        "host", ["2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "other.example"]
    )
    async def test_opening_an_address_opens_no_other_way_to_it(self, host: str) -> None:
        names = {"other.example": ["127.0.0.1"]}
        assert (await refusal(f"http://{host}/", names, allow="127.0.0.1")).reason in ("host", "address")
