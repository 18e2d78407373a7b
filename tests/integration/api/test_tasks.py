"""Submit, status, lists, cancel, retry over a real socket."""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import BadRequestError, ConflictError, NotFoundError
from prsnl.work import caps
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.ring import Channel, ringing
from prsnl.work.specs import Status
from tests.integration.api.conftest import Person, Server


def submitted(person: Person, **headers: str) -> UUID:
    """A task that waits for a worker."""
    answer = person.http.post(
        "/api/background/ai/analyze-content",
        json={"content": "A text."},
        headers=headers,
    )
    assert answer.status_code == 202, answer.text
    return UUID(answer.json()["task_id"])


def change(server: Server, task_id: UUID, status: Status, **more: str) -> None:
    """Let a worker have written."""
    columns = "".join(f", {name} = %({name})s" for name in more)
    server.database.run(
        lambda connection: connection.execute(
            f"update tasks set status = %(status)s, seq = seq + 1{columns} "
            "where id = %(id)s",
            {"status": str(status), "id": task_id, **more},
        )
    )


def test_a_submitted_task_answers_the_body_that_clients_know(ada: Person) -> None:
    answer = ada.http.post(
        "/api/background/ai/analyze-content", json={"content": "A text."}
    )

    assert answer.status_code == 202
    told = answer.json()
    assert set(told) == {"task_id", "status", "message", "monitor_url"}
    assert told["status"] == "started"
    assert ada.http.get(told["monitor_url"]).json()["status"] == "queued"


def test_a_status_answers_the_body_that_clients_know(ada: Person) -> None:
    told = ada.http.get(f"/api/background/status/{submitted(ada)}").json()

    assert {"task_id", "status", "progress", "result", "error"} <= set(told)
    assert set(told["progress"]) == {
        "current",
        "total",
        "percentage",
        "message",
        "updated_at",
    }
    assert told["queue"] == "ai_processing"
    assert told["stages"] == []
    assert told["waiting_because"].startswith("No scheduler is running")


@pytest.mark.parametrize("path", ["process-document", "extract-pdf-text"])
def test_a_task_of_a_file_knows_its_file(ada: Person, note: Path, path: str) -> None:
    kept = ada.client.upload(note, process=False)
    answer = ada.http.post(
        f"/api/background/files/{path}", json={"file_id": str(kept.attachment.id)}
    )

    assert answer.status_code == 202
    task = ada.client.status(answer.json()["task_id"])
    assert task.attachment_id == kept.attachment.id


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("files/process-document", "file_id"),
        ("files/extract-pdf-text", "file_id"),
        ("ai/analyze-content", "content_id"),
    ],
)
def test_what_is_another_owners_is_not_found(
    ada: Person, ben: Person, note: Path, path: str, field: str
) -> None:
    kept = ada.client.upload(note, process=False)
    named = kept.item_id if field == "content_id" else kept.attachment.id
    answer = ben.http.post(f"/api/background/{path}", json={field: str(named)})

    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"


def test_an_option_that_nobody_knows_is_refused_by_name(ada: Person) -> None:
    answer = ada.http.post(
        "/api/background/files/process-document",
        json={"file_id": str(uuid4()), "options": {"use_orc": True}},
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "options.use_orc"


def test_one_key_is_one_task_and_another_body_a_conflict(ada: Person) -> None:
    headers = {"Idempotency-Key": "click"}
    first, second = submitted(ada, **headers), submitted(ada, **headers)
    other = ada.http.post(
        "/api/background/ai/analyze-content", json={"content": "B."}, headers=headers
    )

    assert first == second
    assert other.status_code == 409
    assert other.json()["code"] == "conflict"


def test_two_owners_may_use_the_same_key(ada: Person, ben: Person) -> None:
    assert submitted(ada, **{"Idempotency-Key": "1"}) != submitted(
        ben, **{"Idempotency-Key": "1"}
    )


def test_a_long_poll_answers_when_the_task_changes(server: Server, ada: Person) -> None:
    task_id = submitted(ada)
    seq = ada.client.status(task_id).seq
    heard: list[str] = []

    def poll() -> None:
        now = ada.client.status(task_id, seq=seq, wait_s=30)
        heard.append(now.progress.message)

    thread = threading.Thread(target=poll)
    began = time.monotonic()
    thread.start()
    time.sleep(0.3)
    change(server, task_id, Status.RUNNING, message="Reading pages")
    with ringing(server.wiring.database_url) as ring:
        ring.ring(Channel.PROGRESS)
        thread.join(25)

    assert heard == ["Reading pages"]
    assert time.monotonic() - began < 20


def test_a_long_poll_finds_a_change_whose_ring_was_lost(
    server: Server, ada: Person
) -> None:
    task_id = submitted(ada)
    seq = ada.client.status(task_id).seq
    timer = threading.Timer(0.3, change, [server, task_id, Status.RUNNING])
    timer.start()
    now = ada.client.status(task_id, seq=seq, wait_s=25)
    timer.join()

    assert now.seq == seq + 1


def test_a_long_poll_without_news_answers_with_what_is(ada: Person) -> None:
    task_id = submitted(ada)
    before = ada.client.status(task_id)
    after = ada.client.status(task_id, seq=before.seq, wait_s=0.2)

    assert after.seq == before.seq


def test_a_long_poll_on_a_task_that_has_ended_does_not_wait(ada: Person) -> None:
    task_id = submitted(ada)
    ended = ada.client.cancel(task_id)
    began = time.monotonic()
    told = ada.client.status(task_id, seq=ended.seq, wait_s=30)

    assert told.status is Status.REVOKED
    assert time.monotonic() - began < 20


def test_waiting_tells_every_change_until_the_end(server: Server, ada: Person) -> None:
    task_id = submitted(ada)
    timer = threading.Timer(0.3, change, [server, task_id, Status.FAILURE])
    timer.start()
    seen: list[Status] = []
    final = ada.client.wait(task_id, lambda now: seen.append(now.status))
    timer.join()

    assert final.status is Status.FAILURE
    assert seen == [Status.QUEUED, Status.FAILURE]


def test_lists_are_the_callers_own_newest_first_in_pages(
    ada: Person, ben: Person
) -> None:
    ids = [str(submitted(ada)) for _ in range(5)]
    submitted(ben)
    seen: list[str] = []
    before: dict[str, str] = {}
    for _ in range(3):
        page = ada.http.get(
            "/api/background/tasks", params={"limit": 2, **before}
        ).json()
        seen += [task["task_id"] for task in page["items"]]
        before = {"before": page["next"]} if page["next"] else {}

    assert seen == ids[::-1]
    assert before == {}


def test_lists_are_narrowed_by_state_and_queue(
    server: Server, ada: Person, note: Path
) -> None:
    failed, queued = submitted(ada), submitted(ada)
    change(server, failed, Status.FAILURE)
    uploaded = ada.client.upload(note)
    assert uploaded.task is not None

    def ids(path: str) -> set[str]:
        answer = ada.http.get(f"/api/background/{path}")
        return {task["task_id"] for task in answer.json()["items"]}

    assert ids("tasks?status=failure&status=dead") == {str(failed)}
    assert ids("tasks?queue=ai_processing") == {str(failed), str(queued)}
    assert ids("tasks/active") == {str(queued), str(uploaded.task.task_id)}
    assert ada.http.get("/api/background/tasks?limit=201").status_code == 422
    assert ada.http.get("/api/background/tasks?state=failure").status_code == 422


def test_a_waiting_task_is_cancelled_on_the_spot_and_stays_so(ada: Person) -> None:
    task_id = submitted(ada)

    assert ada.client.cancel(task_id).status is Status.REVOKED
    assert ada.client.cancel(task_id).status is Status.REVOKED
    with pytest.raises(ConflictError, match="cancelled"):
        ada.client.retry(task_id)


def test_a_failed_task_is_queued_again_and_others_are_not(
    server: Server, ada: Person
) -> None:
    task_id = submitted(ada)
    with pytest.raises(ConflictError, match="has not failed"):
        ada.client.retry(task_id)
    change(server, task_id, Status.DEAD)

    assert ada.client.retry(task_id).status is Status.QUEUED


def many(server: Server, person: Person, number: int) -> None:
    """So many tasks that wait."""
    server.database.run(
        lambda connection: connection.execute(
            "insert into tasks (id, owner, name, queue, command, command_hash) "
            "select gen_random_uuid(), %s, 'analyze_content_task', 'ai_processing', "
            "'{}', '' from generate_series(1, %s)",
            [person.owner, number],
        )
    )


def test_a_retry_and_a_rerun_beyond_the_cap_say_when_to_come_again(
    server: Server, ada: Person
) -> None:
    """As a new task: an endless loop of retries would else break what bounds us."""
    failed = submitted(ada)
    change(server, failed, Status.DEAD)
    # More than any other test has waiting: the cap is remembered for a second.
    many(server, ada, 200)
    server.database.run(partial(caps.write, caps=Caps(queued={EACH_OWNER: 200})))
    give_up_at = time.monotonic() + 30
    try:
        refused = ada.http.post(f"/api/background/tasks/{failed}/retry")
        path = f"/api/attachments/{uuid4()}/rerun"
        body = {"stage": "cleaning"}
        while (rerun := ada.http.post(path, json=body)).status_code == 404:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        server.database.run(
            lambda connection: connection.execute(
                "delete from tasks where owner = %s and status = 'queued'", [ada.owner]
            )
        )
        taken = ada.http.post(f"/api/background/tasks/{failed}/retry")
    finally:
        server.database.run(partial(caps.write, caps=caps.NONE))

    for answer in (refused, rerun):
        assert answer.status_code == 429
        assert answer.json()["code"] == "too_many_tasks"
        assert int(answer.headers["retry-after"]) > 0
        assert "PRSNL_OWNER_QUEUED_MAX" in answer.json()["detail"]
    assert taken.json()["status"] == "queued"


def test_try_now_is_for_tasks_that_wait(server: Server, ada: Person) -> None:
    task_id = submitted(ada)
    path = f"/api/background/tasks/{task_id}/try-now"

    assert ada.http.post(path).json()["status"] == "queued"
    change(server, task_id, Status.SUCCESS)
    assert ada.http.post(path).status_code == 409


def test_another_owners_task_is_not_there(ada: Person, ben: Person) -> None:
    task_id = submitted(ada)

    for ask in (ben.client.status, ben.client.cancel, ben.client.retry):
        with pytest.raises(NotFoundError):
            ask(task_id)
    assert ada.client.status(task_id).status is Status.QUEUED


def test_what_is_no_id_is_a_wrong_request(ada: Person) -> None:
    with pytest.raises(BadRequestError, match="task_id"):
        ada.client.status("nonsense")
