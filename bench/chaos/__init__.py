"""Tries to break the delivery promise: an oracle over a real `wireroom up`, under seeded faults.

`producer` submits and `ledger` keeps each acceptance as an obligation; `faults` do harm on a `schedule`;
`observing` then looks at what is served, and `oracle` judges it. `run` puts them together.
"""
