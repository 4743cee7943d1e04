"""The live wire: articles as they become searchable, to whoever listens."""
