import re
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from services.enrich.steps.article_tone import level, word_bag
from services.enrich.steps.cleanup import clean_text
from services.enrich.steps.sentiment import SentimentModel
from services.enrich.steps.tone_features import feature_ids, tabulate
from services.enrich.text import split_sentences
from shared.errors import ConfigurationError
from shared.events import Entity, Mention

MODEL = SentimentModel.load()
SHARED_DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"

GOOD = "The team celebrated a brilliant victory and fans cheered the happy champions."
BAD = "Nine people were killed and dozens injured when the bus crashed into the river."
PLAIN = "The committee meets on Tuesday in the town hall."


def entity(name: str, body: str) -> Entity:
    spans = tuple(
        Mention(start=found.start(), end=found.end()) for found in re.finditer(re.escape(name), body)
    )
    return Entity(text=name, label="PERSON", canonical=name, count=max(len(spans), 1), mentions=spans)


def tone_of(body: str, title: str = "") -> float:
    return MODEL.article(body, title, split_sentences(body)).score


def test_an_article_is_scored_by_what_it_reports() -> None:
    assert tone_of(GOOD) > 0.3 > tone_of(PLAIN) > -0.3 > tone_of(BAD)
    assert tone_of("") == 0.0


def test_an_article_has_the_tone_of_its_sentences_and_is_not_saturated() -> None:
    good_body, bad_body = f"{GOOD} " * 40, f"{BAD} " * 40
    good = MODEL.article(good_body, "Champions celebrate", split_sentences(good_body))
    bad = MODEL.article(bad_body, "Crash kills nine", split_sentences(bad_body))
    assert (good.label, bad.label) == ("positive", "negative")
    assert good.score < 0.995
    assert bad.score > -0.995
    assert 0.0 <= good.confidence <= 1.0


def test_text_without_full_stops_says_no_more_than_its_words() -> None:
    assert tone_of(GOOD.rstrip(".") * 40) < tone_of(GOOD) + 0.2


def test_scores_rise_to_a_half_stay_there_and_never_reach_one() -> None:
    tones = np.array([-9e9, -1.0, -0.5, -0.15, 0.0, 0.15, 0.3, 0.7, 1.0, 9e9])
    scores = level(tones, (0.3, 0.7))
    assert scores[3:8].tolist() == pytest.approx([-0.25, 0.0, 0.25, 0.5, 0.5])
    assert scores[2] == -0.5
    assert -1.0 <= scores[0] < scores[1] < -0.5
    assert 0.5 < scores[8] < 0.7 < scores[9] <= 1.0
    assert (np.diff(scores) >= 0).all()


def test_a_word_bag_has_unit_length_and_a_titles_word_counts_three_times() -> None:
    text = "flood\nrain rain rain flood fair"
    table = tabulate(text, [(0, 5), (6, len(text))])
    ids = feature_ids(table)
    tokens, values = word_bag(ids, table)
    value = dict(zip(tokens.tolist(), values.tolist(), strict=True))
    flood, rain, fair = (value[at] for at in (0, 1, 5))
    assert values @ values == pytest.approx(1.0)
    assert flood / fair == pytest.approx(1 + np.log(4))
    assert rain / fair == pytest.approx(1 + np.log(3))


def test_the_title_weighs_more_than_a_sentence() -> None:
    sentences = split_sentences(PLAIN)
    assert MODEL.article(PLAIN, BAD, sentences).score < MODEL.article(PLAIN, GOOD, sentences).score


def test_an_entity_has_the_mean_over_its_mention_sentences() -> None:
    body = (
        "Critics condemned Ferreira as corrupt and a liar. Voters praised Solvang for her courage. "
        "Ferreira was attacked for the scandal."
    )
    _, (ferreira, solvang, absent) = MODEL.annotate(
        "", body, (entity("Ferreira", body), entity("Solvang", body), entity("Paredes", body))
    )
    assert ferreira is not None
    assert solvang is not None
    assert ferreira.score < -0.1 < 0.1 < solvang.score
    assert (ferreira.mentions, solvang.mentions) == (2, 1)
    assert absent is None


def test_two_targets_of_one_sentence_differ() -> None:
    text = "The brave Solvang rescued the children while the corrupt criminal Ferreira lied and cheated."
    towards = {
        name: MODEL.target_sentiment(text, text.index(name), text.index(name) + len(name))
        for name in ("Solvang", "Ferreira")
    }
    assert towards["Solvang"][2] - towards["Solvang"][0] > towards["Ferreira"][2] - towards["Ferreira"][0]
    assert towards["Solvang"].sum() == pytest.approx(1.0)


def test_the_name_itself_carries_no_sentiment() -> None:
    scores = []
    for name in ("Trump", "Obama", "Xyzzy"):
        text = f"On Monday {name} spoke in the hall."
        scores.append(MODEL.target_sentiment(text, 10, 10 + len(name)))
    assert scores[0] == pytest.approx(scores[1])
    assert scores[0] == pytest.approx(scores[2])


def test_annotating_agrees_with_scoring_one_target() -> None:
    body = "It rained. Voters praised Solvang for her courage."
    _, (solvang,) = MODEL.annotate("Rain", body, (entity("Solvang", body),))
    sentence = "Voters praised Solvang for her courage."
    chances = MODEL.target_sentiment(sentence, sentence.index("Solvang"), sentence.index(" for"))
    assert solvang is not None
    assert solvang.score == pytest.approx(chances[2] - chances[0], abs=1e-3)


def test_the_seed_page_is_near_neutral_to_positive() -> None:
    path = SHARED_DATA / "seed-article.txt"
    if not path.exists():
        pytest.skip("needs ../shared/data/seed-article.txt")
    cleaned = clean_text(None, path.read_text(encoding="utf-8"))
    sentiment = MODEL.article(cleaned.body, cleaned.title, split_sentences(cleaned.body))
    assert -0.15 < sentiment.score < 0.7


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("", ""),
        ("…", "—"),
        ("\x00", "\ud800 \ud800 \ud800 \ud800"),
        ("a" * 10**6, "b" * 10**6),
        ("not " * 10**5, "not bad. " * 10**5),
        ("!", "!" * 10**5),
    ],
    ids=["empty", "marks", "surrogates", "endless-words", "negations", "marks-only"],
)
def test_odd_text_has_a_finite_score_in_bounded_time(title: str, body: str) -> None:
    started = time.perf_counter()
    mentions = (
        Mention(start=0, end=1),
        Mention(start=len(body) + 5, end=len(body) + 9),
        Mention(start=3, end=2),
    )
    odd = Entity(text="x", label="ORG", canonical="x", count=3, mentions=mentions)
    sentiment, entities = MODEL.annotate(title, body, (odd,))
    assert -1.0 <= sentiment.score <= 1.0
    assert len(entities) == 1
    assert time.perf_counter() - started < 2.0


def test_many_mentions_in_one_endless_sentence_take_bounded_memory_and_time() -> None:
    body = "1% " * 600_000
    mentions = tuple(Mention(start=at, end=at + 2) for at in range(0, 3_000, 3))
    share = Entity(text="1%", label="PERCENT", canonical="1%", count=len(mentions), mentions=mentions)
    started = time.perf_counter()
    tracemalloc.start()
    try:
        _, (scored,) = MODEL.annotate("Shares", body, (share,))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert scored is not None
    assert peak < 60_000_000
    assert time.perf_counter() - started < 2.0


def test_words_far_from_a_target_count_only_for_its_sentence() -> None:
    def towards(text: str) -> list[float]:
        return list(MODEL.target_sentiment(text, 0, 7))

    far = "and so on " * 100
    beside, beyond = f"Solvang corrupt liar {far}now", f"Solvang now {far}corrupt liar"
    assert towards(beside)[0] > towards(beyond)[0] + 0.01
    # 260 words away or 300, it is the same sentence that says it.
    assert towards(f"Solvang {'on ' * 260}corrupt {'on ' * 41}") == pytest.approx(
        towards(f"Solvang {'on ' * 300}corrupt on "), abs=1e-9
    )


def test_negation_reaches_three_words_and_no_other_sentence() -> None:
    text = "It was not a very good day. Good grief."
    table = tabulate(text, split_sentences(text))
    assert table.negated.tolist() == [False] * 3 + [True] * 3 + [False] * 5
    assert table.lengths.tolist() == [8, 3]


def test_features_of_a_sentence_do_not_depend_on_its_neighbours() -> None:
    together = feature_ids(
        tabulate(f"{BAD} {GOOD}", [(0, len(BAD)), (len(BAD) + 1, len(BAD) + 1 + len(GOOD))])
    )
    alone = feature_ids(tabulate(GOOD, [(0, len(GOOD))]))
    count = alone.base.shape[1]
    np.testing.assert_array_equal(together.base[:, -count:], alone.base)


def test_a_missing_model_names_the_path_and_the_command(tmp_path) -> None:
    with pytest.raises(
        ConfigurationError, match=r"sentiment\.npz is missing.*services\.enrich\.training\.sentiment"
    ):
        SentimentModel.load(tmp_path)
