"""The pure text steps of enrichment: each module is one step, a function of the article alone."""
