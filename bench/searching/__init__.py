"""`wireroom bench search`: what searching costs over a large corpus, beside SQLite FTS5 in the same run."""
