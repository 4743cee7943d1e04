"""URLs from outside: what is read, and what may be shown of them."""

from __future__ import annotations

import pytest

from shared.urls import shown_host, shown_url, split_url


@pytest.mark.parametrize(
    "url", ["http://[v1.x]/", "http://[1.2.3.4]/", "http://[::1/", "http://", "http:///a"]
)
def test_a_url_without_a_real_host_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"host|URL"):
        split_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@a.example:81/b?token=secret#secret", "https://a.example:81/b"),
        ("https://a.example", "https://a.example"),
        ("http://[", "(no URL)"),
    ],
)
def test_a_log_shows_no_user_and_no_query(url: str, shown: str) -> None:
    assert shown_url(url) == shown
    assert "secret" not in shown_host(url)
