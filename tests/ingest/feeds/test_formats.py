"""Feeds of all formats, well and badly made, read alike."""

# ruff: noqa: E501 # a document reads best in one line

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from html import escape

import pytest

from services.ingest.feeds.formats.model import Feed, FeedEntry, FeedImage, FeedLink, MalformedFeed
from services.ingest.feeds.formats.parse import parse_feed

URL = "https://feeds.example/feed"
NAMESPACES = (
    'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom" '
    'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/"'
)


def rss(items: str, head: str = "") -> str:
    return f'<rss version="2.0" {NAMESPACES}><channel><title>Wire</title>{head}{items}</channel></rss>'


def atom(entries: str, head: str = "", attributes: str = "") -> str:
    return f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}><title>Wire</title>{head}{entries}</feed>'


def read(text: str | bytes, content_type: str | None = None) -> Feed:
    return parse_feed(text.encode() if isinstance(text, str) else text, content_type=content_type, url=URL)


def entry(text: str | bytes) -> FeedEntry:
    (only,) = read(text).entries
    return only


class TestRss:
    def test_an_item_with_everything(self) -> None:
        found = entry(
            rss(
                "<item><title>Ministers &amp;amp; &lt;b&gt;kings&lt;/b&gt; meet</title>"
                "<link>https://news.example/1</link><guid isPermaLink='false'>n-1</guid>"
                "<description>Short &lt;b&gt;text&lt;/b&gt;</description>"
                "<content:encoded><![CDATA[<p>Long <a href='/2'>text</a></p>]]></content:encoded>"
                "<dc:creator>Jane Doe</dc:creator><dc:creator>John Roe</dc:creator>"
                "<category>Politics</category><category>Asia</category>"
                "<pubDate>Mon, 19 Jun 2023 14:00:00 +0200</pubDate><dc:language>en-GB</dc:language>"
                "<media:content url='small.jpg' medium='image' width='100'/>"
                "<media:content url='/big.jpg' medium='image' width='900'>"
                "<media:description>They meet.</media:description><media:credit>AP</media:credit></media:content>"
                "<enclosure url='https://cdn.example/a.mp3' type='audio/mpeg' length='1'/></item>",
                "<link>https://news.example/</link>",
            )
        )
        assert found == FeedEntry(
            guid="n-1",
            link="https://news.example/1",
            title="Ministers & kings meet",
            content='<p>Long <a href="https://news.example/2">text</a></p>',
            summary="Short <b>text</b>",
            authors=("Jane Doe", "John Roe"),
            published_at=datetime(2023, 6, 19, 12, tzinfo=UTC),
            categories=("Politics", "Asia"),
            language="en-GB",
            image=FeedImage(url="https://news.example/big.jpg", caption="They meet.", credit="AP"),
            links=(FeedLink(url="https://cdn.example/a.mp3", rel="enclosure"),),
        )

    @pytest.mark.parametrize(
        ("guid", "link"),
        [
            pytest.param("<guid>https://news.example/1</guid>", "https://news.example/1", id="by default"),
            pytest.param(
                "<guid isPermaLink='TRUE'>https://n.example/1</guid>", "https://n.example/1", id="said"
            ),
            pytest.param("<guid isPermaLink='false'>https://n.example/1</guid>", None, id="denied"),
            pytest.param("<guid>tag:n.example,2023:1</guid>", None, id="no URL"),
        ],
    )
    def test_a_guid_is_the_link_when_it_is_a_permalink(self, guid: str, link: str | None) -> None:
        assert entry(rss(f"<item><title>x</title>{guid}</item>")).link == link

    @pytest.mark.parametrize(
        "document",
        [
            pytest.param("<rss version='0.91'><channel><item><title>x</title><link>/1</link></item></channel></rss>", id="0.91"),
            pytest.param("<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel/><item rdf:about='/1'><title>x</title></item></rdf:RDF>", id="1.0"),
            pytest.param("<RDF:rdf><channel/><item><title>x</title><link>/1</link></item></RDF:rdf>", id="prefix undeclared"),
            pytest.param("<rss><channel><item><dc:title>x</dc:title><link>/1</link></item>", id="not closed"),
            pytest.param("<rss xmlns='urn:x'><channel><item><title>x</title><link>/1</link></item></channel></rss>", id="unknown namespace"),
            pytest.param("  junk <?xml version='1.0'?><rss><channel><item><title>x</title><link>/1</link></item></channel></rss>", id="junk before"),
            pytest.param("<!DOCTYPE rss PUBLIC '-//Netscape//DTD RSS 0.91//EN' 'http://my.netscape.com/x.dtd'><rss><channel><item><title>x</title><link>/1</link></item></channel></rss>", id="doctype"),
        ],
    )  # fmt: skip
    def test_old_and_broken_rss_is_read(self, document: str) -> None:
        found = entry(document)
        assert (found.title, found.link) == ("x", "https://feeds.example/1")

    def test_html_entities_and_lone_ampersands_are_mended_outside_of_cdata(self) -> None:
        found = entry(
            rss("<item><title>Caf&eacute; AT&T &nosuch;</title><link>https://n.example/?a=1&b=2</link>"
                "<guid><![CDATA[a&b&amp;c]]></guid></item>")
        )  # fmt: skip
        assert found.title == "Café AT&T &nosuch;"
        assert found.link == "https://n.example/?a=1&b=2"
        assert found.guid == "a&b&amp;c"

    @pytest.mark.parametrize("used", ["", " %HTMLlat1;"])
    def test_the_entity_files_that_rss_091_names_are_not_loaded_and_do_not_matter(self, used: str) -> None:
        declared = (
            '<!ENTITY % HTMLlat1 PUBLIC "-//W3C//ENTITIES Latin 1 for XHTML//EN" "http://127.0.0.1:1/lat1">'
        )
        document = f"<!DOCTYPE rss [{declared}{used}]>" + rss("<item><title>Caf&eacute;</title></item>")
        assert entry(document).title == "Café"

    def test_a_gzip_file_is_read_as_what_it_holds(self) -> None:
        packed = gzip.compress(rss("<item><title>Zip</title></item>").encode())
        assert entry(packed).title == "Zip"

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            pytest.param(gzip.compress(bytes(50_000_000)), "unpacked", id="bomb"),
            pytest.param(b"\x1f\x8b\x08" + b"?" * 100, "gzip", id="broken"),
        ],
    )
    def test_a_gzip_file_that_is_too_large_or_broken_is_refused(self, body: bytes, reason: str) -> None:
        with pytest.raises(MalformedFeed, match=reason):
            read(body)

    @pytest.mark.parametrize(
        ("label", "codec", "title"),
        [
            ("x-sjis", "cp932", "日本語の見出し"),
            ("Windows-31J", "cp932", "日本語の見出し"),
            ("x-euc-jp", "euc-jp", "日本語の見出し"),
            ("x-gbk", "gbk", "中文标题"),
            ("cp-1251", "cp1251", "Новости"),
            ("win-1251", "cp1251", "Новости"),
        ],
    )
    def test_encodings_by_the_names_of_browsers_are_known(self, label: str, codec: str, title: str) -> None:
        document = f'<?xml version="1.0" encoding="{label}"?>' + rss(f"<item><title>{title}</title></item>")
        assert entry(document.encode(codec)).title == title

    def test_xhtml_with_a_prefix_is_html_all_the_same(self) -> None:
        found = entry(
            atom(
                '<entry><title type="xhtml"><h:div>A <h:b>b</h:b> &lt;i&gt; <svg xmlns="http://www.w3.org/2000/svg">'
                '<circle/></svg></h:div></title><content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">'
                "<h:p>One</h:p><h:script>x()</h:script><h:p>Two</h:p> end</div></content></entry>",
                attributes='xmlns:h="http://www.w3.org/1999/xhtml"',
            )
        )
        assert found.title == "A b <i>"
        assert found.content == "<div><p>One</p><p>Two</p> end</div>"

    @pytest.mark.parametrize(
        "markup",
        [
            'safe<applet code="foo.class"></applet> <b>description</b>',
            'safe<frameset rows="*"><frame src="https://n.example/"></frameset> description',
            'safe<iframe src="https://n.example/"> description</iframe>',
            'safe<object classid="clsid:1"><param name="a"> description',
            'safe<meta http-equiv="Refresh" content="0; URL=https://n.example/"> description',
            "safe<body onload!#$%&()*~+-_.,:;?@[/|\\]^`=x> <p/onclick=x>description",
            "safe<script>x()</script> description",
        ],
    )
    def test_titles_lose_the_tags_that_do_something_too(self, markup: str) -> None:
        assert (
            entry(atom(f'<entry><title type="html">{escape(markup)}</title></entry>')).title
            == "safe description"
        )

    @pytest.mark.parametrize(
        "date",
        [
            "<date>2004-01-01</date>",
            '<publicationDate xmlns="http://prismstandard.org/namespaces/basic/2.1/">2004-01-01</publicationDate>',
        ],
    )
    def test_rarer_names_of_a_date_are_known(self, date: str) -> None:
        assert entry(rss(f"<item><title>x</title>{date}</item>")).published_at == datetime(
            2004, 1, 1, tzinfo=UTC
        )

    def test_a_guid_that_says_it_is_a_link_may_be_a_path(self) -> None:
        document = rss(
            '<item><guid isPermaLink="true">/2004/1</guid></item>', "<link>https://n.example/</link>"
        )
        assert entry(document).link == "https://n.example/2004/1"

    def test_a_relation_by_its_address_is_the_one_by_its_name(self) -> None:
        link = '<link rel="http://www.iana.org/assignments/relation/alternate" href="https://n.example/1"/>'
        assert entry(atom(f"<entry>{link}</entry>")).link == "https://n.example/1"

    def test_plain_entities_of_a_doctype_are_known(self) -> None:
        document = "<!DOCTYPE rss [<!ENTITY oe '&#246;'> <!ENTITY firm \"Wire\">]>" + rss(
            "<item><title>K&oe;ln &firm;</title></item>"
        )
        assert entry(document).title == "Köln Wire"

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            pytest.param("<ttl>90</ttl>", 5400, id="ttl"),
            pytest.param("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", 21600, id="sy"),
            pytest.param("<ttl>often</ttl>", None, id="nonsense"),
            pytest.param("<ttl>99999999999999999999</ttl>", None, id="huge"),
        ],
    )  # fmt: skip
    def test_how_often_the_publisher_wants_to_be_polled(self, text: str, seconds: int | None) -> None:
        assert read(rss("", text)).interval_s == seconds

    def test_hubs_and_self_are_found(self) -> None:
        found = read(
            rss("", "<atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='/own'/>")
        )
        assert (found.hubs, found.self_url) == (("https://hub.example/",), "https://feeds.example/own")

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            pytest.param("jane@n.example (Jane Doe)", "Jane Doe", id="rss"),
            pytest.param("Jane Doe &lt;jane@n.example&gt;", "Jane Doe", id="mail"),
            pytest.param("Jane Doe", "Jane Doe", id="name"),
            pytest.param("jane@n.example", "jane@n.example", id="address"),
        ],
    )
    def test_authors_are_names(self, text: str, name: str) -> None:
        assert entry(rss(f"<item><author>{text}</author></item>")).authors == (name,)


class TestAtom:
    def test_an_entry_with_everything(self) -> None:
        found = entry(
            atom(
                "<entry><id>tag:n.example,2023:1</id><title type='html'>A &lt;i&gt;b&lt;/i&gt; &amp;amp; c</title>"
                "<link rel='self' href='/self'/><link rel='alternate' type='application/pdf' href='/1.pdf'/>"
                "<link href='/1'/><link rel='related' href='https://o.example/' title='Other'/>"
                "<published>2023-06-19T14:00:00Z</published><updated>2023-06-20T14:00:00.5+02:00</updated>"
                "<author><name>Jane Doe</name><email>j@n.example</email></author>"
                "<category term='politics' label='Politics'/>"
                "<summary>1 &lt; 2</summary>"
                "<content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>All <b>of</b> it</p></div></content>"
                "</entry>"
            )
        )
        assert found == FeedEntry(
            guid="tag:n.example,2023:1",
            link="https://feeds.example/1",
            title="A b & c",
            content="<div><p>All <b>of</b> it</p></div>",
            summary="<p>1 &lt; 2</p>",
            authors=("Jane Doe",),
            published_at=datetime(2023, 6, 19, 14, tzinfo=UTC),
            updated_at=datetime(2023, 6, 20, 12, 0, 0, 500_000, tzinfo=UTC),
            categories=("Politics",),
            links=(FeedLink(url="https://o.example/", rel="related", title="Other"),),
        )

    def test_the_feeds_authors_are_those_of_entries_without_any(self) -> None:
        found = read(atom("<entry><title>x</title></entry>", "<author><name>The Desk</name></author>"))
        assert found.entries[0].authors == ("The Desk",)

    def test_text_is_text_and_html_is_html(self) -> None:
        found = entry(atom("<entry><title type='text'>The &lt;blink&gt; tag</title></entry>"))
        assert found.title == "The <blink> tag"
        assert (
            entry(atom("<entry><title type='html'>The &lt;b&gt;b&lt;/b&gt; tag</title></entry>")).title
            == "The b tag"
        )

    def test_xml_base_nests(self) -> None:
        found = entry(
            atom("<entry xml:base='a/'><link href='1'/><content type='html' xml:base='b/'>"
                 "&lt;a href='2'>x&lt;/a></content></entry>", attributes="xml:base='https://n.example/root/'")
        )  # fmt: skip
        assert found.link == "https://n.example/root/a/1"
        assert found.content == '<a href="https://n.example/root/a/b/2">x</a>'

    def test_a_single_entry_document_is_a_feed_of_one(self) -> None:
        found = read("<entry xmlns='http://www.w3.org/2005/Atom'><title>x</title></entry>")
        assert (found.format, found.entries[0].title) == ("atom", "x")


class TestJsonFeed:
    def test_an_item_with_everything(self) -> None:
        item = {
            "id": 7,
            "url": "/1",
            "title": "A <b> & c",
            "content_html": "<p onclick='x()'>All <script>x()</script>of it</p>",
            "summary": "Short",
            "image": "/i.jpg",
            "date_published": "2023-06-19T14:00:00Z",
            "date_modified": "2023-06-19T15:00:00Z",
            "authors": [{"name": "Jane Doe"}, {"url": "x"}],
            "tags": ["Politics", 3],
        }
        hubs = [
            {"type": "WebSub", "url": "https://hub.example/"},
            {"type": "rssCloud", "url": "https://x.example/"},
        ]
        document = {"version": "https://jsonfeed.org/version/1.1", "title": "Wire", "language": "en",
                    "items": [item, "none"], "hubs": hubs, "feed_url": "/own"}  # fmt: skip
        found = read(json.dumps(document))
        assert (found.format, found.title, found.hubs) == ("json", "Wire", ("https://hub.example/",))
        assert found.skipped == {"no-object": 1}
        assert found.entries == (
            FeedEntry(
                guid="7",
                link="https://feeds.example/1",
                title="A <b> & c",
                content="<p>All of it</p>",
                summary="<p>Short</p>",
                authors=("Jane Doe",),
                published_at=datetime(2023, 6, 19, 14, tzinfo=UTC),
                updated_at=datetime(2023, 6, 19, 15, tzinfo=UTC),
                categories=("Politics",),
                language="en",
                image=FeedImage(url="https://feeds.example/i.jpg"),
            ),
        )

    def test_fields_of_the_wrong_type_are_passed_over(self) -> None:
        names = (
            "url",
            "title",
            "content_html",
            "content_text",
            "summary",
            "image",
            "authors",
            "tags",
            "attachments",
        )
        for value in (None, 1, True, [], {}, [[]], ["x", {}]):
            item = {"id": "1", "content_text": "x"} | dict.fromkeys(names, value)
            (found,) = read(json.dumps({"items": [item]})).entries
            assert found.guid == "1" and found.link is None


class TestSitemaps:
    NEWS = (
        '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
        'xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">'
        "<url><loc>https://n.example/1</loc><lastmod>2023-06-20</lastmod><news:news><news:publication>"
        "<news:name>The Wire</news:name><news:language>en</news:language></news:publication>"
        "<news:publication_date>2023-06-19T14:00+02:00</news:publication_date><news:title>They meet</news:title>"
        "<news:keywords>politics, asia</news:keywords></news:news>"
        "<image:image><image:loc>https://n.example/i.jpg</image:loc></image:image></url></urlset>"
    )

    def test_a_news_sitemap(self) -> None:
        assert entry(self.NEWS) == FeedEntry(
            link="https://n.example/1",
            title="They meet",
            published_at=datetime(2023, 6, 19, 12, tzinfo=UTC),
            updated_at=datetime(2023, 6, 20, tzinfo=UTC),
            categories=("politics", "asia"),
            language="en",
            source="The Wire",
            image=FeedImage(url="https://n.example/i.jpg"),
        )

    def test_a_sitemap_of_too_many_pages_keeps_the_newest(self) -> None:
        urls = "".join(
            f"<url><loc>https://n.example/{n}</loc><lastmod>20{n % 50:02}-01-01</lastmod></url>"
            for n in range(3000)
        )
        found = read(f"<urlset>{urls}</urlset>")
        assert (len(found.entries), found.skipped) == (2000, {"too-many": 1000})
        assert min(each.updated_at.year for each in found.entries if each.updated_at) > 2015

    def test_an_index_names_its_members_newest_first(self) -> None:
        members = "".join(
            f"<sitemap><loc>/{n}.xml</loc><lastmod>2023-01-0{n}</lastmod></sitemap>" for n in (1, 3, 2)
        )
        found = read(f"<sitemapindex>{members}</sitemapindex>")
        assert [url[-5:] for url in found.sitemaps] == ["3.xml", "2.xml", "1.xml"]


class TestMarkup:
    @pytest.mark.parametrize(
        ("html", "clean"),
        [
            pytest.param("<a href='javascript:alert(1)'>x</a>", "<a>x</a>", id="javascript link"),
            pytest.param("<a href=' JaVa\tScRiPt:alert(1)'>x</a>", "<a>x</a>", id="disguised"),
            pytest.param("<a href='data:text/html,x'>x</a>", "<a>x</a>", id="data link"),
            pytest.param(
                "<img src=x onerror=alert(1)>t", '<img src="https://feeds.example/x">t', id="handler"
            ),
            pytest.param("<script>x</script><style>y</style>t", "t", id="script"),
            pytest.param("<p>It&#146;s</p>", "<p>It’s</p>", id="windows-1252 as numbers"),
        ],
    )
    def test_nothing_that_runs_is_kept(self, html: str, clean: str) -> None:
        assert entry(rss(f"<item><description><![CDATA[{html}]]></description></item>")).content is None
        assert entry(rss(f"<item><description><![CDATA[{html}]]></description></item>")).summary == clean

    @pytest.mark.parametrize(
        "link", ["javascript:alert(1)", "mailto:a@b.example", "ftp://n.example/", "http://", "http://a b"]
    )
    def test_links_that_are_not_of_the_web_are_dropped(self, link: str) -> None:
        found = entry(rss(f"<item><title>x</title><link>{link}</link></item>")).link
        assert found is None or found.startswith("http")
        assert not link.startswith(("javascript", "mailto", "ftp")) or found is None

    def test_nesting_without_end_becomes_plain_text(self) -> None:
        found = entry(rss(f"<item><description><![CDATA[{'<div>' * 5000}deep]]></description></item>"))
        assert found.summary == "deep"


class TestEncodings:
    TEXT = "Köln – “Łódź”"

    def document(self, declared: str = "") -> str:
        declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
        return declaration + rss(f"<item><title>{self.TEXT}</title></item>")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
    def test_unicode_with_and_without_a_mark_or_declaration(self, encoding: str) -> None:
        assert entry(self.document().encode(encoding)).title == self.TEXT

    @pytest.mark.parametrize(
        ("declared", "content_type", "actual"),
        [
            pytest.param("windows-1250", None, "cp1250", id="declared"),
            pytest.param("utf-8", "text/xml; charset=windows-1250", "cp1250", id="header over declaration"),
            pytest.param("utf-16", None, "utf-8", id="says utf-16, is utf-8"),
            pytest.param("iso-8859-1", None, "utf-8", id="says Latin-1, is utf-8"),
            pytest.param("no-such", "text/xml; charset=nonsense", "utf-8", id="unknown names"),
            pytest.param("idna", None, "utf-8", id="no character set"),
        ],
    )
    def test_declarations_right_and_wrong(self, declared: str, content_type: str | None, actual: str) -> None:
        body = self.document(declared).encode(actual)
        assert read(body, content_type).entries[0].title == self.TEXT

    def test_windows_1252_in_the_clothes_of_utf_8(self) -> None:
        body = b"<?xml version='1.0' encoding='utf-8'?>" + rss("<item><title>X</title></item>").encode()
        body = body.replace(b"X", "Köln ".encode() + b"\x93quoted\x94 \x96 caf\xe9")
        assert entry(body).title == "Köln “quoted” – café"


class TestHostile:
    @pytest.mark.parametrize(
        ("document", "why"),
        [
            pytest.param("<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><rss>&b;</rss>", "entities", id="bomb"),
            pytest.param("<!DOCTYPE r [" + "<!--" * 100_000, "DOCTYPE", id="endless doctype"),
            pytest.param("<rss>" + "<channel>" * 100_000, "deep", id="depth"),
            pytest.param("<rss " + " ".join(f"a{n}='x'" for n in range(50_000)) + "></rss>", "attributes", id="attributes"),
            pytest.param('{"items":' + "[" * 100_000, "JSON", id="deep JSON"),
            pytest.param("<html><p>x</p></html>", "HTML", id="page"),
            pytest.param("", "empty", id="nothing"),
            pytest.param("\0" * 1000, "no feed", id="zeros"),
            pytest.param("not a feed", "no feed", id="text"),
        ],
    )  # fmt: skip
    def test_attacks_and_other_documents_are_refused_with_a_reason(self, document: str, why: str) -> None:
        with pytest.raises(MalformedFeed, match=why):
            read(document)

    @pytest.mark.parametrize(
        "entity", ["a SYSTEM 'file:///etc/passwd'", "% a PUBLIC 'x' 'http://127.0.0.1/x'", "% a 'x'"]
    )
    def test_entities_of_files_and_parameters_are_nothing(self, entity: str) -> None:
        found = entry(
            f"<!DOCTYPE r [<!ENTITY {entity}> %a; ]>" + rss("<item><title>x &a; &eacute;</title></item>")
        )
        assert found.title == "x &a; é"

    def test_a_page_is_no_feed_and_names_those_it_has(self) -> None:
        page = "<!DOCTYPE html><html><head><link rel=alternate type='application/rss+xml' href='/rss?a&amp;b'><p>"
        with pytest.raises(MalformedFeed, match=r"names as its feeds: https://feeds.example/rss\?a&b$"):
            read(page)

    def test_a_title_of_megabytes_is_cut(self) -> None:
        found = entry(rss(f"<item><title>{'x' * 5_000_000}</title></item>"))
        assert found.title is not None and len(found.title) <= 5_000

    @pytest.mark.parametrize("cut", range(1, 1200, 7))
    def test_a_feed_that_was_cut_off_gives_what_came_or_a_reason(self, cut: int) -> None:
        body = rss(
            "".join(f"<item><title>Nummer {n}: é</title><link>/{n}</link></item>" for n in range(20))
        ).encode()
        try:
            read(body[:cut])
        except MalformedFeed as error:
            assert str(error)
