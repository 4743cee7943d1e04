"""How entries move: consumer groups, fenced hand-over, reclaiming, dead letters, trimming, backpressure.

FastStream owns the consuming loop; this package owns everything that makes it lossless, so that a
service's handler only turns events into results.
"""
