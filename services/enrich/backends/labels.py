"""Label maps: from the words of a model to ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from shared.errors import ConfigurationError
from shared.events import Label

OURS: Mapping[str, str] = {label: label for label in get_args(Label)}
# CoNLL's LOC is mostly countries and cities. Its MISC is peoples, events and works alike: it names nothing.
CONLL: Mapping[str, str] = {"PER": "PERSON", "PERSON": "PERSON", "ORG": "ORG", "LOC": "GPE"}
# What a zero-shot model is asked for, unless the settings say otherwise.
PROMPTS: Mapping[str, str] = {
    "person": "PERSON",
    "organization": "ORG",
    "country, city or state": "GPE",
    "river, mountain or region": "LOC",
    "building or airport": "FAC",
    "nationality, religious or political group": "NORP",
    "event": "EVENT",
    "product": "PRODUCT",
    "book, film or song": "WORK_OF_ART",
    "law": "LAW",
}


def parse_labels(setting: str, text: str) -> dict[str, str]:
    """Read `theirs=OURS, theirs=` (nothing after = drops the label). Raises ConfigurationError."""
    labels = {}
    for pair in filter(None, map(str.strip, text.split(","))):
        theirs, equals, ours = (part.strip() for part in pair.partition("="))
        if not theirs or not equals or (ours and ours not in OURS):
            raise ConfigurationError(
                f"{setting}: {pair!r} is not a label of the model, =, and nothing or one of "
                + ", ".join(OURS)
            )
        labels[theirs] = ours
    return labels


def label_map(known: Iterable[str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the map for a model that says which labels it knows; what the settings give comes first."""
    labels = set(known)
    conll = "PER" in labels or ("MISC" in labels and "GPE" not in labels)
    built_in = CONLL if conll else OURS
    merged = {label: built_in.get(label, "") for label in labels} | dict(given)
    return {theirs: ours for theirs, ours in merged.items() if ours}
