"""Facets of the search page: values to filter by, with how many articles each would leave. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from services.index.engine.protocol import FacetCount, FacetName
from services.index.highlight import same_length_fold
from services.index.web.address import Address
from services.index.web.labels import FACETS, SENTIMENTS, entity_class, entity_word, language_name
from services.index.web.texts import capitalized, clip

NAME_CHARS = 80
FACET_VALUES = 6
FACET_VALUES_IN_ALL = 20
_LOWER_CASE = frozenset({"topic", "sentiment", "language"})


@dataclass(frozen=True, slots=True)
class Toggle:
    """A facet value. `share` is its count as a percentage of all that matches; `key` names it in the page."""

    key: str
    label: str
    word: str
    css: str
    href: str
    count: int
    share: int
    active: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """`rarer` are the values that are shown when asked for."""

    name: str
    heading: str
    toggles: tuple[Toggle, ...]
    rarer: tuple[Toggle, ...]


def _matching(count: FacetCount, chosen: Sequence[str]) -> tuple[str, ...]:
    """Return the filter values that stand for this facet value: a filter may name it otherwise."""
    names = {same_length_fold(count.value), same_length_fold(count.label)}
    return tuple(value for value in chosen if same_length_fold(value.strip()) in names)


def facet_view(
    name: FacetName, counts: Sequence[FacetCount], total: int | None, address: Address
) -> Facet | None:
    parameter, heading = FACETS[name]
    if name == "sentiment":
        counts = sorted(
            counts, key=lambda count: SENTIMENTS.index(count.value) if count.value in SENTIMENTS else 9
        )
    if not counts:
        return None
    whole = max(total or 0, *(count.count for count in counts), 1)
    toggles = tuple(_toggle(parameter, count, whole, address) for count in counts)
    if name != "sentiment":  # what is chosen comes first, however rare
        toggles = tuple(sorted(toggles, key=lambda toggle: not toggle.active))
    # One value more is no reason to hide it.
    shown = max(FACET_VALUES, sum(toggle.active for toggle in toggles))
    shown = shown if len(toggles) > shown + 1 else len(toggles)
    return Facet(name, heading, toggles[:shown], toggles[shown:])


def _toggle(parameter: str, count: FacetCount, whole: int, address: Address) -> Toggle:
    matching = _matching(count, address.values(parameter))
    target = address.removing(parameter, *matching) if matching else address.adding(parameter, count.value)
    label = count.label
    if parameter in _LOWER_CASE:
        label = capitalized(language_name(label) if parameter == "language" else label)
    kind = count.value.partition(":")[0] if parameter == "entity" else None
    return Toggle(
        key=f"{parameter}-{blake2b(count.value.encode('utf-8', 'replace'), digest_size=5).hexdigest()}",
        label=clip(label, NAME_CHARS),
        word=entity_word(kind) if kind else "",
        css=entity_class(kind) if kind else count.value if parameter == "sentiment" else "",
        href=target.href,
        count=count.count,
        share=max(1, round(100 * count.count / whole)),
        active=bool(matching),
    )
