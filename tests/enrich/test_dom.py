import time
from datetime import UTC, datetime

import pytest
from lxml import etree

from services.enrich.steps.dom import MAX_ATTRIBUTES, parse_html
from services.enrich.steps.page import read_page


def attributes(count: int, value: str = '"b"') -> str:
    return " ".join(f"a{i}={value}" for i in range(count))


MANY = attributes(120_000)
ANGLES = attributes(120_000, '">"')
TAGS = attributes(120_000, "'<b c=>'")
TAIL = "<p class=kept>The end.</p>"


@pytest.mark.parametrize(
    "html",
    [
        f"<p {MANY}>One</p>{TAIL}",
        f"<html {MANY}><body {MANY[:500_000]}>{TAIL}",
        f"<p>One</p {MANY}>{TAIL}",
        "<p " + "/".join(f"a{i}" for i in range(200_000)) + f">{TAIL}",
        f"<p {ANGLES}>One</p>{TAIL}",
        f"<p {TAGS}>One</p>{TAIL}",
        f'<!-- <a b=" --><p {ANGLES}>One</p>{TAIL}',
        f'<script>"<a b="</script><p {MANY}>One</p>{TAIL}',
        f"<p>One</p><p {MANY}",
        f'<p>One</p><p {MANY} z="',
        f"<p>One</p><p {MANY} z='>",
        (f"<p {attributes(MAX_ATTRIBUTES + 1)}>One</p>" * 1_000) + TAIL,
        f"<p {MANY}>One</p>{TAIL}" + "<" * 500_000,
    ],
    ids=[
        "distinct",
        "html-and-body",
        "end-tag",
        "slashes",
        "angle-in-quotes",
        "tags-in-quotes",
        "quote-opened-in-a-comment",
        "quote-opened-in-a-script",
        "unclosed-tag",
        "unclosed-quote",
        "unclosed-single-quote",
        "many-tags",
        "angles-after-it",
    ],
)
def test_a_tag_of_very_many_attributes_is_read_in_linear_time(html: str) -> None:
    started = time.process_time()
    root = parse_html(html)
    assert time.process_time() - started < 1.0
    assert root is not None
    assert max(len(element.attrib) for element in root.iter()) <= MAX_ATTRIBUTES
    assert TAIL not in html or root.find(".//p[@class='kept']").text == "The end."


def test_only_the_overloaded_tag_loses_its_attributes_and_the_page_stays_the_same() -> None:
    page = (
        '<!DOCTYPE html><html lang="en"><head><title>A &amp; B</title><meta name="a" content="&lt;&quot;">'
        '<script type="application/ld+json">{"a": "1 < 2 && <b>"}</script></head>'
        "<body><p%s>One<br>two &lt;b&gt;</p>"
        "<!-- no --><ul><li>x<li>y</ul><textarea><p></textarea><img src='x'></body></html>"
    )
    assert etree.tostring(parse_html(page % f" {MANY}")) == etree.tostring(parse_html(page % ""))


def test_attributes_within_the_limit_are_kept_on_long_pages() -> None:
    root = parse_html(f"<p {attributes(MAX_ATTRIBUTES)}>{'x' * 20_000}</p><img src='data:,{'A' * 100_000}'>")
    assert root is not None
    assert len(root.find(".//p").attrib) == MAX_ATTRIBUTES
    assert len(root.find(".//img").get("src")) == 100_006


LONG = 1_000_000


@pytest.mark.parametrize(
    "html",
    [
        f"<p {MANY}>One</p>",
        # Control characters that trafilatura would drop from a string, and so make a tag of it.
        f"<\x01p {MANY}>One</p>",
        f'< !DOCTYPE <script "/><p {MANY}>One',
        f"<p {attributes(MAX_ATTRIBUTES)}>x" * 600,
        "<p>" * (LONG // 3),
        "<!--" + "x" * LONG,
        "<!-- x -->" * (LONG // 10),
        "<![CDATA[" * (LONG // 9),
        "<?x y?>" * (LONG // 7),
        "&amp;&lt;" * (LONG // 9),
        "</p>" * (LONG // 4),
        "<p>Ab" * (LONG // 5),
        "x<br>" * (LONG // 5),
        "<ul>" + "<li>x" * (LONG // 5),
        "<table><tr>" + "<td>1" * (LONG // 5),
        "<html><head></head><body>" + f"<a href=x>{'Words, of (the) news. ' * 9}</a>" * 9_900,
        "<html><head></head><body><p>" + "On 5/6/2021 and 2022-01-05. " * (LONG // 28),
    ],
    ids=[
        "attributes", "control-characters", "doctype", "many-tags", "paragraphs", "comment", "comments",
        "cdata", "instructions", "entities", "end-tags", "tiny-paragraphs", "breaks", "items", "cells",
        "heavy-text", "dates",
    ],
)  # fmt: skip
def test_a_page_of_any_shape_is_read_in_bounded_time(html: str) -> None:
    started = time.process_time()
    read_page(html, "https://fjord.example/", datetime(2024, 3, 5, tzinfo=UTC))
    assert time.process_time() - started < 1.5
