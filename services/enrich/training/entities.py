"""Train the entity recogniser: bake the gazetteer, fit the CRF, score it on stories it has not seen.

python -m services.enrich.training.entities --data ../shared/data --out services/enrich/models
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import random
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from time import process_time

import pycrfsuite

from services.enrich.entities.article import Sentence, prepare_article
from services.enrich.entities.features import FeatureExtractor
from services.enrich.entities.gazetteer import Gazetteer, read_gazetteer
from services.enrich.entities.recogniser import GAZETTEER_FILE, MODEL_FILE, EntityRecogniser
from services.enrich.training.entities_card import Evaluation, model_card
from services.enrich.training.gazetteer import bake
from services.enrich.training.name_swaps import NameLists, read_names, swap_names
from services.enrich.training.news_gold import GoldArticle, Mark, read_gold
from services.enrich.training.scoring import Span, coarse_spans, score_spans

SEED = 20261125
HELD_OUT_SHARE = 0.15
# News about well-known people and bodies, of which news-gold has little.
EXTRA_GOLD = Path(__file__).with_name("extra_gold.txt")
TITLE_COPIES = ("as written", "upper", "title")
PARAMETERS = {"c1": 0.08, "c2": 0.02, "max_iterations": 100, "feature.possible_transitions": True}
RULE_LABELS = frozenset({"DATE", "MONEY", "PERCENT"})
_MAX_TOKENS = 1_000_000


def is_held_out(article: GoldArticle) -> bool:
    """Tell whether an article is kept for scoring: whole stories, the same share of every region."""
    key = f"{SEED}:{article.region}:{article.story or article.id}"
    return hashlib.sha256(key.encode()).digest()[0] < 256 * HELD_OUT_SHARE


def training_articles(
    articles: Sequence[GoldArticle], extra: Sequence[GoldArticle], lists: NameLists
) -> list[GoldArticle]:
    """Return the articles, the extra ones, and a copy of each article with half of its names swapped."""
    rng = random.Random(SEED)  # noqa: S311 - it varies names, it guards nothing
    return [*articles, *extra, *(swap_names(article, lists, rng) for article in articles)]


def bio_tags(sentence: Sentence, marks: Sequence[Mark]) -> list[str]:
    """Return the BIO tags of a sentence's tokens; a mark whose edge is inside a token takes that token in."""
    tags = ["O"] * len(sentence.tokens)
    for start, end, label in marks:
        inside = [i for i, token in enumerate(sentence.tokens) if token.start < end and token.end > start]
        for i in inside:
            tags[i] = ("B-" if i == inside[0] else "I-") + label
    return tags


def training_sequences(
    articles: Iterable[GoldArticle], gazetteer: Gazetteer
) -> Iterator[tuple[list[list[bytes]], list[str]]]:
    """Yield (features, tags) of every body sentence once and of every title in each way of casing it."""
    extractor = FeatureExtractor(gazetteer)
    for article in articles:
        for copy in TITLE_COPIES:
            title = recased(article.title, copy)
            if copy != "as written" and title == article.title:
                continue
            for sentence in prepare_article(title, article.body, extractor, gazetteer, _MAX_TOKENS):
                if sentence.in_title:
                    yield sentence.features, bio_tags(sentence, article.title_marks)
                elif copy == "as written":
                    yield sentence.features, bio_tags(sentence, article.body_marks)


def recased(title: str, how: str) -> str:
    """Return the title in another headline case, of the same length; "as written" leaves it."""
    if how == "upper":
        changed = title.upper()
    elif how == "title":
        changed = " ".join(word[:1].upper() + word[1:] for word in title.split(" "))
    else:
        changed = title
    return changed if len(changed) == len(title) else title


def train(articles: Sequence[GoldArticle], gazetteer: Gazetteer) -> bytes:
    """Return a CRF model fitted by L-BFGS, which is deterministic."""
    trainer = pycrfsuite.Trainer(algorithm="lbfgs", params=PARAMETERS, verbose=False)
    for features, tags in training_sequences(articles, gazetteer):
        trainer.append(features, tags)
    with tempfile.TemporaryDirectory() as directory:
        model_file = Path(directory) / "model"
        trainer.train(os.fspath(model_file))
        return model_file.read_bytes()


def predicted_spans(recogniser: EntityRecogniser, title: str, body: str) -> tuple[list[Span], list[Span]]:
    """Return the spans found in title and in body, of the labels that news-gold marks."""
    in_title: list[Span] = []
    in_body: list[Span] = []
    for mention in recogniser.named_mentions(title, body):
        if mention.label not in RULE_LABELS:
            (in_title if mention.in_title else in_body).append((mention.start, mention.end, mention.label))
    return in_title, in_body


def evaluate(recogniser: EntityRecogniser, articles: Sequence[GoldArticle]) -> Evaluation:
    """Score a recogniser on articles and time it on them, in words of text per CPU second."""
    started = process_time()
    found = [predicted_spans(recogniser, article.title, article.body) for article in articles]
    elapsed = process_time() - started
    words = sum(len(article.title.split()) + len(article.body.split()) for article in articles)
    pairs: list[tuple[Iterable[Span], Iterable[Span]]] = []
    for article, (in_title, in_body) in zip(articles, found, strict=True):
        pairs += [(article.title_marks, in_title), (article.body_marks, in_body)]
    return Evaluation(
        articles=len(articles),
        fine=score_spans(pairs),
        coarse=score_spans((coarse_spans(expected), coarse_spans(given)) for expected, given in pairs),
        words_per_second=words / elapsed,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory with news-gold, gazetteer, …")
    parser.add_argument("--out", type=Path, required=True, help="directory to write model and card to")
    arguments = parser.parse_args()
    articles = read_gold(arguments.data / "news-gold")
    bake(arguments.data, articles, arguments.out / GAZETTEER_FILE)
    gazetteer = read_gazetteer(arguments.out / GAZETTEER_FILE)
    lists = read_names(arguments.data / "gazetteer")
    extra = read_gold(EXTRA_GOLD)
    kept = [article for article in articles if is_held_out(article)]
    seen = [article for article in articles if not is_held_out(article)]
    evaluation = evaluate(
        EntityRecogniser(gazetteer, train(training_articles(seen, extra, lists), gazetteer)), kept
    )
    model = train(training_articles(articles, extra, lists), gazetteer)
    (arguments.out / MODEL_FILE).write_bytes(gzip.compress(model, compresslevel=9, mtime=0))
    version = EntityRecogniser(gazetteer, model).version
    card = model_card(
        version, evaluation, trained_on=len(articles), extra=len(extra), seed=SEED, parameters=PARAMETERS
    )
    (arguments.out / "entities.md").write_text(card, encoding="utf-8")


if __name__ == "__main__":
    main()
