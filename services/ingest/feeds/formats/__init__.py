"""The formats of feeds: from a document's bytes to a `Feed`, whatever it is written in. Pure."""
