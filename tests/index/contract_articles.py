"""The articles that every engine of the contract suite holds."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.index.articles import entity, topic

XI, BLINKEN, BEIJING = (
    entity("PERSON", "Xi Jinping", 3, "Xi"),
    entity("PERSON", "Antony Blinken"),
    entity("GPE", "Beijing"),
)
POLITICS, SPORT = topic("11000000", "politics"), topic("15000000", "sport")


def day(number: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, number, hour, tzinfo=UTC)


ARTICLES = {
    "visit": {
        "title": "Blinken meets Xi Jinping in Beijing",
        "body": "The talks were running late. Antony Blinken and the president, Xi, spoke for an hour.",
        "source": "Al Jazeera", "authors": ("Ann Lee",), "published_at": day(10),
        "sentiment": 0.4, "story_id": "s-visit",
        "entities": (XI, BLINKEN, BEIJING, entity("DATE", "Monday")), "topics": (POLITICS,),
    },
    "visit-reaction": {
        "title": "Allies welcome the talks",
        "body": "Xi and Blinken. Blinken and Xi. Xi, Xi, Xi: nobody spoke of anything but Blinken and Xi.",
        "source": "Reuters", "published_at": day(11), "sentiment": 0.1, "story_id": "s-visit",
        "entities": (XI, BLINKEN), "topics": (POLITICS,),
    },
    "trade": {
        "title": "Trade ministers meet in New Delhi",
        "body": "Delegates from 20 countries met. Mr Xi was absent, the U.S. envoy ran out of time.",
        "source": "Reuters", "published_at": day(12), "sentiment": -0.5,
        "entities": (XI, entity("GPE", "New Delhi"), entity("ORG", "G20")), "topics": (POLITICS,),
    },
    "match": {
        "title": "José Martínez scores twice",
        "body": "The Søndergaard cup final was running to extra time when Martínez scored. Weiß missed.",
        "source": "Sport Bild", "authors": ("José Weiß",), "published_at": day(13), "sentiment": 0.8,
        "entities": (entity("PERSON", "José Martínez"),), "topics": (SPORT,),
    },
    "french": {
        "title": "Élections à Nîmes",
        "body": "Les électeurs ont voté dimanche. L'école était ouverte.",
        "source": "Le Monde", "language": "fr", "published_at": day(14),
        "entities": (entity("GPE", "Nîmes"),),
    },
    "chinese": {
        "title": "习近平会见布林肯", "body": "国家主席习近平在北京会见美国国务卿布林肯。",
        "source": "新华社", "language": "zh",
        "published_at": day(15), "entities": (entity("PERSON", "习近平"),),
    },
    "undated": {"title": "No date on this one", "body": "Quarterly & yearly <figures>: 1,234.5 per cent."},
    "from-the-future": {
        "title": "A clock that is wrong", "body": "Dated in another century.",
        "published_at": datetime(2099, 1, 1, tzinfo=UTC),
        "received_at": day(16),
    },
    "hyphens": {
        "title": "Al-Jazeera's state-of-the-art newsroom", "body": "Rock'n'roll, e-mail and C++ at 10:30.",
        "published_at": day(9), "received_at": day(9),
    },
}  # fmt: skip
