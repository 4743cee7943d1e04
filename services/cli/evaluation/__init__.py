"""What `wireroom eval` measures: one module per kind of file, each with its format and its scoring.

A module has FORMAT (one line of the file, to show), `parse` (a JSON object to a record, or ValueError)
and `evaluate` (records to a report). The work itself is done by the service's own code.
"""
