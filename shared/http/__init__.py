"""What the HTTP side of every service shares: problems, limits, health, keys, and the server itself."""
