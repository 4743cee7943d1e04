"""Fetching from the web on behalf of others, without letting them reach what only we can reach.

`guard` decides which addresses may be connected to, `transport` applies that where connections are made,
`fetcher` bounds what a fetch may cost. docs/fetching.md tells the rules.
"""
