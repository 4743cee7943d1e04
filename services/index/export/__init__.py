"""Whole searches as one download: NDJSON or CSV, however many articles there are."""
