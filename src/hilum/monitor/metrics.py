"""What Prometheus scrapes of the watches of a service: a text, made anew of their stores at each scrape.

Convention: names begin with ``hilum_``; every sample has the label ``bundle``, the service's name of the bundle, and `hilum_bundle_info`
tells its digest. Counts are of what the store keeps, so they fall when films older than the retention are deleted or a bundle is swapped,
as a counter does on a restart. Nothing is registered with Prometheus' own global registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from hilum import __version__
from hilum.core.extras import require_extra
from hilum.monitor.status import MonitorStatus
from hilum.monitor.watch import Watch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.core import Metric

BUCKETS_S: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends of the histogram of seconds."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


def registry_of(watches: Callable[[], Iterable[Watch]]) -> CollectorRegistry:
    """A registry that collects from the watches that a service has at the time of a scrape.

    Args:
        watches: Gives them; called at each scrape, so that a swapped bundle is seen.

    Raises:
        MissingExtraError: Without prometheus-client.
    """
    require_extra("serve", "prometheus_client")
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(watches))
    return registry


def metrics_text(registry: CollectorRegistry) -> bytes:
    """What a scrape gets, of type `CONTENT_TYPE`."""
    from prometheus_client import generate_latest

    return generate_latest(registry)


class _Collector:
    """Collects a family of metrics at a time from every watch."""

    def __init__(self, watches: Callable[[], Iterable[Watch]]) -> None:
        self._watches = watches

    def describe(self) -> list[Metric]:
        """Nothing: names are known at a scrape."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Every family, each with the samples of all bundles."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        seen = [(w.status(), w.histogram(BUCKETS_S)) for w in self._watches()]
        info = GaugeMetricFamily(
            "hilum_bundle_info", "Bundles that are watched.", labels=("bundle", "digest", "version")
        )
        seconds = HistogramMetricFamily(
            "hilum_film_seconds", "Seconds from request to answer.", labels=("bundle",)
        )
        for status, (buckets, total) in seen:
            info.add_metric((status.name, status.bundle, __version__), 1)
            seconds.add_metric((status.name,), buckets, total)
        yield info
        yield seconds
        for kind, name, words, labels, rows in _FAMILIES:
            family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(
                name, words, labels=("bundle", *labels)
            )
            for status, _ in seen:
                for values, value in rows(status):
                    family.add_metric((status.name, *values), value)
            yield family


_Rows = Iterable[tuple[tuple[str, ...], float]]


def _films(s: MonitorStatus) -> _Rows:
    return [((outcome,), n) for outcome, n in s.films.items()]


def _why(s: MonitorStatus) -> _Rows:
    return [((reason,), n) for reason, n in s.why.items()]


def _not_watched(s: MonitorStatus) -> _Rows:
    return [(("too-fast",), s.dropped), (("not-stored",), s.unstored)]


def _classes(s: MonitorStatus) -> _Rows:
    return [((name,), n) for name, n in s.classes.items()]


def _drift(of: Callable[[Any], float]) -> Callable[[MonitorStatus], _Rows]:
    return lambda s: [((c.group, c.statistic, c.method), of(c)) for c in s.checks]


def _rates(name: str) -> Callable[[MonitorStatus], _Rows]:
    return lambda s: [
        ((r.name.partition(" ")[0],), value) for r in s.rates if (value := getattr(r, name)) is not None
    ]


_CHECK = ("group", "statistic", "method")
_FAMILIES: Final[tuple[tuple[str, str, str, tuple[str, ...], Callable[[MonitorStatus], _Rows]], ...]] = (
    ("counter", "hilum_films", "Films, by outcome.", ("outcome",), _films),
    ("counter", "hilum_films_not_relied_on", "Films that the gate did not pass or that have no scores, by reason.", ("reason",), _why),
    ("counter", "hilum_films_by_class", "Films with scores, by their likeliest class.", ("class",), _classes),
    ("counter", "hilum_films_not_watched", "Films that are in no other figure, by reason.", ("reason",), _not_watched),
    ("gauge", "hilum_drift", "Statistic of the last window against the reference.", _CHECK, _drift(lambda c: c.value)),
    ("gauge", "hilum_drift_threshold", "Value above which the statistic is an alarm.", _CHECK, _drift(lambda c: c.threshold)),
    ("gauge", "hilum_drift_alarm", "1 where the statistic is above its threshold.", _CHECK, _drift(lambda c: float(c.alarm))),
    ("gauge", "hilum_drift_window_films", "Films of the last window; 0 before the first look.", (), lambda s: [((), s.window)]),
    ("gauge", "hilum_drift_reference", "1 where the bundle has a reference.", (), lambda s: [((), float(s.has_reference))]),
    ("gauge", "hilum_feedback_rate", "Share of right answers among films with a reader's label.", ("rate",), _rates("value")),
    ("gauge", "hilum_feedback_rate_low", "Lower end of its 95 % interval.", ("rate",), _rates("low")),
    ("gauge", "hilum_feedback_rate_high", "Upper end of its 95 % interval.", ("rate",), _rates("high")),
    ("gauge", "hilum_feedback_films", "Films with a reader's label that count.", ("rate",), _rates("n")),
)  # fmt: skip
