"""The web page of the index service: server-rendered, without a script, under a strict CSP."""
