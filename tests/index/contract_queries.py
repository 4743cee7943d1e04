"""The articles of the contract suite, and what queries find among them: true of every engine."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.index.articles import article_id, entity, topic

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


EVERYTHING = set(ARTICLES)
# In the order of relevance where it is a list, in any order where it is a set.
FOUND: dict[str, list[str] | set[str]] = {
    "": EVERYTHING,
    "*": EVERYTHING,
    "xi blinken": ["visit", "visit-reaction"],
    "XI BLINKEN": ["visit", "visit-reaction"],
    "xi": ["visit", "visit-reaction", "trade"],
    "xi OR delhi": {"visit", "visit-reaction", "trade"},
    "xi AND delhi": ["trade"],
    "xi -blinken": ["trade"],
    "xi NOT (blinken OR delhi)": [],
    "-xi": EVERYTHING - {"visit", "visit-reaction", "trade"},
    "NOT xi NOT running": EVERYTHING - {"visit", "visit-reaction", "trade", "match"},
    "+xi delhi": {"visit", "visit-reaction", "trade"},
    "xi OR -running": EVERYTHING - {"match"},
    "absentword": [],
    "xi absentword": [],
    "xi OR absentword": {"visit", "visit-reaction", "trade"},
    # Stems
    "run": {"visit", "match"},
    "meeting": {"visit", "trade"},
    "talk": ["visit-reaction", "visit"],
    "minister": ["trade"],
    # Accents and letters
    "jose": ["match"],
    "JOSÉ": ["match"],
    "jose\u0301": ["match"],
    "martinez": ["match"],
    "sondergaard": ["match"],
    "weiss": ["match"],
    "elections nimes": ["french"],
    "ecole": ["french"],
    "习近平": ["chinese"],
    "北京": ["chinese"],
    "京北": [],
    # Phrases
    '"xi jinping"': ["visit"],
    '"jinping xi"': [],
    '"xi and blinken"': ["visit-reaction"],
    '"talks running"': [],
    '"talks running"~1': ["visit"],
    '"talks were running late"': ["visit"],
    '"talk were run"': [],
    '"in beijing the talks"': [],
    '"new delhi"': ["trade"],
    "al-jazeera": ["hyphens"],
    "state-of-the-art": ["hyphens"],
    "art-of-the-state": [],
    "U.S.": ["trade"],
    "rock'n'roll": ["hyphens"],
    "1,234.5": ["undated"],
    "10:30": ["hyphens"],
    # Prefixes and near words
    "jinp*": ["visit"],
    "mart*": ["match"],
    "sønder*": ["match"],
    "state-of-the-ar*": ["hyphens"],
    "title:bei*": ["visit"],
    "body:bei*": [],
    "blinkin~1": ["visit", "visit-reaction"],
    "blinkin": [],
    "belinkne~2": ["visit", "visit-reaction"],
    "belinkne~1": [],
    # Fields
    "title:xi": ["visit"],
    "body:xi": {"visit", "visit-reaction", "trade"},
    "title:(xi beijing)": ["visit"],
    'title:"xi jinping"': ["visit"],
    "source:reuters": {"visit-reaction", "trade"},
    "source:jazeera": ["visit"],
    'source:"al jazeera"': ["visit"],
    "source:bild": ["match"],
    "author:weiss": ["match"],
    'author:"ann lee"': ["visit"],
    "entity:xi": {"visit", "visit-reaction", "trade"},
    'entity:"new delhi"': ["trade"],
    "person:jinping": {"visit", "visit-reaction", "trade"},
    "person:beijing": [],
    "place:beijing": ["visit"],
    "org:g20": ["trade"],
    "org:xi": [],
    "topic:politics": {"visit", "visit-reaction", "trade"},
    "topic:15000000": ["match"],
    "language:fr": ["french"],
    "lang:FR": ["french"],
    "sentiment:negative": ["trade"],
    "sentiment:>0.3": {"visit", "match"},
    "sentiment:[* TO *]": EVERYTHING,
    "sentiment:{0.3 TO *}": {"visit", "match"},
    "sentiment:[-1 TO -0.2]": ["trade"],
    "story:s-visit": {"visit", "visit-reaction"},
    f"id:{article_id('trade')}": ["trade"],
    f"id:{article_id('trade')[:12]}*": ["trade"],
    f"id:{article_id('gone')}": [],
    f"id:{article_id('withheld')[:12]}*": [],
    "published:2026-11-12": ["trade"],
    "published:>2026-11-14": {"chinese", "undated", "from-the-future"},
    "published:<2026-11-11": {"visit", "hyphens"},
    "published:[2026-11-11 TO 2026-11-12]": {"visit-reaction", "trade"},
    "published:{2026-11-11 TO 2026-11-13}": ["trade"],
    "published:2026-11-10T12:00": ["visit"],
    "published:2026-11-10T12:01": [],
    "published:>2098": [],
    "-published:>=2026-11-10": ["hyphens"],
    "xi^0.1 OR delhi^5": {"visit", "visit-reaction", "trade"},
    # Nothing that could be meant
    "!!!": [],
    "™": [],
    '"?"': [],
    "xi ?": ["visit", "visit-reaction", "trade"],
    "😀": [],
    "x" * 100: [],
    "removed": [],
    "withheld": [],
    "article": [],
}  # fmt: skip
