"""What the key of a source may do, and what it says of the articles it submits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from services.ingest.schema import ReadArticle
from shared.http.problems import FieldError, Problem
from shared.receipts import taken_down_by
from shared.sources import Source


def as_sent_by(source: Source, read: ReadArticle) -> ReadArticle:
    """Return the article with the source's name where it names none.

    Raises a 403 Problem when it is on a host that the source may not submit for.
    """
    url = read.article.canonical_url
    if url is not None and source.hosts:
        host = urlsplit(url).hostname or ""
        host = f"[{host}]" if ":" in host else host
        if not source.allows_host(host):
            detail = f"{source.name} may submit articles on {_listed(source.hosts)} only, not on {host[:80]}."
            error = FieldError("/url", detail)
            raise Problem(403, "host-not-allowed", detail, title="Host not allowed", errors=[error])
    if read.article.source:
        return read
    return read._replace(article=read.article.model_copy(update={"source": source.name}))


def check_may_restore(source: Source, fields: Mapping[bytes, bytes]) -> None:
    """Raises a 403 Problem if the article of this hash was taken down by another than the source."""
    if b"tomb" in fields and taken_down_by(fields) != source.name:
        detail = f"This article was not taken down by {source.name}: to bring it back needs an operator."
        raise Problem(403, "taken-down-by-others", detail, title="Taken down by others")


def _listed(hosts: tuple[str, ...]) -> str:
    return ", ".join(hosts[:5]) + (f" and {len(hosts) - 5} more" if len(hosts) > 5 else "")
