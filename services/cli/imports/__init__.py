"""What `wireroom import` is made of: readers of archives, and the loop that sends what they find.

    files (which) ─► byte_source (bytes, decompressed) ─► reader of the format ─► entries
                  ─► running (batches, resume) ─► submission.Sender ─► POST /v1/articles/batch

A reader yields each thing it finds as an `Entry`, whole or not, always in the same order: how many of them
are settled is all that has to be remembered to go on after an interruption.
"""
