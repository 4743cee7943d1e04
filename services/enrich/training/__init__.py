"""Offline training of the models that the enrich service ships; nothing here runs in the service."""
