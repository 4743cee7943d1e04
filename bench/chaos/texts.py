"""What the producer submits: short distinct articles that clean-up leaves as they are, from a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from services.ingest.identity import article_id
from shared.events import SubmittedArticle

SOURCE = "Chaos Wire"
SENTENCES = 6
_WHO = (
    "The harbour commission", "Rotterdam's city council", "A spokesman for the ministry",
    "Mayor Ilse Verhoeven",
    "The rail operator", "The central bank of Norway", "A court in Lyon", "The growers' association",
)  # fmt: skip
_DID = (
    "approved", "postponed", "defended", "criticised", "presented", "rejected", "welcomed", "questioned",
    "ordered", "revised",
)  # fmt: skip
_WHAT = (
    "the new timetable", "a plan for the eastern pier", "the budget for schools",
    "an inquiry into the outage",
    "the sale of two ferries", "a lower tariff on grain", "the merger of both hospitals",
    "a ban on night flights",
)  # fmt: skip
_WHY = (
    "after weeks of talks", "despite warnings from residents", "because costs had doubled",
    "ahead of the vote",
    "to the surprise of investors", "in a short statement", "for the third time this year",
    "late in the evening",
)  # fmt: skip


def digest(title: str, body: str) -> str:
    """Return the hash by which a payload is recognised when it is served."""
    return sha256(f"{title}\0{body}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Text:
    """One version of an article."""

    title: str
    body: str

    @property
    def digest(self) -> str:
        return digest(self.title, self.body)


@dataclass(frozen=True, slots=True)
class Subject:
    """An article to be: `word` occurs in every version of it and in no other article."""

    word: str

    @property
    def article_id(self) -> str:
        """The id that the service must give it; known beforehand, for submits that are never answered."""
        return article_id(SubmittedArticle(publisher_id=self.word, source=SOURCE))

    def text(self, version: int) -> Text:
        rng = random.Random(f"{self.word} {version}")  # reproducible, not secret
        sentences = [
            f"{rng.choice(_WHO)} {rng.choice(_DID)} {rng.choice(_WHAT)} {rng.choice(_WHY)}."
            for _ in range(SENTENCES)
        ]
        middle = SENTENCES // 2
        body = f"{' '.join(sentences[:middle])}\n\nThe file {self.word} is at version {version}. " + " ".join(
            sentences[middle:]
        )
        return Text(f"{rng.choice(_WHO)} {rng.choice(_DID)} {self.word}", body)

    def payload(self, version: int, *, revision: int | None, status: str = "usable") -> dict[str, Any]:
        """Return the document to submit; `revision` None lets the service count."""
        text = self.text(version)
        document: dict[str, Any] = {"id": self.word, "source": SOURCE, "title": text.title, "body": text.body}
        document |= {"published_at": "2026-11-20T08:00:00Z", "language": "en"}
        if revision is not None:
            document["revision"] = revision
        if status != "usable":
            document["status"] = status
        return document
