"""What an article's page says about it: JSON-LD, OpenGraph, Dublin Core and other `<meta>`, and markup.

`read_metadata` asks several readers, each of which returns a `Metadata` of what it has found; the first to
have found a field fills it.
"""

from services.enrich.metadata.fields import Metadata
from services.enrich.metadata.markup import take_scripts
from services.enrich.metadata.reading import read_metadata

__all__ = ["Metadata", "read_metadata", "take_scripts"]
