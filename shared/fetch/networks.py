"""Which addresses are of the public internet: the IANA special-purpose registries as rules. Pure.

`ipaddress.is_global` alone is not enough: it calls multicast, 6to4 and NAT64 global, and its tables differ
between the Python versions that we run on. An address has to pass both.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

Address = IPv4Address | IPv6Address

_SPECIAL_V4: Final = tuple(
    (IPv4Network(network), what)
    for network, what in (
        ("0.0.0.0/8", "no address of a host"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's private address"),
        ("127.0.0.0/8", "a loopback address"),
        ("169.254.0.0/16", "a link-local address"),  # 169.254.169.254: credentials in most clouds
        ("168.63.129.16/32", "a cloud's own address"),  # Azure's wire server, in a public range
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address of IETF protocols"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a 6to4 relay"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved or broadcast address"),
    )
)
# The first that holds the address names it. Those that carry an IPv4 address are refused whatever it is:
# no resolver gives them for a public host, save DNS64, and there the gateway would decide where we go.
_SPECIAL_V6: Final = tuple(
    (IPv6Network(network), what)
    for network, what in (
        ("::/128", "no address of a host"),
        ("::1/128", "a loopback address"),
        ("::ffff:0:0/96", "an IPv4 address in an IPv6 one"),
        ("64:ff9b::/96", "a NAT64 address"),
        ("64:ff9b:1::/48", "a NAT64 address"),
        ("2001::/32", "a Teredo address"),
        ("2001::/23", "an address of IETF protocols"),
        ("2001:db8::/32", "an address for documentation"),
        ("2002::/16", "a 6to4 address"),
        ("3fff::/20", "an address for documentation"),
        ("fc00::/7", "a private address"),  # fd00:ec2::254: credentials at Amazon
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)
_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")


def why_not_global(address: Address) -> str | None:
    """Return what `address` is if it is not a host of the public internet, else None."""
    if isinstance(address, IPv4Address):
        what = next((what for network, what in _SPECIAL_V4 if address in network), None)
    else:
        what = next((what for network, what in _SPECIAL_V6 if address in network), None)
        if what is None and address not in _GLOBAL_UNICAST:
            what = "an address outside the global unicast range"
    if what is None and not address.is_global:
        what = "not a public address"
    return what


def is_loopback_host(host: str) -> bool:
    """Whether a host as it stands in a URL, with or without brackets, is this machine by its own name."""
    if host.lower() == "localhost":
        return True
    address = parse_address(host.strip("[]"))
    return address is not None and address.is_loopback


def parse_address(text: str) -> Address | None:
    """Return the address that `text` writes in full, dotted or with colons; None for anything else.

    A zone (`%eth0`) is dropped: only link-local addresses have one, and those are refused.
    """
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
