"""The same stages as a plain FastStream tutorial would write them: one message at a time.

    python -m bench.baseline ingest|enrich|index

What is the same: the enrichment steps and their models, the corpus of related articles, the number of
processes, the events, Redis and its settings, Tantivy, uvicorn with uvloop and httptools. What is the
tutorial's: a submit is one `broker.publish`; each subscriber takes one message, which FastStream decodes into
the model and acknowledges; the corpus is asked for one article; each document is one `add_document` and one
`commit`. It has no dedupe, receipts, retries, archive, highlights or facets, which makes it faster, not
slower. Two lines of log per message, FastStream's default, are switched off, in its favour too.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

import tantivy
import uvicorn
import uvloop
from fastapi import FastAPI, HTTPException, Request, Response
from faststream import FastStream
from faststream.redis import RedisBroker, StreamSub
from pydantic import BaseModel
from redis.asyncio import Redis

from shared.events import ArticleEnriched, ArticleSubmitted, Provenance, SubmittedArticle

RAW = "articles.raw"
ENRICHED = "articles.enriched"


class ArticleIn(BaseModel):
    id: str
    url: str
    title: str
    body: str
    source: str
    published_at: datetime
    language: str


def make_broker() -> RedisBroker:
    return RedisBroker(os.environ["BASELINE_REDIS_URL"], log_level=logging.DEBUG)


def event_from_article(article: ArticleIn) -> ArticleSubmitted:
    article_id = blake2b(f"{article.source} {article.id}".encode(), digest_size=16).hexdigest()
    return ArticleSubmitted(
        article_id=article_id,
        revision=1,
        received_at=datetime.now(UTC),
        content_hash=article_id,
        article=SubmittedArticle(
            publisher_id=article.id, canonical_url=article.url, **article.model_dump(exclude={"id"})
        ),
        provenance=Provenance(door="api"),
    )


def ingest_app() -> FastAPI:
    broker = make_broker()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with broker:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/v1/articles", status_code=202)
    async def submit(article: ArticleIn) -> dict[str, str]:
        event = event_from_article(article)
        await broker.publish(event, stream=RAW)
        return {"id": event.article_id, "status": "accepted"}

    @app.post("/v1/articles/batch")
    async def submit_batch(request: Request) -> dict[str, Any]:
        results = []
        for line in (await request.body()).splitlines():
            event = event_from_article(ArticleIn.model_validate_json(line))
            await broker.publish(event, stream=RAW)
            results.append({"id": event.article_id, "status": "accepted"})
        return {"accepted": len(results), "duplicates": 0, "rejected": 0, "results": results}

    return app


def enrich_app() -> FastStream:
    from services.enrich import pipeline
    from services.enrich.corpus import Corpus
    from services.enrich.pipeline import Models
    from shared.metrics import Metrics

    broker = make_broker()
    models, metrics = Models.load(), Metrics()
    corpus = Corpus(Redis.from_url(os.environ["BASELINE_REDIS_URL"]))

    @broker.subscriber(
        stream=StreamSub(RAW, group="enrich", consumer=os.environ["BASELINE_CONSUMER"]),
    )
    @broker.publisher(stream=ENRICHED)
    async def enrich(event: ArticleSubmitted) -> ArticleEnriched:
        draft = pipeline.enrich(event, models, metrics)
        neighbours = await corpus.place_many([pipeline.fingerprint_of(draft, models)])
        return pipeline.finish(draft, neighbours[0], datetime.now(UTC))

    return FastStream(broker, logger=None)


def open_index(directory: Path) -> tantivy.Index:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw")
    builder.add_text_field("title", stored=True, tokenizer_name="en_stem")
    builder.add_text_field("body", stored=True, tokenizer_name="en_stem")
    builder.add_text_field("source", stored=True, tokenizer_name="raw")
    builder.add_date_field("published_at", stored=True, fast=True)
    builder.add_bytes_field("json", stored=True)
    directory.mkdir(parents=True, exist_ok=True)
    return tantivy.Index(builder.build(), path=str(directory))


def document_from_event(event: ArticleEnriched) -> tantivy.Document:
    article = event.article
    document = tantivy.Document()
    document.add_text("id", article.id)
    document.add_text("title", article.title)
    document.add_text("body", article.body)
    document.add_text("source", article.source or "")
    document.add_date("published_at", article.published_at or event.received_at)
    document.add_bytes("json", article.model_dump_json().encode())
    return document


def card(document: tantivy.Document) -> dict[str, Any]:
    fields = {name: document.get_first(name) for name in ("id", "title", "source", "published_at")}
    return {**fields, "lead": str(document.get_first("body"))[:300]}


def index_app() -> FastAPI:
    broker = make_broker()
    index = open_index(Path(os.environ["BASELINE_INDEX_DIR"]))
    writer = index.writer()

    @broker.subscriber(stream=StreamSub(ENRICHED, group="index", consumer="index-1"))
    async def store(event: ArticleEnriched) -> None:
        writer.add_document(document_from_event(event))
        writer.commit()
        index.reload()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with broker:
            await broker.start()
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/livez")
    async def livez() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/search")
    def search(q: str = "", size: int = 10) -> dict[str, Any]:
        searcher = index.searcher()
        try:
            query = index.parse_query(q, ["title", "body"]) if q else tantivy.Query.all_query()
        except ValueError as error:
            raise HTTPException(400, str(error)) from error
        found = searcher.search(query, limit=size)
        hits = [card(searcher.doc(address)) for _, address in found.hits]
        return {
            "total": found.count,  # type: ignore[attr-defined]  # its stub lacks it
            "hits": hits,
        }

    @app.get("/v1/articles/{article_id}")
    def article(article_id: str) -> Response:
        searcher = index.searcher()
        query = tantivy.Query.term_query(index.schema, "id", article_id)
        hits = searcher.search(query, limit=1).hits
        if not hits:
            raise HTTPException(404)
        return Response(searcher.doc(hits[0][1]).get_first("json"), media_type="application/json")

    return app


def main() -> None:
    service = sys.argv[1]
    if service == "enrich":
        uvloop.install()
        asyncio.run(enrich_app().run())
        return
    app = ingest_app() if service == "ingest" else index_app()
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BASELINE_PORT"]), log_level="warning")


if __name__ == "__main__":
    main()
