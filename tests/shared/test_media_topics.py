from __future__ import annotations

import pytest

from services.enrich.steps.topics import MEDIA_TOPICS
from shared.media_topics import TOP_LEVEL, media_topic, publisher_topics


def test_publishers_topics_are_named_as_ours_are() -> None:
    assert dict(MEDIA_TOPICS.values()) == TOP_LEVEL


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("medtop:11000000", "11000000"),
        ("http://cv.iptc.org/newscodes/mediatopic/20000574", "20000574"),
        ("https://cv.iptc.org/newscodes/mediatopic/11000000", "11000000"),
        ("https://attacker.example/mediatopic/11000000", None),
        ("11000000", None),
        (None, None),
    ],
)
def test_a_media_topic_is_known_by_its_uri_or_its_code(name: str | None, code: str | None) -> None:
    assert media_topic(name) == code


def test_only_the_top_level_are_topics_and_each_counts_once() -> None:
    found = publisher_topics(
        [
            {"name": "law of the sea", "uri": "http://cv.iptc.org/newscodes/mediatopic/20000574"},
            {"literal": "medtop:15000000", "confidence": 60},
            {"uri": "medtop:15000000"},
            {"name": "nothing"},
        ]
    )
    assert [(topic.code, topic.name, topic.score, topic.origin) for topic in found] == [
        ("15000000", "sport", 0.6, "publisher")
    ]
