"""Articles from their addresses: fetch a page, see what it is, and find out which article it shows.

`pages.py` fetches, `page.py` reads, `verdict.py` tells articles from what only looks like one.
"""
