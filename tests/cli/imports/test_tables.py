from __future__ import annotations

import pytest

from services.cli.imports.entries import MAX_ENTRY_BYTES, Unusable
from services.cli.imports.mapping import FieldMap
from tests.cli.imports.archives import found_in, reasons

CSV = (
    "Title,Published At,Body,Authors,Link,revision\r\n"
    '"Pier, approved",2024-05-06,"First line\r\nsecond ""quoted"" line",Ann Lee; Bo Ek,https://a.example/1,3\r\n'
    "Second,,Text,,,\r\n"
)


@pytest.mark.parametrize(
    "content",
    [
        CSV.encode(),
        b"\xef\xbb\xbf" + CSV.encode(),
        CSV.encode("utf-16"),
        CSV.replace("\r\n", "\n").encode(),
        ("\r\n\r\n" + CSV + "\r\n\r\n").encode(),
    ],
    ids=["plain", "BOM", "UTF-16", "LF", "blank lines"],
)
def test_rows_become_articles_by_the_names_of_their_columns(content: bytes) -> None:
    (first, second), skipped, _ = found_in(content, "csv")
    assert first["title"] == "Pier, approved"
    assert first["body"].replace("\r\n", "\n") == 'First line\nsecond "quoted" line'
    assert (first["authors"], first["url"], first["revision"]) == (
        ["Ann Lee", "Bo Ek"],
        "https://a.example/1",
        3,
    )
    assert first["published_at"] == "2024-05-06"
    assert second == {"title": "Second", "body": "Text"} and skipped == []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    content = delimiter.join(("title", "body")) + "\n" + delimiter.join(("A", "B")) + "\n"
    (article,), _, _ = found_in(content.encode(), "csv")
    assert article == {"title": "A", "body": "B"}


def test_columns_are_mapped_by_name() -> None:
    content = b"Schlagzeile;Inhalt;Datum\nA;B;2024-01-01\n"
    fields = FieldMap.parse(["title=Schlagzeile", "body=Inhalt"])
    (article,), _, _ = found_in(content, "csv", fields=fields)
    assert article == {"title": "A", "body": "B", "Datum": "2024-01-01"}


def test_columns_that_say_nothing_are_told_with_what_to_do() -> None:
    with pytest.raises(Unusable, match=r"'Schlagzeile', 'Inhalt'.*--map"):
        found_in(b"Schlagzeile,Inhalt\nA,B\n", "csv")


def test_lines_of_several_encodings_are_each_read() -> None:
    content = b"title\n" + "Größe\n".encode() + "Größe\n".encode("cp1252")
    articles, _, _ = found_in(content, "csv")
    assert [article["title"] for article in articles] == ["Größe", "Größe"]


def test_an_encoding_that_is_given_is_used() -> None:
    (article,), _, _ = found_in("title\nПорт\n".encode("koi8-r"), "csv", encoding="koi8-r")
    assert article["title"] == "Порт"


def test_a_row_with_more_cells_than_names_is_skipped() -> None:
    articles, skipped, _ = found_in(b"title,body\nA,B,C\nD,E,,\nF\n", "csv")
    assert articles == [{"title": "D", "body": "E"}, {"title": "F"}]
    assert reasons(skipped) == ["bad row"] and skipped[0].detail == "3 cells under 2 names"


@pytest.mark.parametrize(
    "long",
    [b"x" * (50 << 20), b'"' + b"x" * (50 << 20) + b'"', b'"' + (b"l" * 500 + b"\n") * 100_000 + b'"'],
    ids=["bare", "quoted", "many lines"],
)
def test_a_cell_of_50_mb_is_skipped_and_the_next_row_read(long: bytes) -> None:
    articles, skipped, _ = found_in(b"title,body\nA,B\n" + long + b",y\nC,D\n", "csv")
    assert [article["title"] for article in articles] == ["A", "C"]
    assert reasons(skipped) == ["too large"]


@pytest.mark.parametrize("lines", [10, 100, MAX_ENTRY_BYTES // 1_000 + 10])
def test_a_quote_that_is_never_closed_is_told_with_its_line(lines: int) -> None:
    content = b'title,body\nA,B\n"C,D\n' + (b"E," + b"F" * 998 + b"\n") * lines
    articles, skipped, _ = found_in(content, "csv", name="t.csv")
    assert articles == [{"title": "A", "body": "B"}]
    assert reasons(skipped) == ["bad row"] and "not closed" in skipped[0].detail


def test_nul_and_a_table_of_nothing_but_names_do_no_harm() -> None:
    articles, _, _ = found_in(b"title\nA\0B\n", "csv")
    assert articles == [{"title": "AB"}]
    assert found_in(b"title,body\n", "csv") == ([], [], [])
    assert found_in(b"", "csv") == ([], [], [])
