"""The Tantivy schema. Any change to it needs a new SCHEMA_VERSION, which makes older indexes refuse to open.

Text that is searched is indexed twice: stemmed (for words) and unstemmed with positions (for phrases,
prefixes and fuzzy words). Nothing of it is stored: what is served is stored once, as JSON.
"""

from __future__ import annotations

from tantivy import Schema, SchemaBuilder

from services.index.engine.analysis import KEYWORD, STEMS, WORDS

SCHEMA_VERSION = 2

ARTICLE = "article"
WITHHELD = "withheld"
REMOVED = "removed"
KINDS = (ARTICLE, WITHHELD, REMOVED)

STEMMED_FIELDS = ("title", "body")
WORD_FIELDS = (
    "title_words", "body_words", "source_words", "author_words", "topic_words",
    "entity_words", "person_words", "org_words", "place_words",
)  # fmt: skip
KEYWORD_FIELDS = ("source_key", "entity_key", "topic_key")
RAW_FIELDS = ("kind",)
FACET_FIELDS = ("source", "entity", "person", "org", "place", "topic", "language", "sentiment", "story")
# The order of events about one article, as columns: `engine.revisions` compares them.
UNSIGNED_FIELDS = ("sort_key", "seq", "id_high", "id_low", "epoch", "final", "revision")
# `indexed_us` is when an article became searchable, in microseconds since 1970: the order of the live wire.
SIGNED_FIELDS = ("updated_us", "received_us", "enriched_us", "indexed_us")


def build_schema() -> Schema:
    builder = SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in STEMMED_FIELDS:
        builder.add_text_field(name, tokenizer_name=STEMS, index_option="freq")
    for name in WORD_FIELDS:
        builder.add_text_field(name, tokenizer_name=WORDS, index_option="position")
    for name in KEYWORD_FIELDS:
        builder.add_text_field(name, tokenizer_name=KEYWORD, index_option="basic")
    for name in RAW_FIELDS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    for name in FACET_FIELDS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    for name in UNSIGNED_FIELDS:
        builder.add_unsigned_field(name, fast=True)
    for name in SIGNED_FIELDS:
        builder.add_integer_field(name, fast=True)
    # The same number on all near-duplicates of one text: see `engine.clusters`.
    builder.add_unsigned_field("cluster", fast=True, indexed=True)
    builder.add_unsigned_field("outlet", fast=True)
    builder.add_float_field("sentiment_score", fast=True)
    # For intervals of time, which sort_key is no unit of: counts and mean tone per day or hour.
    builder.add_date_field("published", fast=True)
    builder.add_bytes_field("card", stored=True)
    builder.add_bytes_field("json", stored=True)
    return builder.build()
