"""How surely a name is written about more than before: a likelihood ratio with a prior. Pure.

Rates are per text: of so many texts, so many name it. A busy day has more texts, and lifts nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

PRIOR_TEXTS = 1.0
"""How many texts per window the past is given for free: what was never named has no rate to compare with."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Of `texts`, `naming` name somebody. Both may be fractions, where samples were mixed."""

    naming: float
    texts: float

    @property
    def rate(self) -> float:
        return self.naming / self.texts if self.texts else 0.0


def expected_in(window: Sample, past: Sample) -> float:
    """Return how many texts of the window would name it if it went on as in the past."""
    return past.rate * window.texts


def rise(window: Sample, past: Sample) -> float:
    """Return G², twice the log-likelihood ratio of "two rates" to "one rate", for a rise; 0 for none.

    Counts are taken as Poisson (Dunning 1993). With PRIOR_TEXTS more in each stretch of the past that is as
    long as the window, 20 → 80 scores 86 and 0 → 2 less than 1. Where nothing changed, G² exceeds 10.8 once
    in a thousand (chi-squared, one degree of freedom), and rarer with the prior.
    """
    if not window.texts or not past.texts:
        return 0.0
    before = past.naming + PRIOR_TEXTS * past.texts / window.texts
    share = window.texts / (window.texts + past.texts)
    everything = window.naming + before
    expected, expected_before = everything * share, everything * (1 - share)
    if window.naming <= expected:
        return 0.0
    return 2 * (window.naming * log(window.naming / expected) + before * log(before / expected_before))


def usual(overall: Sample, same_weekdays: Sample) -> Sample:
    """Return the past to compare with: the whole, or what was written at the same time of the week if more.

    Whoever is in the news each weekend is no news on this one. The same weekdays are few, so their rate
    counts two thirds and that of the whole past one, and what is returned is as long as the whole.
    """
    if same_weekdays.rate <= overall.rate:
        return overall
    rate = (2 * same_weekdays.rate + overall.rate) / 3
    return Sample(rate * overall.texts, overall.texts)
