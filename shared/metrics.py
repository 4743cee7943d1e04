"""The metric catalogue. A metric that is not in `CATALOGUE` cannot be used: its name raises.

Names are `wireroom_<noun>_<unit>[_total]` in base units; labels are small closed sets.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.errors import WireroomError

Kind = Literal["counter", "gauge", "histogram"]
LATENCY_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
STAGE_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class UnregisteredMetric(WireroomError):
    """The name or its labels are not in the catalogue: add them there first."""


@dataclass(frozen=True, slots=True)
class MetricSpec:
    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = STAGE_BUCKETS


CATALOGUE: tuple[MetricSpec, ...] = (
    MetricSpec("wireroom_articles_accepted_total", "counter", "Articles accepted (202) by door.", ("door",)),
    MetricSpec("wireroom_articles_duplicate_total", "counter", "Submits that changed nothing.", ("door",)),
    MetricSpec("wireroom_articles_rejected_total", "counter", "Submits refused, by reason.", ("reason",)),
    MetricSpec("wireroom_articles_retracted_total", "counter", "Takedowns accepted."),
    MetricSpec("wireroom_articles_republished_total", "counter", "Accepted articles and takedowns published again after Redis had lost them."),
    MetricSpec("wireroom_state_losses_total", "counter", "Times Redis was found without what it knew of the articles."),
    MetricSpec("wireroom_state_lost_entries_total", "counter", "Entries in flight and dead letters, as last seen, when Redis lost its state."),
    MetricSpec("wireroom_ingest_write_seconds", "histogram", "One pipelined write of coalesced submits."),
    MetricSpec("wireroom_ingest_write_articles", "gauge", "Submits in the latest pipelined write."),
    MetricSpec("wireroom_fetches_total", "counter", "Fetches from the web, by status class, `refused` by the guard, or the reason they failed.", ("outcome",)),
    MetricSpec("wireroom_fetch_seconds", "histogram", "One fetch from the web, redirects included.", (), LATENCY_BUCKETS),
    MetricSpec("wireroom_feeds", "gauge", "Feeds by state: active, failing (the last poll was an error), stopped.", ("state",)),
    MetricSpec("wireroom_feed_polls_total", "counter", "Polls of feeds, by outcome.", ("outcome",)),
    MetricSpec("wireroom_feed_entries_total", "counter", "Entries of feeds by outcome: new, changed, unchanged, skipped.", ("outcome",)),
    MetricSpec("wireroom_feed_poll_seconds", "histogram", "One poll of a feed, its submits included.", (), LATENCY_BUCKETS),
    MetricSpec("wireroom_feed_overdue_seconds", "gauge", "How long the feed that waits longest has been due."),
    MetricSpec("wireroom_websub_subscriptions", "gauge", "Feeds that a hub pushes now."),
    MetricSpec("wireroom_websub_pushes_total", "counter", "What hubs pushed: taken, unsigned, malformed, unwanted.", ("outcome",)),
    MetricSpec("wireroom_websub_verifications_total", "counter", "What hubs asked back: confirmed or refused.", ("outcome",)),
    MetricSpec("wireroom_backpressure_active", "gauge", "1 while ingest answers 503 because the pipeline is full."),
    MetricSpec("wireroom_backlog_entries", "gauge", "Lag plus pending of the slowest group, as last sampled."),
    MetricSpec("wireroom_entries_processed_total", "counter", "Stream entries done, by outcome.", ("stream", "outcome")),
    MetricSpec("wireroom_entries_redelivered_total", "counter", "Entries delivered again.", ("stream",)),
    MetricSpec("wireroom_entries_dead_total", "counter", "Entries moved to dead letters, by reason.", ("stream", "reason")),
    MetricSpec("wireroom_entries_fenced_total", "counter", "Results discarded because another consumer was first.", ("stream",)),
    MetricSpec("wireroom_entries_trimmed_total", "counter", "Acknowledged entries removed from streams.", ("stream",)),
    MetricSpec("wireroom_consumer_halted", "gauge", "1 while a consumer has halted on too many dead entries.", ("stream",)),
    MetricSpec("wireroom_stream_lag_entries", "gauge", "Entries not yet delivered to the group.", ("stream", "group")),
    MetricSpec("wireroom_stream_pending_entries", "gauge", "Entries delivered and not acknowledged.", ("stream", "group")),
    MetricSpec("wireroom_stream_oldest_pending_seconds", "gauge", "Age of the oldest unacknowledged entry.", ("stream", "group")),
    MetricSpec("wireroom_stage_seconds", "histogram", "Time of one step or stage for one article or batch.", ("stage",)),
    MetricSpec(
        "wireroom_searchable_seconds", "histogram", "From acceptance to searchable.", (), LATENCY_BUCKETS
    ),
    MetricSpec("wireroom_commit_seconds", "histogram", "One durable commit: archive, then index."),
    MetricSpec("wireroom_documents_indexed_total", "counter", "Documents written, by outcome.", ("outcome",)),
    MetricSpec("wireroom_index_documents", "gauge", "Documents searchable now."),
    MetricSpec("wireroom_index_last_commit_timestamp_seconds", "gauge", "When the index last committed."),
    MetricSpec("wireroom_index_damage_total", "counter", "Times that files of the index did not match their checksums."),
    MetricSpec("wireroom_archive_bytes", "gauge", "Bytes in archive segments."),
    MetricSpec("wireroom_search_seconds", "histogram", "One search, from parsed query to page.", ("kind",)),
    MetricSpec("wireroom_exported_articles_total", "counter", "Articles sent by exports, by format.", ("format",)),
    MetricSpec("wireroom_streams_open", "gauge", "Live streams that are open."),
    MetricSpec("wireroom_stream_events_total", "counter", "Events sent on live streams: article, retracted.", ("event",)),
    MetricSpec("wireroom_saved_searches", "gauge", "Saved searches by status: active, paused, disabled.", ("status",)),
    MetricSpec("wireroom_saved_search_matches_total", "counter", "Articles found to match a saved search, counted for each search."),
    MetricSpec("wireroom_saved_search_failures_total", "counter", "Articles that matching saved searches broke over."),
    MetricSpec("wireroom_webhook_deliveries_total", "counter", "Attempts to tell a receiver, by outcome.", ("outcome",)),
    MetricSpec("wireroom_webhook_delivery_seconds", "histogram", "One attempt to tell a receiver.", (), LATENCY_BUCKETS),
    MetricSpec("wireroom_webhook_pending_messages", "gauge", "Messages that wait for receivers which are told."),
    MetricSpec("wireroom_webhook_oldest_pending_seconds", "gauge", "Age of the oldest message that waits for a receiver which is told."),
    MetricSpec("wireroom_webhook_messages_expired_total", "counter", "Messages given up untold: too old, or too many of one search."),
    MetricSpec("wireroom_http_requests_total", "counter", "HTTP responses.", ("method", "route", "status")),
    MetricSpec("wireroom_build_info", "gauge", "Always 1; labels tell what runs.", ("version", "service")),
    MetricSpec("wireroom_model_info", "gauge", "Always 1; labels tell which model a step uses.", ("step", "version")),
)  # fmt: skip


class Metrics:
    """All metrics of the catalogue in one registry, reached by name."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._collectors: dict[str, Counter | Gauge | Histogram] = {
            spec.name: self._collector(spec) for spec in CATALOGUE
        }

    def _collector(self, spec: MetricSpec) -> Counter | Gauge | Histogram:
        if spec.kind == "counter":
            return Counter(spec.name, spec.help, spec.labels, registry=self.registry)
        if spec.kind == "gauge":
            return Gauge(spec.name, spec.help, spec.labels, registry=self.registry)
        return Histogram(spec.name, spec.help, spec.labels, buckets=spec.buckets, registry=self.registry)

    def inc(self, name: str, amount: float = 1, **labels: str) -> None:
        collector = self._find(name, labels)
        if not isinstance(collector, Counter):
            raise UnregisteredMetric(f"{name} is not a counter")
        collector.inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        collector = self._find(name, labels)
        if not isinstance(collector, Gauge):
            raise UnregisteredMetric(f"{name} is not a gauge")
        collector.set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        collector = self._find(name, labels)
        if not isinstance(collector, Histogram):
            raise UnregisteredMetric(f"{name} is not a histogram")
        collector.observe(value)

    @contextmanager
    def timed(self, name: str, **labels: str) -> Iterator[None]:
        """Observe how long the body takes, in seconds, whether or not it raises."""
        start = perf_counter()
        try:
            yield
        finally:
            self.observe(name, perf_counter() - start, **labels)

    def _find(self, name: str, labels: dict[str, str]) -> Counter | Gauge | Histogram:
        collector = self._collectors.get(name)
        if collector is None:
            raise UnregisteredMetric(f"{name} is not in shared.metrics.CATALOGUE")
        if not labels:
            return collector
        try:
            return collector.labels(**labels)
        except ValueError as error:
            raise UnregisteredMetric(f"{name}: labels {sorted(labels)} are not those registered") from error

    def exposition(self) -> bytes:
        """Return the registry in the Prometheus text format."""
        return generate_latest(self.registry)
