from __future__ import annotations

import time
from email.message import EmailMessage
from typing import Any

import pytest

from services.cli.imports.entries import MAX_ENTRY_BYTES
from tests.cli.imports.archives import found_in, reasons

FROM_LINE = b"From news@harbour.example Mon May  6 07:08:09 2024\n"


def message(**options: Any) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = options.get("sender", '"Harbour Post" <news@harbour.example>')
    mail["Subject"] = options.get("subject", "Größe: pier approved – today")
    mail["Date"] = "Mon, 06 May 2024 09:08:09 +0200"
    mail["Message-ID"] = "<42@harbour.example>"
    mail["List-Id"] = "<daily.harbour.example>"
    mail.set_content(options.get("text", "The plain text.\n"), charset=options.get("charset", "utf-8"))
    return mail


def test_a_newsletter_becomes_an_article() -> None:
    mail = message()
    mail.add_alternative(
        "<p>The <b>Größe</b> of it</p>", subtype="html", charset="iso-8859-1", cte="quoted-printable"
    )
    mail.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="a.pdf")
    (article,), skipped, _ = found_in(bytes(mail), "eml")
    assert article["html"].strip() == "<p>The <b>Größe</b> of it</p>" and "body" not in article
    assert article["title"] == "Größe: pier approved – today"
    assert (article["source"], article["authors"]) == ("Harbour Post", ["Harbour Post"])
    assert article["id"] == "42@harbour.example"
    assert article["published_at"] == "2024-05-06T07:08:09+00:00"
    assert article["extra"]["mail"] == {"from": "news@harbour.example", "list_id": "<daily.harbour.example>"}
    assert skipped == []


def test_a_message_of_plain_text_gives_its_text() -> None:
    (article,), _, _ = found_in(bytes(message(text="Größe\n", charset="iso-8859-15")), "eml", source="A")
    assert article["body"].strip() == "Größe" and article["source"] == "A"


def test_a_sender_without_a_name_is_known_by_the_domain() -> None:
    (article,), _, _ = found_in(bytes(message(sender="news@harbour.example")), "eml")
    assert article["source"] == "harbour.example" and "authors" not in article


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        (b"=?utf-8?B?UG9ydCDwn5qi?= =?iso-8859-1?Q?_Gr=F6=DFe?=", "Port 🚢 Größe"),
        ("Größe".encode("cp1252"), "Größe"),
        ("Größe".encode(), "Größe"),
        (b"=?nonsense?B?eA==?=", "=?nonsense?B?eA==?="),
        (b"=?utf-8?B?!!!?=", None),
        (b"a\n folded\n\tone", "a folded one"),
        (b"=?a?q?" * 600, None),
    ],
    ids=["words", "bare cp1252", "bare UTF-8", "no encoding", "no base64", "folded", "never closed"],
)
def test_subjects_of_any_quality_are_read(subject: bytes, title: str | None) -> None:
    started = time.monotonic()
    (article,), _, _ = found_in(b"Subject: " + subject + b"\nFrom: a@b.example\n\ntext\n", "eml")
    assert title is None or article["title"] == title
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_an_mbox_is_split_at_its_from_lines_and_nowhere_else(end: bytes) -> None:
    body = b"Hello,\n\nFrom here on it rains.\n\n"
    body += b"From me to you Mon May  6 07:08:09 2024\nno header: follows not\n\n"
    quoted = body + b">From the quoted line\n>>From a twice quoted one\n"
    first = b"From: A <a@a.example>\nSubject: one\nMessage-ID: <1@a>\n\n" + quoted
    nested = b"From: B <b@b.example>\nSubject: two\n\nSee below\n\n" + b"> " + FROM_LINE + b"> From: x\n"
    mbox = (FROM_LINE + first + b"\n" + FROM_LINE + nested + b"\n").replace(b"\n", end)
    articles, skipped, _ = found_in(mbox, None)
    assert [article["title"] for article in articles] == ["one", "two"] and skipped == []
    assert "From here on it rains." in articles[0]["body"]
    assert "\nFrom the quoted line" in articles[0]["body"].replace("\r\n", "\n")
    assert "\n>From a twice quoted one" in articles[0]["body"].replace("\r\n", "\n")


def test_a_message_without_text_is_skipped() -> None:
    mail = EmailMessage()
    mail["From"] = "a@b.example"
    mail.add_attachment(b"\0\1", maintype="image", subtype="png", filename="a.png")
    _, skipped, _ = found_in(FROM_LINE + bytes(mail), "mbox")
    assert reasons(skipped) == ["no text"]


def test_a_message_too_large_costs_no_neighbour() -> None:
    small = FROM_LINE + b"Subject: s\n\ntext\n\n"
    large = FROM_LINE + b"Subject: l\n\n" + b"x" * (MAX_ENTRY_BYTES + 1) + b"\n\n"
    articles, skipped, _ = found_in(small + large + small, "mbox")
    assert [article["title"] for article in articles] == ["s", "s"] and reasons(skipped) == ["too large"]


def _nested(depth: int) -> bytes:
    head = b"Subject: s\n"
    for number in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (number, number)
    return head + b"Content-Type: text/plain\n\ntext\n"


HOSTILE = {
    "nested multiparts": _nested(3_000),
    "forwarded in forwarded": b"Content-Type: message/rfc822\n\n" * 3_000 + b"text",
    "a million parts": b'Content-Type: multipart/mixed; boundary="x"\n\n' + b"--x\n\na\n" * 300_000,
    "a million headers": b"".join(b"X-%d: y\n" % number for number in range(200_000)) + b"\ntext",
    "a header of 10 MB": b"Subject: " + b"x" * (10 << 20) + b"\n\ntext",
    "an address of commas": b"From: " + b"<a@b>,(" * 99_999 + b"\n\ntext",
    "no encoding": b"Content-Type: text/plain; charset=nonsense\n\n\xff\xfetext",
    "base64 that is none": b"Content-Transfer-Encoding: base64\nContent-Type: text/html\n\n!!!\xff!!!",
    "uuencoded that is none": b"Content-Transfer-Encoding: x-uuencode\n\nbegin\n!!!",
    "nothing but noise": bytes(range(256)) * 100,
    "a date of no calendar": b"Date: 99 Foo 99999 99:99:99 +9999\nSubject: s\n\ntext",
    "RFC 2231 parameters": b"Content-Type: text/plain" + b"; a*1*=''x" * 5_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_message_made_to_hurt_costs_no_neighbour_and_little_time(case: str) -> None:
    small = FROM_LINE + b"Subject: neighbour\n\ntext\n\n"
    started = time.monotonic()
    articles, _, _ = found_in(small + FROM_LINE + HOSTILE[case] + b"\n\n" + small, "mbox")
    titles = [article.get("title") for article in articles]
    assert titles[0] == titles[-1] == "neighbour"
    assert time.monotonic() - started < 10
