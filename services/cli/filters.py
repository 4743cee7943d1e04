"""The query text and filters that every reading command takes, and the API's parameters they become."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import typer

TONES = ("negative", "neutral", "positive")

QueryText = Annotated[
    str,
    typer.Argument(
        metavar="QUERY",
        help='Terms, "phrases", AND OR NOT, field:term, pre*, word~1. Empty matches all.',
    ),
]
Source = Annotated[
    list[str] | None, typer.Option(metavar="NAME", help="Only from this publisher. All filters repeat.")
]
Entity = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Only about this: `Xi Jinping` or `PERSON:Xi Jinping`."),
]
Topic = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Only on this topic: crime, 02000000.")]
Language = Annotated[list[str] | None, typer.Option(metavar="CODE", help="Only in this language: en, de.")]
Tone = Annotated[
    list[str] | None, typer.Option("--sentiment", metavar="TONE", help="negative, neutral or positive.")
]
Story = Annotated[list[str] | None, typer.Option(metavar="ID", help="Only of this story.")]
PublishedFrom = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="Published then or later: 2024-10-01.")
]
PublishedTo = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Published then or earlier.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Refuse a query with a fault instead of reading around it.")
]


@dataclass(frozen=True, slots=True)
class Filters:
    """Which articles are meant. Several values of one filter mean any of them."""

    query: str = ""
    source: list[str] | None = None
    entity: list[str] | None = None
    topic: list[str] | None = None
    language: list[str] | None = None
    sentiment: list[str] | None = None
    story: list[str] | None = None
    published_from: str | None = None
    published_to: str | None = None

    def __post_init__(self) -> None:
        for tone in self.sentiment or ():
            if tone not in TONES:
                raise typer.BadParameter(f"--sentiment is one of {', '.join(TONES)}.")

    def lists(self) -> dict[str, list[str]]:
        """Return the filters that are lists, without those not given."""
        values = {
            "source": self.source, "entity": self.entity, "topic": self.topic, "language": self.language,
            "sentiment": self.sentiment, "story": self.story,
        }  # fmt: skip
        return {name: given for name, given in values.items() if given}

    def params(self) -> dict[str, Any]:
        """Return the parameters of the HTTP interface, without those not given."""
        single = {"q": self.query, "from": self.published_from, "to": self.published_to}
        return {name: value for name, value in single.items() if value} | self.lists()
