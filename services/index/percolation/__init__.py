"""Percolation: which of many saved searches a batch of new articles matches. See docs/percolation.md."""
