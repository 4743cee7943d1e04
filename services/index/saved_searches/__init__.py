"""Saved searches: what of the news matches is written down with the commit, and told to their webhooks.

`matching` asks the percolator about each stored batch, `outbox` keeps what it found, `deliverer` tells it.
docs/saved-searches.md says what receivers can rely on, docs/decisions/0010-saved-searches.md why.
"""
