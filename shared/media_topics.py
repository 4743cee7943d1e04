"""IPTC Media Topics of the top level, and those among what publishers say of their articles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from shared.events import Topic

# https://cv.iptc.org/newscodes/mediatopic/, top level.
TOP_LEVEL: Final = {
    "01000000": "arts, culture, entertainment and media",
    "02000000": "crime, law and justice",
    "03000000": "disaster, accident and emergency incident",
    "04000000": "economy, business and finance",
    "05000000": "education",
    "06000000": "environment",
    "07000000": "health",
    "08000000": "human interest",
    "09000000": "labour",
    "10000000": "lifestyle and leisure",
    "11000000": "politics and government",
    "12000000": "religion",
    "13000000": "science and technology",
    "14000000": "society",
    "15000000": "sport",
    "16000000": "conflict, war and peace",
    "17000000": "weather",
}
_MEDIA_TOPIC = re.compile(r"(?:medtop:|https?://cv\.iptc\.org/newscodes/mediatopics?/)([0-9]{8})")


def publisher_topics(subjects: Iterable[Mapping[str, Any]]) -> tuple[Topic, ...]:
    """Return those subjects that are Media Topics of the top level, as sure as their publisher says."""
    found: dict[str, Topic] = {}
    for subject in subjects:
        code = media_topic(subject.get("uri")) or media_topic(subject.get("literal"))
        if code in TOP_LEVEL and code not in found:
            sure = subject.get("confidence", subject.get("relevance", 100))
            found[code] = Topic(code=code, name=TOP_LEVEL[code], score=sure / 100, origin="publisher")
    return tuple(found.values())


def media_topic(name: str | None) -> str | None:
    """Return the code of a Media Topic that is named by its URI or its qcode."""
    matched = _MEDIA_TOPIC.fullmatch(name.strip()) if name else None
    return matched and matched[1]
