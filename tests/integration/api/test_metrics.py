"""GET /metrics."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from prsnl.monitoring.metrics import NAMES
from prsnl.wire.access import Scope
from prsnl.work.workers import WorkerIdentity, say_gone, say_seen
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_overview import failed
from tests.integration.api.test_tasks import submitted

OPERATIONS = Path(__file__).parents[3] / "docs/operations.md"


def samples(person: Person) -> dict[tuple[str, ...], float]:
    answer = person.http.get("/metrics")
    assert answer.status_code == 200, answer.text
    return {
        (
            sample.name,
            *(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_prometheus_reads_what_waits_who_works_and_what_failed(
    server: Server, ada: Person
) -> None:
    before = samples(ada)
    submitted(ada)
    failed(server, ada, "corrupt")
    worker = WorkerIdentity(kind="worker", slots=4, queues=("ai_processing",))
    server.database.run(lambda connection: say_seen(connection, worker))
    try:
        told = samples(ada)
    finally:
        server.database.run(lambda connection: say_gone(connection, worker))

    def grown(*key: str) -> float:
        return told[key] - before.get(key, 0)

    assert grown("prsnl_queue_tasks", "ai_processing", "due") == 1
    assert grown("prsnl_failed_tasks", "permanent", "corrupt", "ai_processing") == 1
    assert grown("prsnl_queue_slots", "ai_processing") == 4
    assert told["prsnl_queue_tasks", "media_processing", "running"] == 0
    assert told["prsnl_disk_free_bytes",] > 0
    assert told["prsnl_database_bytes",] > 0
    assert "prsnl_files_bytes" in {name for name, *_ in told}


def test_every_metric_is_documented_and_told(ada: Person) -> None:
    answer = ada.http.get("/metrics").text
    page = OPERATIONS.read_text()

    for name, meaning in NAMES.items():
        assert f"# TYPE {name} gauge" in answer
        assert f"| `{name}` | {meaning} |" in page


def test_the_numbers_of_all_are_for_administrators_alone(
    server: Server, people: Callable[..., Person]
) -> None:
    reader = people(server, frozenset({Scope.READ}))

    assert reader.http.get("/metrics").status_code == 403
