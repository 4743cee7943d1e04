"""Feeds that Wireroom polls, and what hubs push: from a publisher's feed to submitted articles."""
