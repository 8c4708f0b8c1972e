"""Metrics in Prometheus' terms: each service makes one `Metrics` and hands it to what counts.

Label values come from closed sets (route templates, status codes, error codes, grant types), never from what a request
says, so nobody can fill the memory with new ones.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, GCCollector, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily

from tessera_shared.errors import OAuthError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
UNMATCHED = "unmatched"
"""The route label of requests to paths that nothing serves."""
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Reading = Iterable[tuple[Mapping[str, str], float]]
"""Values of a gauge at one moment, each with its labels."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value that is read when it is asked for."""

    name: str
    help: str
    read: Callable[[], Reading]

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """What the registry asks for at each scrape."""
        values = [(dict(labels), value) for labels, value in self.read()]
        names = list(values[0][0]) if values else []
        family = GaugeMetricFamily(self.name, self.help, labels=names)
        for labels, value in values:
            family.add_metric([labels[name] for name in names], value)
        yield family


class Metrics:
    """What one service counts: requests and refusals always, beside them what the service adds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._requests = Histogram(
            "tessera_http_request_duration_seconds",
            "Requests by route, method and status, and how long they took.",
            ("route", "method", "status"),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._refusals = self.counter("refusals", "Requests refused, by error code and section.", "error", "section")
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def counter(self, name: str, meaning: str, *labels: str) -> Counter:
        """A counter of the service's own: `tessera_<name>_total`; the same one each time it is asked for."""
        if name not in self._counters:
            self._counters[name] = Counter(f"tessera_{name}", meaning, labels, registry=self._registry)
        return self._counters[name]

    def gauge(self, name: str, meaning: str, read: Callable[[], Reading]) -> None:
        """A value that is read at each scrape: `tessera_<name>`."""
        self._registry.register(Gauge(f"tessera_{name}", meaning, read))

    def value(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A gauge of one value without labels."""
        self.gauge(name, meaning, lambda: [({}, read())])

    def observe_request(self, route: str, method: str, status: int, started: float) -> None:
        """Count one request that began at `started` (`time.perf_counter`)."""
        self._requests.labels(route, method, str(status)).observe(time.perf_counter() - started)

    def count_refusal(self, error: OAuthError) -> None:
        """Count one refusal; codes and sections are constants of ours."""
        self._refusals.labels(error.error, error.section or "").inc()

    def text(self) -> bytes:
        """Everything in the text format that Prometheus reads."""
        return generate_latest(self._registry)
