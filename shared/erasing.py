"""What must go when an article is erased, decided on the JSON of events alone. Pure.

An event is content if it is a submit or an enriched form of an erased article; it goes as a whole. Other
articles may link to it with its headline and address; those links go. Takedowns stay: they hold no content,
and keep the article from coming back. JSON and not our models, so that what another version wrote is erased
as well, and keeps all else that it holds.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json, to_json

from shared.streams import EVENT_FIELD

_ID = re.compile(rb'"([0-9a-f]{32})"')
_EVENT = EVENT_FIELD.decode()


@dataclass(frozen=True, slots=True)
class Erased:
    """Erased articles by id, with the epoch up to which they are: a restored one begins a new epoch."""

    epochs: Mapping[str, int]

    def names(self, data: bytes) -> bool:
        """Tell whether JSON names an erased article at all; quick, for most names none."""
        return any(match[1].decode() in self.epochs for match in _ID.finditer(data))

    def without(self, event: bytes) -> bytes | None:
        """Return an event without what is erased: the very same if that is nothing, None if it is all.

        What names an erased article and is no JSON can be read by nobody, and goes.
        """
        if not self.names(event):
            return event
        try:
            document = from_json(event)
        except ValueError:
            return None
        if not isinstance(document, dict) or self.is_content(document):
            return None
        return to_json(document) if self.unlink(document) else event

    def is_content(self, event: Mapping[str, Any]) -> bool:
        epoch = self.epochs.get(str(event.get("article_id")))
        return epoch is not None and event.get("type") != "ArticleRetracted" and _epoch_of(event) <= epoch

    def unlink(self, event: dict[str, Any]) -> bool:
        """Remove links to erased articles, in place; tell whether there were any."""
        article = event.get("article")
        links = article.get("related") if isinstance(article, dict) else None
        if not isinstance(article, dict) or not isinstance(links, list):
            return False
        article["related"] = [link for link in links if not self._leads_to_erased(link)]
        return len(article["related"]) < len(links)

    def _leads_to_erased(self, link: Any) -> bool:
        return isinstance(link, dict) and link.get("id") in self.epochs

    def without_in_letter(self, letter: bytes) -> bytes | None:
        """Return a dead letter without what is erased of the event in it, as `without` does."""
        try:
            document = from_json(letter)
            held = base64.b64decode(document["fields"][_EVENT], altchars=b"-_")
        except (ValueError, KeyError, TypeError, binascii.Error):
            # No letter of ours, or one without an event: it may name the article all the same.
            return None if self.names(letter) else letter
        kept = self.without(held)
        if kept is None:
            return None
        if kept is held:
            return letter
        document["fields"][_EVENT] = base64.urlsafe_b64encode(kept).decode()
        return to_json(document)


def _epoch_of(event: Mapping[str, Any]) -> int:
    epoch = event.get("epoch", 0)
    return epoch if isinstance(epoch, int) else 0
