"""Which other articles a reader may want after one, each with why: cited, of the same story, or alike."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.index.engine.aggregations import ClusteredHit
from services.index.engine.protocol import Hit, SearchEngine, StoredArticle
from services.index.query.nodes import Field, In

MAX_RELATED = 20
MAX_SHARED = 3
_SAME_STORY = "reports on the same story"
_SAME_TEXT = "is nearly the same text"
_WORD = re.compile(r"[^\W\d_]+")
# Shorter ones tell little; a few longer ones that any headline may have are left out.
_SHORTEST_WORD = 5
_COMMON = frozenset({
    "about", "after", "again", "before", "could", "every", "first", "other", "since", "still", "their",
    "there", "these", "today", "under", "where", "which", "while", "would", "years",
})  # fmt: skip
# BM25 has no upper bound, and the scores of links lie between 0 and 1: half of that is reached here.
_HALF_SCORE = 50.0


def related_links(engine: SearchEngine, article: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return links that enrichment found, then to the rest of the story, then to what is alike.

    There is none to what was taken down. `score`, 0 to 1, is left out where likeness was not measured.
    """
    links: list[dict[str, Any]] = [link for link in article.get("related", ()) if still_there(engine, link)]
    alike = {hit.id: hit for hit in engine.more_like_this(article["id"], MAX_RELATED)}
    siblings = _siblings(engine, article)
    own = next((one.cluster for one in siblings if one.hit.id == article["id"]), None)
    found = [_sibling(article, one, alike.get(one.hit.id), own) for one in siblings]
    told = {article["id"], *(link.get("id") for link in links)}
    story = {one["id"] for one in found}
    found += [
        link for hit in alike.values() if hit.id not in story and (link := _alike(article, hit)) is not None
    ]
    found = [link for link in found if link["id"] not in told]
    # A page with very many links of its own leaves room for what it does not link to.
    return (links[: max(MAX_RELATED // 2, MAX_RELATED - len(found))] + found)[:MAX_RELATED]


def still_there(engine: SearchEngine, link: Mapping[str, Any]) -> bool:
    return link.get("id") is None or isinstance(engine.get(link["id"]), StoredArticle)


def _siblings(engine: SearchEngine, article: Mapping[str, Any]) -> Sequence[ClusteredHit]:
    story_id = article.get("story_id")
    if not story_id:
        return ()
    return engine.aggregations.articles(In(Field.STORY, (story_id,)), MAX_RELATED + 1, "newest")


def _sibling(
    article: Mapping[str, Any], sibling: ClusteredHit, measured: Hit | None, own_cluster: int | None
) -> dict[str, Any]:
    """An article is enriched before its copies come in, so only the index knows of them."""
    if sibling.cluster == own_cluster:
        return _link("duplicate", measured or sibling.hit, _SAME_TEXT)
    shared = why_alike(article, sibling.hit.card)
    return _link("similar", measured or sibling.hit, f"{_SAME_STORY}; {shared}" if shared else _SAME_STORY)


def _alike(article: Mapping[str, Any], hit: Hit) -> dict[str, Any] | None:
    """Return None for what an engine finds alike and no reader would: in a small index, anything is."""
    names, words = _shared(article, hit.card)
    return _link("similar", hit, _why(names, words)) if names or len(words) > 1 else None


def _link(kind: str, hit: Hit, why: str) -> dict[str, Any]:
    link = {
        "kind": kind,
        "id": hit.id,
        "url": hit.card.get("url"),
        "title": hit.card.get("title"),
        "why": why,
    }
    if hit.score is not None:
        link["score"] = round(hit.score / (hit.score + _HALF_SCORE), 3)
    return link


def why_alike(article: Mapping[str, Any], card: Mapping[str, Any]) -> str:
    """Return the names that both have, and the words of both titles, as enrichment words it; "" for none."""
    return _why(*_shared(article, card))


def _shared(article: Mapping[str, Any], card: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    names = [name for name in _names(article) if name in set(_names(card))][:MAX_SHARED]
    known = {word for name in names for word in _words(name)}
    others = set(_words(card.get("title")))
    words = [word for word in _words(article.get("title")) if word in others and word not in known]
    return names, words


def _why(names: Sequence[str], words: Sequence[str]) -> str:
    lists = [
        f"{kind}: {', '.join(shared)}" for kind, shared in (("names", names), ("words", words)) if shared
    ]
    return f"shares {'; '.join(lists)}" if lists else ""


def _names(article: Mapping[str, Any]) -> list[str]:
    """Return canonical names, the most frequent first; dates and amounts are none."""
    entities = sorted(article.get("entities") or (), key=lambda entity: -int(entity.get("count") or 0))
    named = [
        entity["canonical"] for entity in entities if entity["label"] not in ("DATE", "MONEY", "PERCENT")
    ]
    return list(dict.fromkeys(named))


def _words(text: str | None) -> list[str]:
    found = dict.fromkeys(word.casefold() for word in _WORD.findall(text or ""))
    return [word for word in found if len(word) >= _SHORTEST_WORD and word not in _COMMON][:50]
