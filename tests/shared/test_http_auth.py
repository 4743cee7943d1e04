from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from shared.errors import ConfigurationError
from shared.http.auth import ApiKeys, hash_api_key, new_api_key, presented_key
from shared.http.problems import Problem

KEY = new_api_key()


def keys(text: str) -> ApiKeys:
    return ApiKeys.parse(text, "WIREROOM_API_KEYS")


def test_new_keys_are_long_and_never_the_same() -> None:
    made = {new_api_key() for _ in range(100)}
    assert len(made) == 100
    assert all(key.startswith("wr_") and len(key) >= 43 for key in made)


def test_comments_and_blank_lines_are_skipped() -> None:
    upper = hash_api_key("b").upper().replace("SHA", "sha")
    read = keys(f"# all\n\n  alice   {hash_api_key(KEY)}   # hers\n\tbob {upper}\n")
    assert (len(read), read.name_of(KEY), read.name_of("b")) == (2, "alice", "bob")


def test_a_key_that_is_listed_again_after_it_was_revoked_counts() -> None:
    hash_ = hash_api_key(KEY)
    assert keys(f"alice {hash_} revoked\nalice {hash_}").name_of(KEY) == "alice"
    assert keys(f"alice {hash_}\nalice {hash_} revoked").name_of(KEY) == "alice"


def test_a_revoked_key_is_told_so() -> None:
    with pytest.raises(Problem, match="revoked"):
        keys(f"alice {hash_api_key(KEY)} Revoked").name_of(KEY)


@given(st.text())
def test_no_other_key_is_taken(key: str) -> None:
    with pytest.raises(Problem) as caught:
        keys(f"alice {hash_api_key(KEY)}").name_of(key)
    assert caught.value.status == 401


@given(st.text(max_size=100))
def test_any_settings_value_is_read_or_refused_by_line(text: str) -> None:
    try:
        keys(text)
    except ConfigurationError as error:
        assert "WIREROOM_API_KEYS line " in str(error)


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({"authorization": "Bearer k"}, "k"),
        ({"authorization": "BEARER   k "}, "k"),
        ({"x-api-key": "k"}, "k"),
        ({"authorization": "Bearer a", "x-api-key": "b"}, "a"),
    ],
)
def test_the_key_is_found_in_either_header(headers: dict[str, str], key: str | None) -> None:
    assert presented_key(Headers(headers)) == key
