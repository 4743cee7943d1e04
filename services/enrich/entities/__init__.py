"""Entities of an article: people, bodies, places and other named things, with every mention."""

from services.enrich.entities.recogniser import EntityRecogniser

__all__ = ["EntityRecogniser"]
