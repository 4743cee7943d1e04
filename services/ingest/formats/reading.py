"""From a body's bytes to an article, whatever format it is in. Pure.

The shape decides and not the Content-Type, which many senders leave at whatever their library sets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from services.ingest import schema
from services.ingest.formats import newsml, ninjs
from services.ingest.formats.xml import XmlDocument, is_xml, parse_xml
from services.ingest.schema import ReadArticle, parse_json


def parse_document(body: bytes) -> Any:
    """Return the JSON document or the XmlDocument in `body`. Raises a 400 Problem where it cannot be read."""
    return parse_xml(body) if is_xml(body) else parse_json(body)


def read_article(document: Any, now: datetime) -> ReadArticle:
    """Return the article in a parsed document. Raises a 422 Problem that lists every field that is wrong."""
    if isinstance(document, XmlDocument):
        return newsml.read_newsml(document, now)
    if isinstance(document, dict) and ninjs.is_ninjs(document):
        return ninjs.read_ninjs(document, now)
    return schema.read_article(document, now)
