"""The search engine: `protocol` says what one does, `tantivy_engine` is the one we run."""
