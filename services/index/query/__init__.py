"""The search language: text to frozen nodes that no engine leaks into."""
