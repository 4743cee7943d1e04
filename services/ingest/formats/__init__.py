"""The formats that articles come in, and the one place that tells them apart: by what a document looks like.

`reading` chooses; each other module brings one format into the fields of our own contract.
"""
