"""The model card of the entity recogniser, written by the training command from what it measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.enrich.training.scoring import Score

_CARD = """# Entity recogniser `{version}`

Written by the training command; do not edit.

- **What**: a linear-chain CRF (python-crfsuite) over OntoNotes labels PERSON ORG GPE LOC FAC NORP EVENT
  PRODUCT WORK_OF_ART LAW with gazetteer and article-wide features, then a document pass; DATE, MONEY and
  PERCENT by pattern.
- **Files**: `entities.crfsuite.gz` (the model), `gazetteer.tsv.gz` (known names, and words usually in
  lower case).
- **Trained on**: `news-gold` ({trained_on} articles written for this project; free to ship), titles also
  in Title Case and in capitals, each article once more with half of its names swapped for listed ones
  (`name_swaps.py`), and {extra} short articles written beside the script (`extra_gold.txt`).
- **Names**: `gazetteer/*.tsv` (compiled for this project). The list of
  lower-case words was counted over news-gold, NewsMTSC (MIT, fhamborg/NewsMTSC), CrossNER (MIT,
  zliucr/CrossNER), Re-DocRED (MIT, tonytan48/Re-DocRED) and WikiGold (CC BY 4.0); none of their text or
  annotation is in the model.
- **Command**: `python -m services.enrich.training.entities --data ../shared/data --out
  services/enrich/models` (seed {seed}, L-BFGS: same data, same bytes; parameters {parameters}).

## Held out

Figures are of a model trained without {articles} articles held out by whole stories, the same share of
each region (`is_held_out`), with the document pass. Strict spans: both ends and the label must be right.
The shipped model is then trained on all articles. Features and rules were chosen by these same figures, so
expect a little less elsewhere. CrossNER, Re-DocRED and WikiGold as further training text made them worse.

| label | precision | recall | F1 | spans |
|---|---|---|---|---|
{rows}

PER, ORG and LOC (GPE, LOC and FAC merged):

| label | precision | recall | F1 | spans |
|---|---|---|---|---|
{coarse_rows}

Speed on two shared cores, end to end but for folding: {speed:,.0f} words per CPU second.

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
    parameters: Mapping[str, object],
) -> str:
    """Return the card as Markdown."""
    return _CARD.format(
        version=version,
        trained_on=trained_on,
        extra=extra,
        seed=seed,
        parameters=", ".join(f"{name} {value}" for name, value in parameters.items()),
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
