import pytest

from services.enrich.steps.language import detect_language, normalize_language

ENGLISH = (
    "The minister said on Monday that the harbour would stay open until the end of the year, officials added."
)
GERMAN = "Die Ministerin sagte am Montag, dass der Hafen bis zum Ende des Jahres geöffnet bleiben werde."


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (ENGLISH, "en"),
        (ENGLISH.upper(), "en"),
        (GERMAN, "de"),
        ("Le ministre a déclaré lundi que le port resterait ouvert jusqu'à la fin de l'année.", "fr"),
        ("El ministro dijo el lunes que el puerto seguirá abierto hasta finales de año.", "es"),
        ("Правительство объявило в понедельник, что порт будет открыт до конца года.", "ru"),
        ("قال الوزير يوم الاثنين إن الميناء سيبقى مفتوحا حتى نهاية العام", "ar"),
    ],
)
def test_the_language_of_a_sentence_is_found(text: str, code: str) -> None:
    language = detect_language(text, None)
    assert language.code == code
    assert 0.4 < language.confidence <= 1.0


@pytest.mark.parametrize("text", ["", "Rain", "12345 67890 " * 40, "🌧" * 100, "Oslo 2-1 Bergen"])
def test_too_little_text_is_undetermined_unless_declared(text: str) -> None:
    assert (detect_language(text, None).code, detect_language(text, None).confidence) == ("und", 0.0)
    assert (detect_language(text, "nb-NO").code, detect_language(text, "nb-NO").confidence) == ("nb", 0.5)


def test_a_confident_detection_beats_a_wrong_declaration() -> None:
    assert detect_language(GERMAN * 3, "en").code == "de"


def test_a_declaration_settles_doubtful_text() -> None:
    assert detect_language("Messi Ronaldo Mbappé Haaland Bellingham", "en-US").code == "en"


def test_an_english_article_with_a_foreign_opening_is_read_further() -> None:
    assert detect_language("Ngā mihi nui ki a koutou katoa, e hoa mā. " + ENGLISH * 10, None).code in {
        "en",
        "mi",
    }


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ("en", "en"), ("EN-gb", "en"), ("pt_BR", "pt"), ("eng", "en"), ("zh-Hant-TW", "zh"), (" fr ", "fr"),
        ("English", None), ("", None), (None, None), ("1x", None), ("x" * 10_000, None),
    ],
)  # fmt: skip
def test_declared_tags_come_down_to_two_letters(declared: str | None, code: str | None) -> None:
    assert normalize_language(declared) == code


@pytest.mark.parametrize("text", ["\x00" * 5000, "\ud800 bad " * 300, "a" * 10**6, "\n" * 10**6])
def test_odd_text_is_no_error(text: str) -> None:
    assert 0.0 <= detect_language(text, None).confidence <= 1.0
