"""What the process tells Prometheus."""

from collections.abc import Iterable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from commands.deciding import Group
from commands.system import System
from projections import delivered
from projections.followed import STANDINGS, Standing

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The process's counters; `watch` connects them to a system's parts."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._requests = Counter(
            "tabellion_requests",
            "Requests answered",
            ["surface", "route", "method", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "tabellion_request_seconds",
            "Time from a request's head to its reply",
            ["surface"],
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._commits = Counter(
            "tabellion_commits", "Groups committed", registry=registry
        )
        self._units = Counter(
            "tabellion_units", "Units by how they ended", ["outcome"], registry=registry
        )
        self._events = Counter("tabellion_events", "Events appended", registry=registry)
        self._group_size = Histogram(
            "tabellion_group_size",
            "Units in one commit",
            buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500),
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "tabellion_commit_seconds",
            "Time of a group from its first statement to its COMMIT",
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
            registry=registry,
        )
        self._sealed = Counter(
            "tabellion_sealed", "Commits that got their global place", registry=registry
        )
        self._queue = Gauge(
            "tabellion_queue", "Units that wait for a committer", registry=registry
        )
        self._backlog = Gauge(
            "tabellion_outbox_backlog",
            "Commits that wait to be sealed",
            registry=registry,
        )
        self._lag = Gauge(
            "tabellion_seal_lag_seconds",
            "Age of the oldest commit that waits to be sealed",
            registry=registry,
        )
        self._pending = Gauge(
            "tabellion_constraints_pending",
            "Unique constraints whose tables are being looked through",
            registry=registry,
        )
        self._behind, self._late, self._parked = (
            Gauge(f"tabellion_follower_{name}", told, ["follower"], registry=registry)
            for name, told in (
                ("backlog", "Events that wait for a follower"),
                ("lag_seconds", "How long the oldest of them has waited"),
                ("parked", "Workspaces that a follower stands still in"),
            )
        )
        self._waiting, self._under_way, self._oldest = (
            Gauge(f"tabellion_webhook_{name}", told, registry=registry)
            for name, told in (
                ("deliveries_waiting", "Deliveries that wait, for a try or another"),
                ("deliveries_under_way", "Deliveries that are being sent"),
                ("oldest_waiting_seconds", "How long the oldest of them has waited"),
            )
        )
        self._counted = _Counted()
        registry.register(self._counted)
        self._routes: dict[tuple[str, str, str, int], Counter] = {}
        self._latency: dict[str, Histogram] = {}

    def watch(self, system: System) -> None:
        self._queue.set_function(lambda: system.committer.waiting)
        system.observed.committed = self._committed
        system.observed.sealed = self._sealed.inc

    def answered(
        self, surface: str, route: str, method: str, status: int, seconds: float
    ) -> None:
        key = (surface, route, method, status)
        counter = self._routes.get(key)
        if counter is None:
            counter = self._requests.labels(surface, route, method, str(status))
            self._routes[key] = counter
        counter.inc()
        latency = self._latency.get(surface)
        if latency is None:
            latency = self._latency[surface] = self._seconds.labels(surface)
        latency.observe(seconds)

    def _committed(self, group: Group, seconds: float) -> None:
        accepted = len(group.accepted)
        if accepted:
            self._commits.inc()
            self._group_size.observe(accepted)
            self._commit_seconds.observe(seconds)
            self._events.inc(sum(unit.size for unit in group.accepted))
            self._units.labels("accepted").inc(accepted)
        refused = len(group.answers) - accepted
        if refused:
            self._units.labels("refused").inc(refused)

    async def text(self, system: System) -> bytes:
        """The exposition, with the backlog as the database has it now."""
        rows, followers, sent = await system.reader.run(
            [(_BACKLOG, []), (STANDINGS, []), (delivered.STANDING, [])]
        )
        self._backlog.set(rows[0][0])
        self._lag.set(rows[0][1])
        self._pending.set(rows[0][2])
        for one in (Standing(*row) for row in followers):
            self._behind.labels(one.follower).set(one.backlog)
            self._late.labels(one.follower).set(one.lag)
            self._parked.labels(one.follower).set(one.parked)
        self._tell_deliveries(delivered.Standing(*sent[0]))
        return generate_latest(self._registry)

    def _tell_deliveries(self, now: delivered.Standing) -> None:
        self._waiting.set(now.waiting)
        self._under_way.set(now.under_way)
        self._oldest.set(now.oldest)
        self._counted.now = now


class _Counted(Collector):
    """What the database counts, of all processes together."""

    def __init__(self) -> None:
        self.now: delivered.Standing | None = None

    def collect(self) -> Iterable[CounterMetricFamily]:
        if self.now is None:
            return
        attempts = CounterMetricFamily(
            "tabellion_webhook_attempts",
            "Tries of deliveries by how they ended",
            labels=["outcome"],
        )
        attempts.add_metric(["delivered"], self.now.delivered)
        attempts.add_metric(["failed"], self.now.failed)
        yield attempts
        yield CounterMetricFamily(
            "tabellion_webhook_turned_off",
            "How often a webhook was turned off: its receiver failed or wanted no more",
            self.now.turned_off,
        )


_BACKLOG = (
    b"SELECT count(*),"
    b" coalesce(extract(epoch FROM clock_timestamp() - min(at)), 0)::float,"
    b" (SELECT count(*) FROM catalog.fills WHERE phase <> 'drop')"
    b" FROM ledger.outbox"
)
