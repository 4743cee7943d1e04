import pytest

from services.enrich.steps.body_text import body_text
from services.enrich.steps.dom import parse_html

CELL = "A cell that holds a paragraph of running text because a table makes the layout of this page."


def text(html: str) -> str:
    root = parse_html(html)
    assert root is not None
    return body_text(root)


@pytest.mark.parametrize(
    ("html", "paragraphs"),
    [
        ("One<br><br>two<br/>\n<br/>three", ["One", "two", "three"]),
        ("<ul><li>One <b>and</b> a half</li><li>two<ul><li>inner</li></ul></ul>after",
         ["One and a half", "two", "inner", "after"]),
        ("<p>He said:</p><blockquote><p>One.</p><p>Two.</p></blockquote>", ["He said:", "One.", "Two."]),
        ("<table><tr><th>Home<th><th>Away<tr><td>Leeds<td>2-1<td>Hull City</table>after",
         ["Home | Away", "Leeds | 2-1 | Hull City", "after"]),
        (f"<table><tr><td>Menu<td>{CELL}</table>", ["Menu", CELL]),
        ("<table><tr><td><p>One</p><p>two</p></td><td><p>three</p></td></table>", ["One", "two", "three"]),
        ("<dl><dt>Term<dd>what it is</dl>", ["Term", "what it is"]),
        ("<pre>one\ntwo</pre>", ["one", "two"]),
        ("<p>a</p>\x1f|<p>b</p>", ["a", "|", "b"]),
        ("<table><tr><td></td></tr></table>", []),
    ],
    ids=["breaks", "lists", "quote", "scores", "layout", "blocks-in-cells", "definitions", "pre", "marks",
         "empty"],
)  # fmt: skip
def test_paragraphs_are_kept(html: str, paragraphs: list[str]) -> None:
    assert text(html).split("\n\n") == (paragraphs or [""])


def test_of_endless_elements_the_first_hundred_thousand_are_read() -> None:
    assert text("<p>ab" * 150_000).count("ab") == pytest.approx(100_000, abs=5)
