"""The numbers of the whole installation, as Prometheus reads them.

All but those of the disk come from the rows at the moment of the look: any API process
tells the same, and a restart loses nothing. No label holds an owner, a file or a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

from prsnl.core.db import Database, Db, Row
from prsnl.monitoring import queues
from prsnl.wire.monitoring import QueueBody
from prsnl.work.workers import GONE_AFTER

_WORKERS: Final = """
select kind, count(*) as processes, sum(slots) as slots, sum(busy) as busy
from workers where seen_at > now() - %s and state = 'running' group by kind
"""

_CLAIMS: Final = """
select queue, task_name, status, count(*) as claims
from celery_task_results where finished_at > now() - interval '1 hour'
group by queue, task_name, status
"""

_TIMES: Final = """
select queue, task_name,
       percentile_cont(0.5) within group (order by runtime_s) as run_p50,
       percentile_cont(0.95) within group (order by runtime_s) as run_p95,
       percentile_cont(0.5) within group (
           order by extract(epoch from started_at - queued_at)) as wait_p50,
       percentile_cont(0.95) within group (
           order by extract(epoch from started_at - queued_at)) as wait_p95,
       max(peak_memory_bytes) as peak_memory_bytes
from celery_task_results where finished_at > now() - interval '1 hour'
group by queue, task_name
"""

_DEAD: Final = """
select queue, coalesce(error_category, 'unknown') as category,
       coalesce(error_code, 'unknown') as code, count(*) as tasks
from tasks where status in ('failure', 'dead')
group by queue, error_category, error_code
"""

_PROVIDERS: Final = "select name from providers where state <> 'recovering'"
_BYTES: Final = """
select pg_database_size(current_database()) as database,
       (select coalesce(sum(size_bytes), 0)::bigint from attachments) as files
"""

#: Metric -> what it says. The docs' table is compared with this.
NAMES: Final[Mapping[str, str]] = {
    "prsnl_queue_tasks": "Tasks of a queue by what they do: due, later, running, parked"
    " (a provider is away) or waiting (for their parts).",
    "prsnl_queue_oldest_wait_seconds": "How long the oldest due task of a queue waits.",
    "prsnl_queue_workers": "Live worker processes of a queue.",
    "prsnl_queue_slots": "Tasks that the workers of a queue can do at a time.",
    "prsnl_queue_paused": "1 while a queue is paused, else 0.",
    "prsnl_processes": "Live processes by kind: worker or scheduler.",
    "prsnl_slots_busy": "Tasks that all workers do now.",
    "prsnl_slots": "Tasks that all workers can do at a time.",
    "prsnl_claims_last_hour": "Tries that ended within the last hour, by queue, task"
    " and status (queued: it is tried again).",
    "prsnl_run_seconds": "How long tries of the last hour took, by queue, task and"
    " quantile.",
    "prsnl_wait_seconds": "How long they had waited for a worker.",
    "prsnl_peak_memory_bytes": "The most memory that a try of the last hour took.",
    "prsnl_failed_tasks": "Tasks that failed for good, by queue, and by category and"
    " code of the error.",
    "prsnl_provider_down": "1 for each provider that does not answer.",
    "prsnl_disk_free_bytes": "Room left where uploads come in, on this host.",
    "prsnl_database_bytes": "Size of the database.",
    "prsnl_files_bytes": "Size of all files that people keep, what is in the trash"
    " included.",
}


@dataclass(frozen=True)
class _Rows:
    """What the database tells at one moment."""

    queues: Sequence[QueueBody]
    workers: Sequence[Row]
    claims: Sequence[Row]
    times: Sequence[Row]
    dead: Sequence[Row]
    providers: Sequence[Row]
    stored: Row


@dataclass(frozen=True, eq=False)
class _Look(Collector):
    """One look at everything."""

    rows: _Rows
    free_bytes: int

    def collect(self) -> Iterable[Metric]:
        """Every metric, with its values."""
        yield from _of_queues(self.rows.queues)
        yield from _of_workers(self.rows.workers)
        yield from _of_claims(self.rows)
        down = _gauge("prsnl_provider_down", "provider")
        for row in self.rows.providers:
            down.add_metric([row["name"]], 1)
        yield down
        yield _single("prsnl_disk_free_bytes", self.free_bytes)
        yield _single("prsnl_database_bytes", self.rows.stored["database"])
        yield _single("prsnl_files_bytes", self.rows.stored["files"])


def told(database: Database, *, free_bytes: int) -> bytes:
    """Everything, in Prometheus's text format.

    Raises:
        UnavailableError: The database does not answer.
    """
    registry = CollectorRegistry()
    registry.register(_Look(database.run(_read), free_bytes))
    return generate_latest(registry)


def _read(connection: Db) -> _Rows:
    def all_of(query: str, *values: object) -> Sequence[Row]:
        return connection.execute(query, values or None).fetchall()

    return _Rows(
        queues=queues.queues(connection),
        workers=all_of(_WORKERS, GONE_AFTER),
        claims=all_of(_CLAIMS),
        times=all_of(_TIMES),
        dead=all_of(_DEAD),
        providers=all_of(_PROVIDERS),
        stored=all_of(_BYTES)[0],
    )


def _of_queues(rows: Sequence[QueueBody]) -> Iterator[Metric]:
    tasks = _gauge("prsnl_queue_tasks", "queue", "state")
    oldest = _gauge("prsnl_queue_oldest_wait_seconds", "queue")
    workers = _gauge("prsnl_queue_workers", "queue")
    slots = _gauge("prsnl_queue_slots", "queue")
    paused = _gauge("prsnl_queue_paused", "queue")
    for row in rows:
        counts = {
            "due": row.due,
            "later": row.depth - row.due,
            "running": row.running,
            "parked": row.parked,
            "waiting": row.waiting,
        }
        for state, count in counts.items():
            tasks.add_metric([row.name, state], count)
        oldest.add_metric([row.name], row.oldest_wait_s or 0)
        workers.add_metric([row.name], row.workers)
        slots.add_metric([row.name], row.slots)
        paused.add_metric([row.name], row.paused_by is not None)
    yield from (tasks, oldest, workers, slots, paused)


def _of_workers(rows: Sequence[Row]) -> Iterator[Metric]:
    processes = _gauge("prsnl_processes", "kind")
    found = {row["kind"]: row for row in rows}
    for kind in ("scheduler", "worker"):
        processes.add_metric([kind], found.get(kind, {}).get("processes", 0))
    yield processes
    workers = found.get("worker", {})
    yield _single("prsnl_slots", workers.get("slots", 0))
    yield _single("prsnl_slots_busy", workers.get("busy", 0))


def _of_claims(rows: _Rows) -> Iterator[Metric]:
    claims = _gauge("prsnl_claims_last_hour", "queue", "task", "status")
    for row in rows.claims:
        labels = [row["queue"], row["task_name"], row["status"]]
        claims.add_metric(labels, row["claims"])
    run = _gauge("prsnl_run_seconds", "queue", "task", "quantile")
    wait = _gauge("prsnl_wait_seconds", "queue", "task", "quantile")
    memory = _gauge("prsnl_peak_memory_bytes", "queue", "task")
    for row in rows.times:
        labels = [row["queue"], row["task_name"]]
        for quantile, name in (("0.5", "p50"), ("0.95", "p95")):
            run.add_metric([*labels, quantile], row[f"run_{name}"] or 0)
            wait.add_metric([*labels, quantile], row[f"wait_{name}"] or 0)
        memory.add_metric(labels, row["peak_memory_bytes"] or 0)
    failed = _gauge("prsnl_failed_tasks", "queue", "category", "code")
    for row in rows.dead:
        failed.add_metric([row["queue"], row["category"], row["code"]], row["tasks"])
    yield from (claims, run, wait, memory, failed)


def _gauge(name: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, NAMES[name], labels=labels)


def _single(name: str, value: float) -> Metric:
    return GaugeMetricFamily(name, NAMES[name], value=value)
