"""What travels between services: the only definition of every event and of the parts it is made of.

Ingest writes `ArticleSubmitted`, enrich turns it into `ArticleEnriched`, index stores that;
`ArticleRetracted` takes the same way, and `DeadLetter` holds what could not go on.
All models are frozen. Fields that a newer minor version adds survive a passage through an older reader.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from shared.errors import InvalidEvent, UnsupportedSchema

SCHEMA_MAJOR = 1
SCHEMA_VERSION = "1.0"

ArticleId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
Score = Annotated[float, Field(ge=-1.0, le=1.0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Label = Literal[
    "PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "EVENT", "PRODUCT", "WORK_OF_ART", "LAW",
    "DATE", "MONEY", "PERCENT",
]  # fmt: skip
Tone = Literal["negative", "neutral", "positive"]
Door = Literal["api", "batch", "webhook", "url", "feed", "websub", "ninjs", "file"]
QuoteKind = Literal["direct", "indirect"]
RelatedKind = Literal["cited", "duplicate", "similar"]
# Who says so. What nobody marked is ours: publishers' entities and topics came with ninjs.
Origin = Literal["publisher", "wireroom"]


class Part(BaseModel):
    """A piece of an event: frozen, and keeps fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="allow", ser_json_bytes="base64", val_json_bytes="base64")


class Link(Part):
    """A link found in an article or given by its publisher; `rel` is the publisher's word for it."""

    url: str
    title: str | None = None
    rel: str | None = None


class Image(Part):
    url: str
    caption: str | None = None
    credit: str | None = None
    width: int | None = None
    height: int | None = None
    content_type: str | None = None


class Provenance(Part):
    """How an article came to us and what has worked on it.

    `fetched_from` and `fetched_at` tell where and when it was fetched, by us or by who archived it. `format`
    is what the article was written in, where it was not our own JSON: "ninjs 3.x", "NewsML-G2".
    `versions` maps a model or rule set to its version, e.g. {"entities": "builtin net-1645eb0d97"}.
    """

    door: Door
    format: str | None = None
    submitted_by: str | None = None
    fetched_from: str | None = None
    fetched_at: AwareDatetime | None = None
    versions: dict[str, str] = Field(default_factory=dict)


class SubmittedArticle(Part):
    """An article as its publisher gave it, with strings normalised and unknown fields under `extra`.

    `body` is plain text and `html` is markup; at least one of them or `title` holds text. `uri` names the
    item worldwide (ninjs' uri, NewsML-G2's guid). `image` is the first of `images`. `entities` and `topics`
    are the publisher's own, which nothing here changes. `embargoed_until` is the publisher's wish: it is for
    those who read to keep it.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    publisher_id: str | None = None
    url: str | None = None
    canonical_url: str | None = None
    title: str | None = None
    body: str | None = None
    html: str | None = None
    source: str | None = None
    authors: tuple[str, ...] = ()
    published_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    language: str | None = None
    keywords: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    image: Image | None = None
    uri: str | None = None
    images: tuple[Image, ...] = ()
    entities: tuple[Entity, ...] = ()
    topics: tuple[Topic, ...] = ()
    embargoed_until: AwareDatetime | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class Language(Part):
    """`code` is ISO 639-1, or "und" when the text says too little; `confidence` is 0…1."""

    code: str
    confidence: Share


class Mention(Part):
    """Half-open character span [start, end) of the served `body`."""

    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]


class EntitySentiment(Part):
    """Mean tone of the sentences that mention an entity; `mentions` is how many sentences were read."""

    score: Score
    confidence: Share
    mentions: int


class Entity(Part):
    """A named thing in an article.

    `canonical` folds surname, acronym and alias mentions together; `text` is its first surface form.
    `count` includes mentions in the title, `mentions` only those in the body. Of the publisher's own
    (`origin`) the count is 1 and there are no mentions: the publisher says that the article is about it, not
    where; `uri` and `rel` are then as given.
    """

    text: str
    label: Label
    canonical: str
    count: Annotated[int, Field(ge=1)]
    mentions: tuple[Mention, ...] = ()
    sentiment: EntitySentiment | None = None
    origin: Origin | None = None
    uri: str | None = None
    rel: str | None = None


class Sentiment(Part):
    """Tone of the whole article: `score` −1…1, weighted mean over sentences."""

    label: Tone
    score: Score
    confidence: Share


class Keyphrase(Part):
    text: str
    score: Share


class Quote(Part):
    """What somebody said: `text` is body[start:end], without the marks around it.

    `direct` stood between quotation marks, `indirect` is a reported clause. `speaker` is the canonical name
    of an entity or the article's own words ("a spokesman"), None where a pronoun could mean several.
    `speaker_start` and `speaker_end` are where the body names the speaker there, `cue` is the verb of saying.
    """

    text: str
    start: Annotated[int, Field(ge=0)]
    end: Annotated[int, Field(ge=0)]
    kind: QuoteKind
    cue: str
    speaker: str | None = None
    speaker_start: Annotated[int, Field(ge=0)] | None = None
    speaker_end: Annotated[int, Field(ge=0)] | None = None


class Topic(Part):
    """An IPTC Media Topic of the top level; `code` is its eight-digit medtop code."""

    code: str
    name: str
    score: Share
    origin: Origin | None = None


class Related(Part):
    """A link to another article and why it is there.

    `cited`: the article's own link out; `duplicate`: nearly the same text; `similar`: shares telling terms.
    `id` is set when we hold the other article.
    """

    kind: RelatedKind
    id: str | None = None
    url: str | None = None
    title: str | None = None
    score: Share = 1.0
    why: str


class Article(Part):
    """An article as served. Offsets of entity mentions and of quotes index `body`.

    What the publisher did not give and the article's HTML says about it is filled from there: `description`,
    for one, and `is_accessible_for_free`, false behind a paywall and None if the page does not say.

    `doubtful_dates` names those of its dates that cannot be right (`shared.dates`): they are served as they
    were given, and such an article is ordered by when it was received, if that is the earlier.

    `unsupported` names the parts that nothing here can make in this language: they are empty, and the
    sentiment neutral with a confidence of 0, because they were not read, and not because nothing was found.
    """

    id: ArticleId
    revision: int
    url: str | None = None
    canonical_url: str | None = None
    publisher_id: str | None = None
    title: str
    body: str
    source: str | None = None
    authors: tuple[str, ...] = ()
    published_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    description: str | None = None
    received_at: AwareDatetime
    enriched_at: AwareDatetime | None = None
    indexed_at: AwareDatetime | None = None
    language: Language
    keywords: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    image: Image | None = None
    is_accessible_for_free: bool | None = None
    uri: str | None = None
    images: tuple[Image, ...] = ()
    embargoed_until: AwareDatetime | None = None
    entities: tuple[Entity, ...] = ()
    sentiment: Sentiment
    keyphrases: tuple[Keyphrase, ...] = ()
    topics: tuple[Topic, ...] = ()
    quotes: tuple[Quote, ...] = ()
    unsupported: tuple[str, ...] = ()
    doubtful_dates: tuple[str, ...] = ()
    related: tuple[Related, ...] = ()
    story_id: str | None = None
    provenance: Provenance
    extra: dict[str, Any] = Field(default_factory=dict)


class Precedence(NamedTuple):
    """Which of two events about one article wins: the greater.

    `epoch` counts restorations, so a final retraction beats every submit of its own epoch, whatever
    order they come in, and only a restored submit (a later epoch) beats the retraction.
    """

    epoch: int
    final: bool
    revision: int
    updated_at: datetime
    received_at: datetime


_NEVER = datetime.fromtimestamp(0, UTC)


class Event(Part):
    """What every event carries. `type` says which model it is, `schema_version` is major.minor."""

    schema_version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+$")] = SCHEMA_VERSION


class ArticleEvent(Event):
    """An event about one article; `epoch` counts its restorations after takedowns."""

    final: ClassVar[bool] = False

    article_id: ArticleId
    revision: Annotated[int, Field(ge=0)]
    epoch: Annotated[int, Field(ge=0)] = 0
    received_at: AwareDatetime


class ArticleSubmitted(ArticleEvent):
    """Ingest accepted an article. `content_hash` tells whether a later submit changed anything."""

    type: Literal["ArticleSubmitted"] = "ArticleSubmitted"
    content_hash: str
    article: SubmittedArticle
    provenance: Provenance

    @property
    def precedence(self) -> Precedence:
        return Precedence(
            self.epoch, False, self.revision, self.article.updated_at or _NEVER, self.received_at
        )


class ArticleEnriched(ArticleEvent):
    """Enrich has finished with an article. `submitted` is the form it came in, kept for re-enrichment."""

    type: Literal["ArticleEnriched"] = "ArticleEnriched"
    content_hash: str
    submitted: SubmittedArticle
    article: Article

    @property
    def precedence(self) -> Precedence:
        # As of the submit, for the article may have an `updated_at` that only its HTML tells.
        return Precedence(
            self.epoch, False, self.revision, self.submitted.updated_at or _NEVER, self.received_at
        )


class ArticleRetracted(ArticleEvent):
    """An article was taken down (`withheld` false: final until restored) or withheld by its publisher.

    A withheld article gives way to its next usable revision.
    """

    type: Literal["ArticleRetracted"] = "ArticleRetracted"
    withheld: bool = False
    reason: str | None = None
    retracted_by: str | None = None

    @property
    def precedence(self) -> Precedence:
        return Precedence(self.epoch, not self.withheld, self.revision, _NEVER, self.received_at)


class DeadLetter(Event):
    """An entry that no attempt could process, with everything needed to understand and replay it.

    `fields` are the entry's own bytes (base64 in JSON); `reason` is from the closed set in `shared.errors`.
    """

    type: Literal["DeadLetter"] = "DeadLetter"
    stream: str
    group: str
    entry_id: str
    article_id: str | None = None
    reason: str
    error: str
    attempts: int
    died_at: AwareDatetime
    fields: dict[str, bytes]


AnyEvent = ArticleSubmitted | ArticleEnriched | ArticleRetracted | DeadLetter
_BY_TYPE: dict[str, type[AnyEvent]] = {
    "ArticleSubmitted": ArticleSubmitted,
    "ArticleEnriched": ArticleEnriched,
    "ArticleRetracted": ArticleRetracted,
    "DeadLetter": DeadLetter,
}
EVENT_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])


def decode_event(payload: bytes) -> AnyEvent:
    """Return the event in `payload` (JSON bytes).

    Raises InvalidEvent when the bytes are no event, UnsupportedSchema when their major version is not ours.
    """
    try:
        event = EVENT_ADAPTER.validate_json(payload)
    except ValidationError as error:
        _raise_if_other_major(payload, error)
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the document"
        raise InvalidEvent(f"{first['msg']} at {where}") from error
    if not _is_ours(event.schema_version):
        # Another major may give a field another meaning, though it still validates.
        raise UnsupportedSchema(event.schema_version)
    return event


def _is_ours(version: str) -> bool:
    return version.partition(".")[0] == str(SCHEMA_MAJOR)


_VERSION = re.compile(r"[0-9]+\.[0-9]+")


def _raise_if_other_major(payload: bytes, cause: ValidationError) -> None:
    try:
        document = from_json(payload)
    except ValueError:
        return
    version = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(version, str) and _VERSION.fullmatch(version) and not _is_ours(version):
        raise UnsupportedSchema(version) from cause


def encode_event(event: Event) -> bytes:
    """Return `event` as compact JSON bytes, the form it has on a stream."""
    return event.model_dump_json(exclude_none=True).encode()
