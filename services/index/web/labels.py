"""Words for codes: what a person reads where the data holds a label or a code."""

from __future__ import annotations

from services.index.engine.protocol import FacetName
from shared.media_topics import TOP_LEVEL

# Label of an entity to the word for it and the class that colours it.
_ENTITIES = {
    "PERSON": ("person", "person"),
    "ORG": ("organisation", "org"),
    "GPE": ("place", "place"),
    "LOC": ("place", "place"),
    "FAC": ("building or site", "place"),
    "NORP": ("people or group", "other"),
    "EVENT": ("event", "other"),
    "PRODUCT": ("product", "other"),
    "WORK_OF_ART": ("work", "other"),
    "LAW": ("law", "other"),
    "DATE": ("date", "value"),
    "MONEY": ("money", "value"),
    "PERCENT": ("percentage", "value"),
}
_LANGUAGES = {
    "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech", "da": "Danish",
    "de": "German", "el": "Greek", "en": "English", "es": "Spanish", "et": "Estonian", "fa": "Persian",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean", "lt": "Lithuanian",
    "lv": "Latvian", "mr": "Marathi", "ms": "Malay", "nb": "Norwegian", "nl": "Dutch", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian", "sk": "Slovak",
    "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili", "ta": "Tamil",
    "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "und": "undetermined",
    "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
_DOORS = {
    "api": "submitted over the API",
    "batch": "submitted in a batch",
    "webhook": "sent by a webhook",
    "url": "fetched from its address",
    "feed": "read from a feed",
    "websub": "pushed by a WebSub hub",
    "ninjs": "submitted as ninjs",
    "file": "submitted from a file",
}
# Parts of an article that need a model of its language, as its page names them when there is none.
UNREAD_PARTS = {"sentiment": "tone", "entities": "names", "topics": "topics"}
RELATED_KINDS = {"cited": "cited", "duplicate": "nearly the same text", "similar": "similar"}
SENTIMENTS = ("negative", "neutral", "positive")

# The facets of the page in their order: the parameter that filters by each, and its heading.
FACETS: dict[FacetName, tuple[str, str]] = {
    "persons": ("entity", "People"),
    "orgs": ("entity", "Organisations"),
    "places": ("entity", "Places"),
    "topics": ("topic", "Topics"),
    "sources": ("source", "Sources"),
    "sentiment": ("sentiment", "Tone"),
    "languages": ("language", "Languages"),
}
PARAMETERS = {
    "entity": "Mentions",
    "topic": "Topic",
    "source": "Source",
    "sentiment": "Tone",
    "language": "Language",
    "story": "Story",
    "from": "From",
    "to": "Until",
}


def entity_word(label: object) -> str:
    return _ENTITIES.get(str(label), ("name", "other"))[0]


def entity_class(label: object) -> str:
    return _ENTITIES.get(str(label), ("name", "other"))[1]


def language_name(code: str) -> str:
    return _LANGUAGES.get(code.lower(), code)


def topic_name(code: str) -> str:
    return TOP_LEVEL.get(code, code)


def filter_value(name: str, value: str) -> str:
    """Return the value of a filter as a person reads it."""
    if name == "entity" and value.partition(":")[0].isupper():
        return value.partition(":")[2] or value
    if name == "language":
        return language_name(value)
    if name == "topic":
        return topic_name(value)
    return "one story" if name == "story" else value


def door_phrase(door: object) -> str:
    return _DOORS.get(str(door), str(door))


# The sections of the page in their order: name, address, what the link says.
SECTIONS = (
    ("search", "/", "Latest"),
    ("stories", "/stories", "Stories"),
    ("trends", "/trends", "Trends"),
    ("live", "/live", "Live"),
    ("saved", "/saved", "Saved"),
    ("operator", "/operator", "Operator"),
)

# What a search can be taken away as: by the end of its address, and by its format.
FEEDS = {"rss": "RSS", "atom": "Atom", "json": "JSON Feed"}
FEED_TYPES = {
    "RSS": "application/rss+xml",
    "Atom": "application/atom+xml",
    "JSON Feed": "application/feed+json",
}
EXPORTS = {"csv": "CSV, for a spreadsheet", "ndjson": "NDJSON, with everything"}
