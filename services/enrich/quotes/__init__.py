"""Who said what: the quotes of an article and their speakers, by rules over marks and verbs of saying."""

from services.enrich.quotes.finder import MAX_CHARS, VERSION, find_quotes

__all__ = ["MAX_CHARS", "VERSION", "find_quotes"]
