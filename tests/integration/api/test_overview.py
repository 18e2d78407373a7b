"""Dead letters, queues, performance, narrowed lists, and when a task may end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from prsnl.core.db import Db
from prsnl.core.ids import new_id
from prsnl.wire.access import Scope
from prsnl.wire.monitoring import Requeue
from prsnl.work.specs import Status
from prsnl.work.workers import WorkerIdentity, say_gone, say_seen
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_tasks import change, submitted


def failed(
    server: Server, person: Person, code: str, message: str = "It went wrong."
) -> UUID:
    """A dead letter."""
    task_id = submitted(person)
    change(
        server,
        task_id,
        Status.DEAD,
        error_category="permanent",
        error_code=code,
        error_message=message,
    )
    return task_id


def letters(person: Person, query: str = "") -> dict[str, Any]:
    answer = person.http.get(f"/api/background/dead-letters?{query}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_dead_letters_are_grouped_by_cause_with_examples(
    server: Server, ada: Person, ben: Person
) -> None:
    ids = [failed(server, ada, "corrupt", f"File {n} is damaged.") for n in range(4)]
    failed(server, ada, "bug")
    failed(server, ben, "corrupt")
    submitted(ada)
    told = letters(ada, "limit=2")

    assert told["total"] == 5
    first, second = told["groups"]
    assert (first["code"], first["count"], first["state"]) == ("corrupt", 4, "open")
    assert first["sentence"] == "The file is damaged beyond reading."
    assert first["what_to_do"].startswith("Get the file again")
    assert not first["may_end_well"]
    assert first["example"] == "File 3 is damaged."
    assert first["example_ids"] == [str(one) for one in ids[:0:-1]]
    assert (second["code"], second["count"]) == ("bug", 1)
    assert len(told["items"]) == 2
    rest = letters(ada, f"limit=10&before={told['next']}")
    assert len(rest["items"]) == 3
    assert rest["next"] is None
    assert letters(ada, "code=bug")["total"] == 1
    assert letters(ada, "queue=insights")["total"] == 0


def test_what_was_done_later_is_no_dead_letter_any_more(
    server: Server, ada: Person
) -> None:
    sent = ada.http.post("/api/items", json={"text": f"A note {uuid4()}."}).json()
    change(server, UUID(sent["task"]["task_id"]), Status.FAILURE)
    assert letters(ada)["total"] == 1
    wanted = {"file_id": sent["item"]["attachments"][0]["id"], "again": "once more"}
    again = ada.http.post("/api/background/files/process-document", json=wanted).json()
    task_id = again["task_id"]
    assert letters(ada)["total"] == 1
    change(server, UUID(task_id), Status.SUCCESS)

    assert letters(ada)["total"] == 0


def test_a_family_is_resolved_by_its_owner_alone(
    server: Server, ada: Person, ben: Person
) -> None:
    failed(server, ada, "corrupt")
    (family,) = letters(ada)["groups"]
    fingerprint = family["fingerprint"]
    route = f"/api/background/dead-letters/{fingerprint}/resolve"
    assert ben.http.post(route).status_code == 404
    assert len(letters(ada, f"fingerprint={fingerprint}")["items"]) == 1
    now = ada.client.resolve(fingerprint)

    assert (now.state, now.count) == ("resolved", 0)
    assert (letters(ada)["groups"], letters(ada)["total"]) == ([], 0)
    (again,) = ada.client.dead_letters(resolved=True, fingerprint=fingerprint).groups
    assert again == now
    assert ben.http.delete(route).status_code == 404
    for _ in range(2):
        back = ada.client.unresolve(fingerprint)
        assert (back.state, back.count, back.resolved_at) == ("open", 1, None)
    assert letters(ada)["total"] == 1
    wrong = ada.http.post("/api/background/dead-letters/nonsense/resolve")
    assert wrong.status_code == 422


def test_dead_letters_are_queued_again_by_a_task(server: Server, ada: Person) -> None:
    """What it does is tested with its worker: see `test_families`."""
    failed(server, ada, "corrupt")
    wanted = Requeue(code="corrupt", name="analyze_content_task")
    made = ada.client.requeue(wanted, idempotency_key="once")
    again = ada.client.requeue(wanted, idempotency_key="once")

    assert made.task_id == again.task_id
    status = ada.client.status(made.task_id)
    assert (status.name, status.queue) == ("requeue_failed_task", "ai_processing")


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"all": False},
        {"all": True, "code": "x"},
        {"ids": []},
        {"ids": [str(uuid4())], "queue": "insights"},
        {"fingerprint": "x"},
        {"fingerprint": None},
    ],
)
def test_a_requeue_that_names_nothing_or_two_things_is_refused(
    ada: Person, wanted: dict[str, Any]
) -> None:
    answer = ada.http.post("/api/background/dead-letters/requeue", json=wanted)

    assert answer.status_code == 422


def test_queues_tell_what_waits_and_who_works(server: Server, ada: Person) -> None:
    submitted(ada)

    def told() -> dict[str, Any]:
        found = ada.http.get("/api/queues").json()["items"]
        assert [one["name"] for one in found][:2] == [
            "ai_processing",
            "file_processing",
        ]
        return dict(found[0])

    before = told()
    assert before["depth"] >= before["due"] >= 1
    assert before["oldest_wait_s"] >= 0
    assert "start one with ./prsnl worker ai_processing" in before["problem"]
    hired = [
        WorkerIdentity(kind="worker", queues=("ai_processing",), slots=4),
        WorkerIdentity(kind="scheduler"),
    ]
    for one in hired:
        server.database.run(lambda connection, who=one: say_seen(connection, who))
    after = told()
    for one in hired:
        server.database.run(lambda connection, who=one: say_gone(connection, who))

    assert (after["workers"], after["slots"]) == (1, 4)
    assert after["problem"] is None


def logged(connection: Db, task_id: UUID, **columns: Any) -> None:
    """Let a worker have ended a claim."""
    values = {
        "task_id": task_id,
        "claim_no": 1,
        "status": "success",
        "runtime_s": 2.0,
        **columns,
    }
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    connection.execute(
        f"insert into celery_task_results (owner, task_name, queue, queued_at, "
        f"started_at, retry_count, {names}) select owner, name, queue, now() - "
        f"interval '5 s', now() - interval '2 s', 0, {marks} from tasks "
        "where id = %(task_id)s",
        values,
    )


def test_performance_counts_the_callers_own_claims_of_the_last_hours(
    server: Server, ada: Person, ben: Person
) -> None:
    def log(connection: Db) -> None:
        first = submitted(ada)
        logged(connection, first, status="queued", runtime_s=1.0)
        logged(connection, first, claim_no=2, runtime_s=3.0)
        logged(connection, submitted(ben))
        old = submitted(ada)
        logged(connection, old)
        connection.execute(
            "update celery_task_results set finished_at = now() - interval '3 hours' "
            "where task_id = %s",
            [old],
        )

    server.database.run(log)
    told = ada.http.get("/api/background/performance/overview?hours=2").json()
    longer = ada.http.get("/api/background/performance/overview?hours=24").json()

    (row,) = told["tasks"]
    assert (row["claims"], row["succeeded"], row["tried_again"]) == (2, 1, 1)
    assert (row["runtime_avg_s"], row["runtime_max_s"]) == (2.0, 3.0)
    assert row["wait_avg_s"] == pytest.approx(3.0)
    assert longer["claims"] == 3
    answer = ada.http.get("/api/background/performance/overview?hours=0")
    assert answer.status_code == 422


def test_lists_are_narrowed_by_kind_code_file_item_parent_and_time(
    server: Server, ada: Person
) -> None:
    sent = ada.http.post("/api/items", json={"text": f"A note {uuid4()}."}).json()
    of_file, item_id = sent["task"]["task_id"], sent["item"]["id"]
    file_id = sent["item"]["attachments"][0]["id"]
    whole = ada.http.post(
        "/api/background/ai/analyze-content", json={"content_id": item_id}
    ).json()["task_id"]
    broken = str(failed(server, ada, "corrupt"))
    child = new_id()
    server.database.run(
        lambda connection: connection.execute(
            "insert into tasks (id, owner, name, queue, command, command_hash, "
            "parent_id) values (%s, %s, 'x', 'insights', '{}', '', %s)",
            [child, ada.owner, of_file],
        )
    )

    def ids(query: str) -> set[str]:
        answer = ada.http.get(f"/api/background/tasks?{query}")
        assert answer.status_code == 200, answer.text
        return {task["task_id"] for task in answer.json()["items"]}

    assert ids("name=process_document_task") == {of_file}
    assert ids("error_code=corrupt") == {broken}
    assert ids(f"attachment_id={file_id}") == {of_file}
    assert ids(f"item_id={item_id}") == {of_file, whole}
    assert ids(f"parent_id={of_file}") == {str(child)}
    assert ids("created_to=2020-01-01T00:00:00Z") == set()
    assert len(ids("created_from=2020-01-01T00:00:00Z")) == 4
    assert ada.http.get("/api/background/tasks?name=%00").status_code == 422


def test_a_task_says_when_it_may_end_once_others_were_measured(
    server: Server, ada: Person
) -> None:
    name = f"kind {uuid4()}"

    def measured(connection: Db, seconds: float) -> None:
        task_id = submitted(ada)
        connection.execute(
            "update tasks set name = %s, total = 10, status = 'success' where id = %s",
            [name, task_id],
        )
        logged(connection, task_id, runtime_s=seconds)

    def running(connection: Db) -> UUID:
        task_id = submitted(ada)
        connection.execute(
            "update tasks set name = %s, total = 20, current = 15, status = 'running', "
            "claimed_at = now() - interval '15 s' where id = %s",
            [name, task_id],
        )
        return task_id

    server.database.run(lambda connection: measured(connection, 10))
    unknown = server.database.run(running)
    assert ada.client.status(unknown).eta is None
    name = f"kind {uuid4()}"
    for seconds in (10.0, 20.0, 30.0):
        server.database.run(lambda connection, took=seconds: measured(connection, took))
    eta = ada.client.status(server.database.run(running)).eta

    assert eta is not None
    assert eta.based_on == 3
    assert eta.low_s == pytest.approx(5.0, abs=1.0), "its own pace: a second a step"
    assert eta.high_s == pytest.approx(14.0, abs=0.1)


def test_an_admin_pauses_a_queue_and_everybody_is_told(
    server: Server, ada: Person, people: Callable[..., Person]
) -> None:
    ben = people(server, frozenset({Scope.READ, Scope.WRITE}))
    for act in ("pause", "resume"):
        assert ben.http.post(f"/api/queues/insights/{act}").status_code == 403
    assert ada.http.post("/api/queues/nonsense/pause").status_code == 422

    now = ada.client.pause_queue("insights")
    seen = {one.name: one for one in ben.client.queues()}["insights"]
    later = ada.client.resume_queue("insights")

    assert now.paused_by == seen.paused_by == ada.owner
    assert seen.paused_at is not None
    assert seen.problem is not None
    assert "./prsnl queues resume insights" in seen.problem
    assert (later.paused_by, later.paused_at) == (None, None)
