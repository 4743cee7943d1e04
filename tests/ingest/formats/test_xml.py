from __future__ import annotations

import time

import pytest

from services.ingest.formats.xml import is_xml, parse_xml
from shared.http.problems import Problem

ENTITIES = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
BOMB = b'<!DOCTYPE a [<!ENTITY e0 "ha">' + ENTITIES + b"]><a>&e9;</a>"
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<a/>", True),
        (b" \r\n<a/>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?><a/>", True),
        ("<a/>".encode("utf-16"), True),
        (b'{"title": "<a/>"}', False),
        (b"", False),
    ],
)
def test_xml_is_known_by_its_first_character(body: bytes, expected: bool) -> None:
    assert is_xml(body) == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(BOMB, id="a billion laughs"),
        pytest.param(BOMB.decode().encode("utf-16"), id="a billion laughs in UTF-16"),
        pytest.param(EXTERNAL, id="an external entity"),
        pytest.param(b'<!DOCTYPE a SYSTEM "https://attacker.example/a.dtd"><a/>', id="an external DTD"),
        pytest.param(
            b'<?xml version="1.0" encoding="utf-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>', id="hidden in UTF-7"
        ),
        pytest.param(b'<?xml version="1.0" encoding="IBM037"?><a/>', id="EBCDIC"),
        pytest.param(b"<a>" * 100_000, id="deep"),
        pytest.param(b"<a><b></a>", id="crossed"),
        pytest.param(b"<a", id="cut off"),
        pytest.param(b"<a>\xff</a>", id="not UTF-8"),
        pytest.param(b"<a>&undefined;</a>", id="an entity of nobody"),
        pytest.param(b"<a>\x00</a>", id="NUL"),
    ],
)
def test_what_could_harm_or_cannot_be_read_is_refused_at_once(body: bytes) -> None:
    began = time.perf_counter()
    with pytest.raises(Problem) as caught:
        parse_xml(body)
    assert (caught.value.status, caught.value.slug) == (400, "invalid-xml")
    assert len(caught.value.detail) < 400
    assert time.perf_counter() - began < 1


def test_inclusions_and_instructions_do_nothing() -> None:
    include = (
        b'<a xmlns:xi="http://www.w3.org/2001/XInclude"><?php x?><xi:include href="file:///etc/passwd"/></a>'
    )
    root = parse_xml(include).root
    assert "".join(root.itertext()) == ""
