"""The fetcher as the environment describes it."""

from __future__ import annotations

import pytest

from shared.errors import ConfigurationError
from shared.fetch.settings import FetchSettings, fetcher_from_settings
from shared.settings import load_settings
from tests.shared.fetch.support import WebServer, redirect, response


async def test_the_environment_opens_hosts_and_says_who_we_are(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WIREROOM_FETCH_ALLOW_HOSTS", web.host)
    monkeypatch.setenv("WIREROOM_FETCH_AGENT", "Gazette")
    monkeypatch.setenv("WIREROOM_FETCH_CONTACT_URL", "https://gazette.example/bot")
    web.answers["/"] = response("open")
    fetcher = fetcher_from_settings(load_settings(FetchSettings))
    fetched = await fetcher.fetch(web.url(), most_bytes=9, seconds=5)
    await fetcher.aclose()
    assert fetched.body == b"open"
    assert b"user-agent: gazette/" in web.requests[0].lower()
    assert b"(+https://gazette.example/bot)\r\n" in web.requests[0]


async def test_the_number_of_redirects_is_a_setting(web: WebServer) -> None:
    web.answers |= {"/": redirect("/1"), "/1": redirect("/2"), "/2": response("there")}
    for most, statuses in ((2, [302, 302]), (1, None)):
        fetcher = fetcher_from_settings(FetchSettings(fetch_allow_hosts=web.host, fetch_max_redirects=most))
        try:
            fetched = await fetcher.fetch(web.url(), most_bytes=9, seconds=5)
            assert [status for status, _ in fetched.redirects] == statuses
        except Exception as error:
            assert statuses is None and "More than 1 redirects" in str(error)
        finally:
            await fetcher.aclose()


@pytest.mark.parametrize(
    ("name", "value"),
    [("FETCH_AGENT", "two words"), ("FETCH_CONTACT_URL", "x\r\ny: z"), ("FETCH_MAX_REDIRECTS", "-1")],
)
def test_a_bad_value_names_its_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WIREROOM_{name}", value)
    with pytest.raises(ConfigurationError, match=f"WIREROOM_{name}"):
        load_settings(FetchSettings)


def test_allowed_hosts_that_name_no_host_stop_the_service() -> None:
    with pytest.raises(ConfigurationError, match="WIREROOM_FETCH_ALLOW_HOSTS"):
        fetcher_from_settings(FetchSettings(fetch_allow_hosts="http://x/"))
