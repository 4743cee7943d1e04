from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.ingest.formats.newsml import split_message
from services.ingest.formats.reading import parse_document, read_article
from services.ingest.schema import ReadArticle
from shared.http.problems import Problem

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
DATA = Path(__file__).parents[2] / "data" / "newsml"
ITEM = (DATA / "news_item.xml").read_bytes()
MESSAGE = (DATA / "nitf_item.xml").read_bytes()
NAMESPACE = b'xmlns="http://iptc.org/std/nar/2006-10-01/"'


def read(body: bytes) -> ReadArticle:
    return read_article(parse_document(body), NOW)


def message(*items: bytes) -> bytes:
    return b"<newsMessage %s><header/><itemSet>%s</itemSet></newsMessage>" % (NAMESPACE, b"".join(items))


def item(inner: bytes = b"", guid: bytes = b"urn:x:1") -> bytes:
    return b'<newsItem %s guid="%s">%s</newsItem>' % (NAMESPACE, guid, inner)


def test_a_news_item_becomes_an_article_of_ours() -> None:
    given = read(ITEM)
    found = given.article
    assert (given.revision, given.status, given.format) == (3, "usable", "NewsML-G2")
    assert found.uri == "urn:newsml:straits-wire.example:20261125:sea-code"
    assert (found.title, found.source, found.language) == ("Ministers finish sea code", "Straits Wire", "en")
    assert found.authors == ("Lim Kah Wai",)
    assert found.published_at == datetime(2026, 11, 25, tzinfo=UTC)
    assert found.updated_at == datetime(2026, 11, 25, 1, 15, tzinfo=UTC)
    assert found.html and "<p>Corazon Villareal-Sy said in Manila" in found.html
    assert "finished &amp; agreed" in found.html and "xmlns" not in found.html
    assert [(one.label, one.canonical, one.origin) for one in found.entities] == [
        ("PERSON", "Corazon Villareal-Sy", "publisher"),
        ("ORG", "Asean", "publisher"),
        ("GPE", "Philippines", "publisher"),
    ]
    assert [topic.code for topic in found.topics] == ["11000000"]
    assert found.keywords == ("politics", "sea code")
    assert found.extra["usageTerms"] == "Not for use in print before noon"
    assert found.extra["edNote"] == "Updates with quotes"


def test_nitf_in_a_message_with_one_item_is_read_in_its_own_encoding() -> None:
    found = read(MESSAGE).article
    assert found.title == "Le ferry est arrivé à Manille"
    assert found.html == (
        "<html><body><p>Le ferry est arrivé mercredi.</p><p>Personne n'a été blessé.</p></body></html>"
    )
    assert (found.source, found.language) == ("Straits Wire", "fr")


@pytest.mark.parametrize(
    "named", [b'qcode="stat:canceled"', b'uri="http://cv.iptc.org/newscodes/pubstatusg2/canceled"']
)
def test_a_canceled_item_is_a_takedown(named: bytes) -> None:
    assert read(item(b"<itemMeta><pubStatus %s/></itemMeta>" % named)).status == "canceled"


def test_a_picture_is_its_caption_and_its_rendition() -> None:
    found = read(
        item(
            b'<itemMeta><itemClass qcode="ninat:picture"/></itemMeta><contentMeta><headline>H</headline>'
            b'<description role="drol:caption">Ministers in Manila.</description></contentMeta><contentSet>'
            b'<remoteContent href="https://i.example/w.jpg" width="800" height="x" rendition="rnd:web"/>'
            b'<remoteContent href="urn:hidden" width="900"/></contentSet>'
        )
    ).article
    assert found.body == "Ministers in Manila."
    assert found.image and (found.image.url, found.image.width) == ("https://i.example/w.jpg", 800)


def test_plain_text_and_prefixed_markup_are_read() -> None:
    plain = item(b'<contentSet><inlineData contenttype="text/plain">A.\n\nB.</inlineData></contentSet>')
    assert read(plain).article.body == "A.\n\nB."
    markup = item(
        b'<contentSet><inlineXML><x:html xmlns:x="http://www.w3.org/1999/xhtml"><x:body>'
        b"<x:p>1:2<x:br/>x:y &lt;x:p&gt;</x:p></x:body></x:html></inlineXML></contentSet>"
    )
    assert read(markup).article.html == "<html><body><p>1:2<br>x:y &lt;x:p&gt;</p></body></html>"


@pytest.mark.parametrize(
    ("body", "pointer", "advice"),
    [
        pytest.param(message(item(), item()), "/newsMessage/itemSet", "/v1/articles/batch", id="two items"),
        pytest.param(message(b"<packageItem/>"), "/packageItem", "newsItems", id="a package"),
        pytest.param(message(), "/newsMessage", "newsMessage", id="an empty message"),
        pytest.param(b"<planningItem/>", "/planningItem", "no article", id="planning"),
        pytest.param(b"<rss version='2.0'/>", "/rss", "POST /v1/feeds", id="a feed"),
        pytest.param(b"<html><p>x</p></html>", "/html", "NewsML-G2", id="a page"),
        pytest.param(b"<newsItem/>", "/newsItem/@guid", "guid", id="no guid"),
        pytest.param(item(guid=b"x" * 600), "/newsItem/@guid", "512", id="endless guid"),
        pytest.param(
            item(b'<itemMeta><pubStatus qcode="stat:gone"/></itemMeta>'),
            "/newsItem/itemMeta/pubStatus",
            "usable",
            id="status",
        ),
    ],
)
def test_what_is_no_article_is_refused_with_advice(body: bytes, pointer: str, advice: str) -> None:
    with pytest.raises(Problem) as caught:
        read(body)
    assert caught.value.status == 422
    assert [error.pointer for error in caught.value.errors] == [pointer]
    assert advice in caught.value.detail


def test_a_message_is_split_into_items_that_stand_alone() -> None:
    first, second = split_message(message(item(guid=b"urn:x:1"), ITEM[ITEM.index(b"<newsItem") :]))
    assert read(first).article.uri == "urn:x:1"
    assert read(second).article == read(ITEM).article
    assert split_message(ITEM) == [ITEM]
    assert split_message(b"<cut") == [b"<cut"]
