"""Which article a submit is about, and whether it says anything new. Pure.

An article's id is a hash of the URI that names it worldwide where its format has one (ninjs, NewsML-G2),
else of the publisher's own id where there is one, else of its canonical URL, else of its text. Each kind is
hashed in a domain of its own, so that a text can never pose as a URL.
"""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

from pydantic_core import to_json

from shared.events import SubmittedArticle

ID_BYTES = 16
_SPACES = re.compile(r"\s+")
_BY_URI = b"wireroom.uri"
_BY_PUBLISHER_ID = b"wireroom.id"
_BY_URL = b"wireroom.url"
_BY_TEXT = b"wireroom.text"
_CONTENT = b"wireroom.content"


def article_id(article: SubmittedArticle) -> str:
    """Return the id, 32 hex digits.

    `source` is compared without regard to case and spacing; an article without one shares the nameless
    source. An article with neither id nor URL is known by its text alone.
    """
    if article.uri is not None:
        # Without the source: a cancellation says which item it means, and often nothing else.
        return _digest(_BY_URI, article.uri.encode("utf-8", "replace"))
    if article.publisher_id is not None:
        return _digest(_BY_PUBLISHER_ID, to_json([_folded(article.source or ""), article.publisher_id]))
    if article.canonical_url is not None:
        return _digest(_BY_URL, article.canonical_url.encode())
    text = "\n".join(_folded(part) for part in (article.title, article.body or article.html) if part)
    return _digest(_BY_TEXT, text.encode("utf-8", "replace"))


def content_hash(article: SubmittedArticle) -> str:
    """Return a hash of what a reader would see change.

    `updated_at` and `extra` are left out: publishers touch them without changing the article.
    """
    image = article.image
    # Only where there are any, so that the hashes of articles without them are what they always were.
    more = [part for part in (article.images, article.entities, article.topics) if part]
    return _digest(
        _CONTENT,
        to_json(
            (
                article.title,
                article.body,
                article.html,
                article.canonical_url,
                article.source,
                article.authors,
                article.published_at,
                article.language,
                article.keywords,
                [(link.url, link.title, link.rel) for link in article.links],
                image and (image.url, image.caption, image.credit),
                *more,
            )
        ),
    )


def _digest(domain: bytes, data: bytes) -> str:
    return blake2b(data, digest_size=ID_BYTES, person=domain).hexdigest()


def _folded(text: str) -> str:
    return _SPACES.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()
