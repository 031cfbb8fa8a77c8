"""Counts and times of a service, as Prometheus reads them. They hold nothing of a film or a person."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest

from hilum import __version__

_SECONDS = (0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.25, 0.5, 1, 2, 5, 10, 30)


class Metrics:
    """The metrics of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "hilum_requests", "Requests by route and status.", ["route", "status"], registry=self.registry
        )
        self.latency = Histogram(
            "hilum_request_seconds",
            "From a request's first byte to its answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.inside = Gauge(
            "hilum_requests_inside", "Requests that are being answered.", registry=self.registry
        )
        self.stages = Histogram(
            "hilum_stage_seconds",
            "Seconds of a film in a stage, its queue included.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.workers_lost = Counter(
            "hilum_workers_lost", "Processes that a film ended.", registry=self.registry
        )
        self.shadows = Counter(
            "hilum_shadow_films", "Films of the shadow bundle.", ["outcome"], registry=self.registry
        )
        self.swaps = Counter(
            "hilum_bundle_swaps", "Bundles that took another's place.", ["bundle"], registry=self.registry
        )
        about = Gauge("hilum_info", "The version.", ["version"], registry=self.registry)
        about.labels(__version__).set(1)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self.requests.labels(route, str(status)).inc()
        self.latency.labels(route).observe(seconds)

    def seconds(self, stage: str, seconds: float) -> None:
        """Note how long a stage took: ``open``, ``answer`` or ``map``."""
        self.stages.labels(stage).observe(seconds)

    def lost(self) -> None:
        """Count a process that a film ended."""
        self.workers_lost.inc()

    def shadow(self, outcome: str) -> None:
        """Count a film of the shadow bundle."""
        self.shadows.labels(outcome).inc()

    def text(self) -> bytes:
        """In Prometheus' text form."""
        return generate_latest(self.registry)
