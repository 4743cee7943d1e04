"""Prior knowledge of terms as further columns of a linear model, which fold back into the terms' weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.enrich.steps.topics import BUCKETS

Floats = NDArray[np.float64]
Row = tuple[NDArray[np.intp], Floats]


class TermColumns:
    """Adds the sums over an article's terms of what is known of each: `table` has shape (buckets, known).

    The features are linear in the terms, so the weights they get fold back into those of the terms, and
    nothing of this is needed to classify.
    """

    def __init__(self, table: Floats) -> None:
        self._table = table
        self.columns = BUCKETS + table.shape[1]

    def extended(self, features: Row) -> Row:
        """Return the features with those of the known columns behind them."""
        rows, values = features
        added = values @ self._table[rows]
        return np.concatenate([rows, np.arange(BUCKETS, self.columns)]), np.concatenate([values, added])

    def folded(self, weights: Floats) -> Floats:
        """Return weights (buckets, topics) that give terms alone the logits of (columns, topics)."""
        folded: Floats = weights[:BUCKETS] + self._table @ weights[BUCKETS:]
        return folded
