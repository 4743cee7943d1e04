"""Writes the examples of the current schema version: run it once, when a version is new.

    PYTHONPATH=. python tests/contract/examples/make.py

Each event has one example with every field and one with as few as there may be. A version that was released
is never written again: tests/contract/test_events.py compares the files with DIGESTS.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from shared.events import (
    SCHEMA_VERSION,
    Article,
    ArticleEnriched,
    ArticleRetracted,
    ArticleSubmitted,
    DeadLetter,
    Entity,
    EntitySentiment,
    Event,
    Image,
    Keyphrase,
    Language,
    Link,
    Mention,
    Provenance,
    Quote,
    Related,
    Sentiment,
    SubmittedArticle,
    Topic,
)

HERE = Path(__file__).parent
AT = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"

IMAGE = Image(
    url="https://straits-wire.example/i.jpg",
    caption="Manila",
    credit="SW",
    width=1200,
    height=800,
    content_type="image/jpeg",
)
THEIR_ENTITY = Entity(
    text="Asean",
    label="ORG",
    canonical="Asean",
    count=1,
    origin="publisher",
    uri="https://asean.example/",
    rel="about",
)
THEIR_TOPIC = Topic(code="11000000", name="politics and government", score=1.0, origin="publisher")
SUBMITTED = SubmittedArticle(
    publisher_id="sw-1",
    url="https://straits-wire.example/2026/11/25/sea-code?utm_source=x",
    canonical_url="https://straits-wire.example/2026/11/25/sea-code",
    title="Ministers finish sea code",
    body="Corazon Villareal-Sy said in Manila that the code was finished.",
    source="Straits Wire",
    authors=("Lim Kah Wai",),
    published_at=AT,
    updated_at=AT,
    language="en",
    keywords=("asean",),
    links=(Link(url="https://asean.example/code", title="The code", rel="cited"),),
    image=IMAGE,
    uri="urn:straits-wire.example:1",
    images=(IMAGE,),
    entities=(THEIR_ENTITY,),
    topics=(THEIR_TOPIC,),
    embargoed_until=AT,
    extra={"desk": "world", "priority": 3},
)
PROVENANCE = Provenance(
    door="api", format="ninjs 3.x", submitted_by="newsroom", versions={"entities": "crf-1"}
)
ARTICLE = Article(
    id=ID,
    revision=2,
    url=SUBMITTED.url,
    canonical_url=SUBMITTED.canonical_url,
    publisher_id="sw-1",
    title="Ministers finish sea code",
    body="Corazon Villareal-Sy said in Manila that the code was finished.",
    source="Straits Wire",
    authors=("Lim Kah Wai",),
    published_at=AT,
    updated_at=AT,
    received_at=AT,
    enriched_at=AT,
    indexed_at=AT,
    language=Language(code="en", confidence=0.99),
    keywords=("asean",),
    links=SUBMITTED.links,
    image=SUBMITTED.image,
    uri=SUBMITTED.uri,
    images=SUBMITTED.images,
    embargoed_until=AT,
    entities=(
        THEIR_ENTITY,
        Entity(
            text="Corazon Villareal-Sy",
            label="PERSON",
            canonical="Corazon Villareal-Sy",
            count=1,
            mentions=(Mention(start=0, end=20),),
            sentiment=EntitySentiment(score=0.2, confidence=0.6, mentions=1),
            origin="wireroom",
        ),
    ),
    sentiment=Sentiment(label="positive", score=0.3, confidence=0.7),
    keyphrases=(Keyphrase(text="sea code", score=0.9),),
    quotes=(
        Quote(
            text="This is a start,",
            start=22,
            end=38,
            kind="direct",
            cue="said",
            speaker="Corazon Villareal-Sy",
            speaker_start=0,
            speaker_end=20,
        ),
    ),
    topics=(
        THEIR_TOPIC,
        Topic(code="11000000", name="politics and government", score=0.8, origin="wireroom"),
    ),
    related=(
        Related(
            kind="cited", url="https://asean.example/code", title="The code", why="linked from the article"
        ),
    ),
    story_id="fedcba9876543210fedcba9876543210",
    provenance=PROVENANCE,
    extra={"desk": "world"},
)
FULL: tuple[Event, ...] = (
    ArticleSubmitted(
        article_id=ID,
        revision=2,
        received_at=AT,
        content_hash="c0ffee",
        article=SUBMITTED,
        provenance=PROVENANCE,
    ),
    ArticleEnriched(
        article_id=ID, revision=2, received_at=AT, content_hash="c0ffee", submitted=SUBMITTED, article=ARTICLE
    ),
    ArticleRetracted(
        article_id=ID, revision=2, epoch=1, received_at=AT, reason="court order", retracted_by="desk"
    ),
    DeadLetter(
        stream="articles.raw.{0}",
        group="enrich",
        entry_id="1764057600000-0",
        article_id=ID,
        reason="attempts_exhausted",
        error="RuntimeError: cannot digest this",
        attempts=5,
        died_at=AT,
        fields={"event": b'{"type":"ArticleSubmitted"}\xff'},
    ),
)
LEAST: tuple[Event, ...] = (
    ArticleSubmitted(
        article_id=ID,
        revision=0,
        received_at=AT,
        content_hash="c0ffee",
        article=SubmittedArticle(title="Ministers finish sea code"),
        provenance=Provenance(door="batch"),
    ),
    ArticleEnriched(
        article_id=ID,
        revision=1,
        received_at=AT,
        content_hash="c0ffee",
        submitted=SubmittedArticle(title="Ministers finish sea code"),
        article=Article(
            id=ID,
            revision=1,
            title="Ministers finish sea code",
            body="",
            received_at=AT,
            language=Language(code="und", confidence=0),
            sentiment=Sentiment(label="neutral", score=0, confidence=0),
            provenance=Provenance(door="batch"),
        ),
    ),
    ArticleRetracted(article_id=ID, revision=3, received_at=AT, withheld=True),
    DeadLetter(
        stream="articles.enriched.{7}",
        group="index",
        entry_id="1764057600000-1",
        reason="invalid_event",
        error="InvalidEvent: it is no JSON",
        attempts=1,
        died_at=AT,
        fields={},
    ),
)


def main() -> None:
    for suffix, events in (("", FULL), ("-least", LEAST)):
        for event in events:
            path = HERE / f"{type(event).__name__}-{SCHEMA_VERSION}{suffix}.json"
            path.write_text(event.model_dump_json(indent=2) + "\n", encoding="utf-8")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(HERE.glob("*.json"))
    ]
    (HERE / "DIGESTS").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
