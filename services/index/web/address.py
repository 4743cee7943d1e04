"""The addresses of search pages, each made from the one being shown by a single change. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode

from services.index.web.labels import PARAMETERS

FILTERS = tuple(PARAMETERS)
_KEPT = frozenset({"q", "sort", "size", "collapse", *FILTERS})


@dataclass(frozen=True, slots=True)
class Address:
    """The parameters of a search in the order they came, without those of one page, such as a cursor."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, parameters: Iterable[tuple[str, str]]) -> Self:
        kept = [(name, value) for name, value in parameters if name in _KEPT and value.strip()]
        return cls(tuple(dict.fromkeys(kept)))

    @property
    def href(self) -> str:
        return f"/?{urlencode(self.pairs)}" if self.pairs else "/"

    @property
    def filters(self) -> tuple[tuple[str, str], ...]:
        return tuple(pair for pair in self.pairs if pair[0] in FILTERS)

    def get(self, name: str) -> str:
        """Return the last value, which is the one that counts where only one is taken."""
        return next((value for other, value in reversed(self.pairs) if other == name), "")

    def values(self, name: str) -> tuple[str, ...]:
        return tuple(value for other, value in self.pairs if other == name)

    def adding(self, name: str, value: str) -> Self:
        return replace(self, pairs=tuple(dict.fromkeys((*self.pairs, (name, value)))))

    def removing(self, name: str, *values: str) -> Self:
        """Return it without these values of a parameter, or without the parameter when none is given."""
        return replace(
            self,
            pairs=tuple(
                (other, value)
                for other, value in self.pairs
                if other != name or (values and value not in values)
            ),
        )

    def setting(self, name: str, value: str) -> Self:
        return self.removing(name).adding(name, value)

    def elsewhere(self, path: str, **parameters: str) -> str:
        """Return the address that asks `path` for the same articles: by text and filters, not by page."""
        asked = [pair for pair in self.pairs if pair[0] == "q" or pair[0] in FILTERS]
        query = urlencode((*asked, *parameters.items()))
        return f"{path}?{query}" if query else path

    def without_filters(self) -> Self:
        return replace(self, pairs=tuple(pair for pair in self.pairs if pair[0] not in FILTERS))

    def at(self, cursor: str) -> str:
        """Return the address of the page that begins at `cursor`."""
        return f"/?{urlencode((*self.pairs, ('cursor', cursor)))}"
