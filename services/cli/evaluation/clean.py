"""Clean-up: the words of the extracted and cleaned text against those of the article itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.cli.evaluation.records import Row, optional_text, text_field
from services.cli.evaluation.report import Report, Speed, prf
from services.cli.evaluation.submitted import cleaned, draft_of
from services.enrich.pipeline import Models
from services.enrich.scoring import NOTHING, mean, score_tokens
from shared.events import SubmittedArticle

FORMAT: Final = '{"html": "<html>…" or "page_text": "…", "text": "the article alone"}'
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Page:
    html: str
    page_text: str
    title: str
    url: str
    text: str


def parse(row: Row) -> Page:
    text = text_field(row, "text")
    html, page_text = optional_text(row, "html"), optional_text(row, "page_text")
    if not html.strip() and not page_text.strip():
        raise ValueError('neither "html" nor "page_text"')
    if html.strip() and page_text.strip():
        raise ValueError('both "html" and "page_text": which is the page?')
    return Page(html, page_text, optional_text(row, "title"), optional_text(row, "url"), text)


def words(text: str) -> list[str]:
    """Return the words of a text, case-folded, without punctuation: bytes of quotes must not decide."""
    return _WORD.findall(text.casefold())


def evaluate(records: Iterable[Page], models_dir: Path | None) -> Report:
    """Score the words of all pages together.

    Where the file's text opens with the headline, headline and body are compared with it, else the body.
    """
    models = Models.load(models_dir)
    total, speed = NOTHING, Speed()
    pages: list[float] = []
    for number, page in enumerate(records, start=1):
        article = SubmittedArticle(
            html=page.html or None,
            body=page.page_text or None,
            title=page.title or None,
            url=page.url or None,
        )
        with speed.timing(page.html or page.page_text):
            draft = cleaned(draft_of(number, article), models)
        wanted, title = words(page.text), words(draft.title)
        with_title = title and wanted[: len(title)] == title
        score = score_tokens(wanted, (title if with_title else []) + words(draft.body))
        total += score
        pages.append(score.f1)
    return Report(
        measures={**prf(total), "mean_page_f1": mean(pages)},
        counts={"pages": len(pages), "expected_words": total.expected, "found_words": total.predicted},
        speed=speed,
        models={"cleanup": models.versions["cleanup"]},
    )
