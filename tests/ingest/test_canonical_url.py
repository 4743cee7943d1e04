from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.canonical_url import canonicalize_url


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        pytest.param("HTTP://Example.COM/A", "http://example.com/A", id="case of scheme and host"),
        pytest.param("https://example.com:443", "https://example.com/", id="default port, empty path"),
        pytest.param("http://example.com:8080/", "http://example.com:8080/", id="other port stays"),
        pytest.param("https://example.com./a", "https://example.com/a", id="trailing dot of the host"),
        pytest.param("https://u:p@example.com/a", "https://example.com/a", id="user and password"),
        pytest.param("https://example.com/a#b", "https://example.com/a", id="fragment"),
        pytest.param(
            "https://example.com/a?utm_source=x&fbclid=1&gclid=2", "https://example.com/a", id="tracking"
        ),
        pytest.param(
            "https://example.com/a?UTM_Medium=x&id=7", "https://example.com/a?id=7", id="tracking, capitals"
        ),
        pytest.param("https://example.com/?%75tm_source=x", "https://example.com/", id="tracking, escaped"),
        pytest.param(
            "https://example.com/a?b=2&a=1&b=1", "https://example.com/a?a=1&b=1&b=2", id="sorted query"
        ),
        pytest.param("https://example.com/a?&&", "https://example.com/a", id="empty pairs"),
        pytest.param("https://example.com/a?q=a+b%20c", "https://example.com/a?q=a+b%20c", id="plus is kept"),
        pytest.param("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4", id="international"),
        pytest.param(
            "https://BÜCHER.example/", "https://xn--bcher-kva.example/", id="international capitals"
        ),
        pytest.param("https://example.com/%7Euser/%e4", "https://example.com/~user/%E4", id="escapes"),
        pytest.param("https://example.com/100%", "https://example.com/100%25", id="lone percent sign"),
        pytest.param("https://example.com/a/./b/../c/..", "https://example.com/a/", id="dot segments"),
        pytest.param("https://example.com/%2e%2e/x", "https://example.com/x", id="escaped dot segments"),
        pytest.param("https://example.com/a|b", "https://example.com/a%7Cb", id="what a URL cannot hold"),
        pytest.param("https://[::1]:8080/a", "https://[::1]:8080/a", id="IPv6"),
    ],
)
def test_one_article_has_one_address(url: str, canonical: str) -> None:
    assert canonicalize_url(url) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com/a",
        "//example.com/a",
        "/a",
        "ftp://example.com/",
        "javascript:alert(1)",
        "mailto:a@b.c",
        "data:text/html,x",
        "http://",
        "https:///a",
        "http://a b.example/",
        "http://example.com/a\nb",
        "http://a\\@example.com/",
        "http://a..b/",
        "http://-/",
        "http://example.com:99999/",
        "http://[zz]/",
        "http://[::1",
        "http://%41.com/",
        "http://" + "a" * 300 + ".com/",
        "https://example.com/" + "a" * 5000,
        "http://\u2488com/",
        "http://xn--\ud800.com/",
    ],
)
def test_what_is_no_web_address_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonicalize_url(url)


_text = st.text(max_size=30)
_urls = st.one_of(
    st.text(max_size=200),
    st.builds(
        lambda scheme, host, port, path, query, fragment: (
            f"{scheme}://{host}{port}/{path}?{query}#{fragment}"
        ),
        st.sampled_from(["http", "https", "HTTP"]),
        st.sampled_from(["example.com", "EXAMPLE.com.", "bücher.example", "例え.jp", "a.b.c", "[::1]"]),
        st.sampled_from(["", ":80", ":443", ":8080", ":"]),
        _text,
        st.lists(st.tuples(_text, _text).map("=".join), max_size=4).map("&".join),
        _text,
    ),
)


@given(_urls)
def test_canonicalizing_twice_changes_nothing(url: str) -> None:
    try:
        once = canonicalize_url(url)
    except ValueError:
        return
    assert canonicalize_url(once) == once
    assert once.isascii()
