"""The articles that the browser tests find, and words that would run if a page let them."""

from __future__ import annotations

import time
import urllib.request
from datetime import timedelta

from shared.events import ArticleEnriched, Entity, EntitySentiment, Mention, Quote, Related, Sentiment, Topic
from tests.browser.conftest import Site
from tests.support import NOW, article_id, enriched

HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>"
LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänskajütentürschlüssel" * 3
BODY = "Ann Reed opened the harbour.\n\n“We sail at noon,” Reed said. She left Aberdeen on Monday."


def named(label: str, canonical: str, body: str = "", score: float = 0.4) -> Entity:
    start = body.find(canonical)
    mentions = (Mention(start=start, end=start + len(canonical)),) if start >= 0 else ()
    return Entity.model_validate(
        {
            "text": canonical, "label": label, "canonical": canonical, "count": 1, "mentions": mentions,
            "sentiment": EntitySentiment(score=score, confidence=0.8, mentions=1),
        }
    )  # fmt: skip


def articles() -> list[ArticleEnriched]:
    """Four about a harbour, three of them one story; one in Arabic, one of very long words, one hostile."""
    said = BODY.index("We sail")
    harbour = (named("PERSON", "Ann Reed", BODY), named("GPE", "Aberdeen", BODY, -0.3))
    return [
        enriched(
            "a", title="Harbour reopens", body=BODY, source="Wire A", entities=harbour, story_id="s1",
            url="https://wire-a.example/1", authors=("Jo Li",),
            topics=(Topic(code="13000000", name="science and technology", score=0.8),),
            quotes=(Quote(text="We sail at noon,", start=said, end=said + 16, kind="direct", cue="said",
                          speaker="Ann Reed"),),
            related=(Related(kind="similar", id=article_id("b"), title="Harbour closed", why="harbour"),),
            published_at=NOW - timedelta(days=20),
        ),
        enriched("b", title="Harbour closed", body="The storm shut the harbour of Aberdeen.", source="Wire B",
                 entities=harbour, story_id="s1", published_at=NOW - timedelta(days=22),
                 sentiment=Sentiment(label="negative", score=-0.5, confidence=0.8)),
        enriched("d", title="Harbour fees rise", body="Fees rise by a tenth, the port said.", source="Wire B",
                 story_id="s1", published_at=NOW - timedelta(days=2)),
        enriched("ar", title="الميناء يفتح من جديد", body="فتح الميناء أبوابه يوم الاثنين بعد العاصفة.",
                 source="وكالة", language={"code": "ar", "confidence": 0.9}, unsupported=("sentiment",)),
        enriched("long", title=LONG_WORD, body=f"{LONG_WORD} " * 20, source=LONG_WORD,
                 entities=(named("ORG", LONG_WORD, LONG_WORD),)),
        enriched("c", title=f"Cup final {HOSTILE}", body=HOSTILE * 5, source=HOSTILE, authors=(HOSTILE,),
                 url="javascript:alert(1)", story_id="s2", entities=(named("PERSON", HOSTILE, HOSTILE),),
                 keyphrases=({"text": HOSTILE, "score": 1},)),
        enriched("c2", title=f"Cup lost {HOSTILE}", body=HOSTILE * 4 + "x", source=HOSTILE, story_id="s2"),
    ]  # fmt: skip


def fill(site: Site) -> None:
    """Publish the articles and wait until all of them can be found."""
    events = articles()
    site.publish(*events)
    for event in events:
        wait_for(f"{site.url}/articles/{event.article_id}")


def wait_for(url: str, within_s: float = 15.0) -> None:
    deadline = time.monotonic() + within_s
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
