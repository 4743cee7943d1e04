"""The measures that training scripts report: those of `wireroom eval`, so that figures can be compared."""

from services.enrich.scoring import COARSE_LABEL, Score, Span, coarse_spans, score_spans

__all__ = ["COARSE_LABEL", "Score", "Span", "coarse_spans", "score_spans"]
