"""The web page of the index service: server-rendered, complete without a script, under a strict CSP."""
