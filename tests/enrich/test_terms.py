import pytest

from services.enrich.steps.terms import BackgroundIdf, terms
from shared.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ministers met the Minister's ministers", {"minister": 3, "met": 1}),
        ("It's the parties’ party", {"party": 2}),
        ("isn’t wasn't 2024 7 x", {}),
        ("Zürich, ZÜRICH and Zurich", {"zürich": 2, "zurich": 1}),
        ("buses glasses virus news", {"buse": 1, "glasse": 1, "virus": 1, "new": 1}),
        ("O'Brien_G20 COVID-19", {"obrien": 1, "g20": 1, "covid": 1}),
        ("", {}),
        ("\x00 — … !!", {}),
    ],
    ids=["plural-possessive", "curly", "nothing-telling", "case", "weak-stem", "joined", "empty", "marks"],
)
def test_terms_are_lower_cased_singular_and_telling(text: str, expected: dict[str, int]) -> None:
    assert terms(text) == expected


def test_text_without_spaces_gives_character_bigrams() -> None:
    assert terms("東京都 Olympics") == {"東京": 1, "京都": 1, "olympic": 1}


def test_huge_and_endless_words_are_bounded() -> None:
    assert terms("x" * 5_000_000) == {}
    assert terms("flood " * 1_000_000)["flood"] <= 200_000 // 6 + 1


def test_a_rare_term_has_a_higher_idf_than_a_common_one() -> None:
    idf = BackgroundIdf.load()
    assert idf.idf("people") < idf.idf("stadium") < idf.idf("zyzzyva") == idf.unknown
    assert idf.documents > 500


def test_a_missing_table_names_the_path_and_the_command(tmp_path) -> None:
    with pytest.raises(ConfigurationError, match=r"idf\.tsv.*services\.enrich\.training\.idf"):
        BackgroundIdf.load(tmp_path)


@pytest.mark.parametrize("content", ["", "nonsense", "# v\tmany\nflood\t3", "# v\t3\nflood"])
def test_a_spoilt_table_is_refused(tmp_path, content: str) -> None:
    (tmp_path / "idf.tsv").write_text(content)
    with pytest.raises(ConfigurationError, match="no background idf table"):
        BackgroundIdf.load(tmp_path)
