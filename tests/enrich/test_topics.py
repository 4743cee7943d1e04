import time

import numpy as np
import pytest

from services.enrich.steps.topics import MEDIA_TOPICS, TopicModel, topic_features
from shared.errors import ConfigurationError

MODEL = TopicModel.load()


def test_the_media_topics_have_their_iptc_codes() -> None:
    assert len(MEDIA_TOPICS) == 17
    assert [code for code, _ in MEDIA_TOPICS.values()] == [f"{number:02}000000" for number in range(1, 18)]
    assert MEDIA_TOPICS["sport"] == ("15000000", "sport")
    assert MEDIA_TOPICS["weather"] == ("17000000", "weather")
    assert MEDIA_TOPICS["conflict"] == ("16000000", "conflict, war and peace")


@pytest.mark.parametrize(
    ("title", "body", "name"),
    [
        (
            "Late goal sends Rovers top",
            "The striker scored twice in the second half as the home side beat the leaders 3-1 before a crowd"
            " of 20,000. The coach praised the goalkeeper and the midfield after the final whistle.",
            "sport",
        ),
        (
            "Central bank holds rates",
            "The central bank kept its interest rate at 4 percent. Shares rose, bond yields fell and analysts"
            " expect inflation to slow as companies report lower profits and revenue this quarter.",
            "economy, business and finance",
        ),
        (
            "Hospital trial finds vaccine works",
            "Doctors at the hospital gave the vaccine to 400 patients. The health ministry said the disease"
            " had spread in clinics, and nurses would treat more cases.",
            "health",
        ),
    ],
    ids=["sport", "economy", "health"],
)
def test_a_plain_article_has_its_topic_first(title: str, body: str, name: str) -> None:
    topics = MODEL.classify(title, body)
    assert topics[0].name == name
    assert 0.2 < topics[0].score <= 1.0
    assert len(topics) <= 3


def test_shares_add_up_to_one_and_none_is_certain() -> None:
    shares = MODEL.shares("Goal", "The striker scored a goal in the league match. " * 50)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.max() < 0.991
    assert shares.min() > 0.0005


@pytest.mark.parametrize(
    ("title", "body"), [("", ""), ("The", "and of"), ("\x00", "\ud800"), ("", "… " * 5000)]
)
def test_text_that_says_nothing_has_no_topic(title: str, body: str) -> None:
    assert MODEL.classify(title, body) == ()


def test_features_have_unit_length_and_titles_count_more() -> None:
    rows, values = topic_features("flood", "rain flood rain")
    assert values @ values == pytest.approx(1.0)
    assert values.argmax() == 1
    assert rows.dtype.kind == "i"


def test_huge_text_is_bounded() -> None:
    started = time.perf_counter()
    MODEL.classify("flood " * 10**5, "word " * 10**6)
    assert time.perf_counter() - started < 1.0


def test_a_missing_model_names_the_path_and_the_command(tmp_path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"topics\.npz is missing.*services\.enrich\.training\.topics"
    ):
        TopicModel.load(tmp_path)


def test_a_broken_model_is_refused(tmp_path) -> None:
    (tmp_path / "topics.npz").write_bytes(b"no archive")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        TopicModel.load(tmp_path)


def test_a_model_of_another_shape_is_refused(tmp_path) -> None:
    np.savez(tmp_path / "topics.npz", weights=np.zeros((4, 17)), bias=np.zeros(17))
    with pytest.raises(ConfigurationError, match="has weights of shape"):
        TopicModel.load(tmp_path)
