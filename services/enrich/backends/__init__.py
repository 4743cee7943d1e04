"""What names entities, reads tone and finds related articles: built in, or a plug-in of an entry-point group.

`protocol` is what a plug-in is written against (docs/plugins.md); `loading` finds the one that the settings
name and refuses to start without it.
"""

from services.enrich.backends.folding import NamedSpan, SpanFolder
from services.enrich.backends.protocol import (
    ArticleText,
    BackendOptions,
    EntitiesBackend,
    Info,
    RelatedBackend,
    SentimentBackend,
    Tone,
)

__all__ = [
    "ArticleText",
    "BackendOptions",
    "EntitiesBackend",
    "Info",
    "NamedSpan",
    "RelatedBackend",
    "SentimentBackend",
    "SpanFolder",
    "Tone",
]
