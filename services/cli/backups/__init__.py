"""Backups: a directory with the index, the archive, and the entries that are on their way or dead.

`making` writes one while everything runs, `restoring` puts one back while nothing does. Both are commands'
work; a service never imports this.
"""
