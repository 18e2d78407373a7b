"""A batch of files: a parent, a child a file, and what is told of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid4

import pytest

from prsnl.embedded.stack import StackUrls
from prsnl.file_processing.batch_specs import (
    ANALYZE_FILE,
    PROCESS_BATCH,
    AnalyzeFile,
    ProcessBatch,
)
from prsnl.file_processing.specs import DocumentOptions, SharedOptions
from prsnl.items import learned
from prsnl.items.models import LearnedView
from prsnl.work import control, ledger
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity, say_seen
from tests.conftest import fresh_broker, fresh_database, wired
from tests.integration.file_processing.test_documents import Desk, working


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


@dataclass(frozen=True)
class Batch:
    """A batch under way, and the hands of its worker."""

    desk: Desk
    task_id: UUID

    @property
    def task(self) -> TaskView:
        """The parent as its owner sees it."""
        return self.desk.task(self.task_id)

    def children(self, *statuses: Status) -> list[TaskView]:
        """The children in some states, oldest first."""
        with self.desk.database.connection() as connection:
            found = ledger.children(
                connection, self.task_id, statuses=statuses, limit=500
            )
        return found[::-1]

    def counts(self) -> dict[str, int]:
        """The children by state."""
        with self.desk.database.connection() as connection:
            return ledger.child_counts(connection, self.task_id)

    def work(self, most: int = 1000) -> None:
        """Do what is to be had, as a relay would send it."""
        for _ in range(most):
            row = None
            with self.desk.database.connection() as connection:
                row = connection.execute(
                    "select id from tasks where parent_id = %s and status = 'queued' "
                    "and not held and due_at <= now() order by id limit 1",
                    [self.task_id],
                ).fetchone()
            if row is None:
                break
            self.desk.runner.execute(row["id"])
        if self.task.status is Status.QUEUED:
            self.desk.runner.execute(self.task_id)


def begin(desk: Desk, file_ids: list[UUID], at_once: int = 2) -> Batch:
    """Submit a batch and let its parent insert the children."""
    command = ProcessBatch(
        file_ids=tuple(file_ids),
        max_concurrency=at_once,
        options=SharedOptions(analyze_content=False),
    )
    with desk.database.connection() as connection:
        wanted = submission(PROCESS_BATCH, command, owner="ada")
        task_id = submit(connection, [wanted])[0].task_id
    desk.runner.execute(task_id)
    return Batch(desk, task_id)


def notes(desk: Desk, count: int) -> list[UUID]:
    """Files that are read."""
    return [
        desk.put(f"note-{number}.txt", f"A note, {uuid4()}.".encode()).id
        for number in range(count)
    ]


def broken(desk: Desk, name: str = "broken.pdf") -> UUID:
    """A file that nothing can read."""
    return desk.put(name, b"%PDF-1.7\n" + uuid4().bytes).id


def test_every_file_is_a_child_and_the_broken_ones_are_named(desk: Desk) -> None:
    batch = begin(desk, [*notes(desk, 3), broken(desk, "b.pdf"), broken(desk, "a.pdf")])
    batch.work()

    task = batch.task
    assert (task.status, task.current, task.total) == (Status.SUCCESS, 5, 5)
    assert task.result is not None
    assert (task.result["succeeded"], task.result["failed"]) == (3, 2)
    assert [one["file_name"] for one in task.result["failures"]] == ["a.pdf", "b.pdf"]
    assert all(one["message"] for one in task.result["failures"])
    assert "2 of 5 files were not processed: 2 " in task.warnings[0]


def test_only_so_many_run_at_a_time(desk: Desk) -> None:
    batch = begin(desk, notes(desk, 5), at_once=2)
    for kind in ("worker", "scheduler"):
        who = WorkerIdentity(kind=kind, queues=("file_processing",), slots=1)
        desk.database.run(partial(say_seen, worker=who))

    reasons = [child.waiting_because or "" for child in batch.children()]
    assert sum("only 2 run at once" in reason for reason in reasons) == 3


def test_progress_counts_the_files(desk: Desk) -> None:
    batch = begin(desk, notes(desk, 4))
    told = [(batch.task.current, batch.task.total)]
    for _ in range(3):
        batch.work(most=1)
        told.append((batch.task.current, batch.task.total))

    assert told == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert batch.counts() == {"success": 3, "queued": 1}
    assert batch.task.waiting_because == "Waits for 1 of its 4 parts to end."


def test_a_file_that_is_named_twice_is_processed_once(desk: Desk) -> None:
    (one,) = notes(desk, 1)
    batch = begin(desk, [one, one, one])

    assert len(batch.children()) == 1


def test_a_batch_without_any_success_is_a_failure_that_says_why(desk: Desk) -> None:
    batch = begin(desk, [broken(desk), broken(desk)])
    batch.work()

    task = batch.task
    assert task.status is Status.FAILURE
    assert task.error is not None
    assert task.error["message"].startswith("None of 2 files: 2 ")


def test_a_batch_cancelled_half_way_takes_its_children_along(desk: Desk) -> None:
    batch = begin(desk, notes(desk, 40))
    batch.work(most=3)
    with desk.database.connection() as connection:
        control.cancel(connection, batch.task_id, owner="ada")
    batch.work()

    assert batch.task.status is Status.REVOKED
    assert batch.counts() == {"success": 3, "revoked": 37}
    assert batch.task.current == batch.task.total == 40


def test_one_file_can_be_cancelled_out_of_a_batch(desk: Desk) -> None:
    batch = begin(desk, notes(desk, 3))
    with desk.database.connection() as connection:
        control.cancel(connection, batch.children()[0].task_id, owner="ada")
    batch.work()

    result = batch.task.result
    assert result is not None
    assert (result["succeeded"], result["failed"], result["cancelled"]) == (2, 0, 1)


def test_a_retry_does_the_failed_ones_again_and_no_other(desk: Desk) -> None:
    """A bug of a stage, not a broken file: it ends better the second time."""
    batch = begin(desk, notes(desk, 4))
    failing = batch.children()[1].task_id
    with desk.database.connection() as connection:
        connection.execute("update tasks set command = '{}' where id = %s", [failing])
    batch.work()
    assert batch.task.result is not None
    assert batch.task.result["failed"] == 1
    before = {child.task_id: child.attempt for child in batch.children()}

    with desk.database.connection() as connection:
        connection.execute(
            "update tasks t set command = s.command || jsonb_build_object('file_id', "
            "t.attachment_id) from tasks s where t.id = %s and s.id = %s",
            [failing, batch.children()[0].task_id],
        )
        control.retry(connection, batch.task_id, owner="ada")
    waiting = batch.task
    assert (waiting.status, waiting.current, waiting.total) == (Status.WAITING, 3, 4)
    assert waiting.result is None
    batch.work()

    assert batch.task.status is Status.SUCCESS
    assert batch.task.result is not None
    assert batch.task.result["succeeded"] == 4
    assert batch.task.warnings == ()
    again = {
        child.task_id
        for child in batch.children()
        if child.attempt > before[child.task_id]
    }
    assert again == {failing}


def test_a_file_that_was_deleted_meanwhile_is_one_failure(desk: Desk) -> None:
    kept, gone = notes(desk, 2)
    with desk.database.connection() as connection:
        connection.execute("delete from attachments where id = %s", [gone])
    batch = begin(desk, [kept, gone])
    batch.work()

    result = batch.task.result
    assert result is not None
    assert (result["succeeded"], result["failures"][0]["code"]) == (1, "not_found")


def test_an_analysis_reads_the_file_first_and_tells_facts_with_their_place(
    desk: Desk,
) -> None:
    file = desk.put(
        "invoice.txt",
        b"Invoice no. 2024-117\n\nInvoice date: 3 May 2024\nAmount due: 940.00 EUR\n"
        b"Payable by 31 May 2024. VAT is included. Bill to: Nora Lindqvist\n",
    )
    command = AnalyzeFile(file_id=file.id)
    task = desk.run(
        submission(ANALYZE_FILE, command, owner="ada", attachment_id=file.id)
    )
    again = desk.run(
        submission(ANALYZE_FILE, command, owner="ada", attachment_id=file.id)
    )

    assert task.result is not None, task.error
    assert task.result["document_type"] == "invoice"
    assert task.result["key_information"]["due_date"] == 1
    assert (task.result["recommendations"], task.result["needs"]) == (None, "llm")
    due = next(one for one in task.result["insights"] if one["kind"] == "due_date")
    assert (due["value"], due["page"]) == ("2024-05-31", 1)
    assert again.result == task.result
    assert (again.current, again.total) == (3, 3)
    with desk.database.connection() as connection:
        shown = learned.learned(connection, file.id, owner="ada")
    assert isinstance(shown, LearnedView)
    assert shown.insights == task.result["insights"]


def test_what_stays_with_the_file_is_not_shown_on_its_item(desk: Desk) -> None:
    file = desk.put("kept.txt", b"The title\n\nThe rent is due on 12 May 2024.")
    desk.process(file, options=DocumentOptions(create_content_item=False))

    with desk.database.connection() as connection:
        told = learned.learned(connection, file.id, owner="ada")
        title = connection.execute(
            "select title from items where id = %s", [file.item_id]
        ).fetchone()
    assert title == {"title": "kept"}
    assert [one["kind"] for one in told.insights] == ["due_date"]


def test_without_a_summary_the_rest_is_learned(desk: Desk) -> None:
    text = "The landlord keeps the deposit apart from all of the other money."
    file = desk.put("deposit.txt", text.encode())
    task = desk.process(file, options=DocumentOptions(generate_summary=False))

    assert task.result is not None
    assert (task.result["key_sentences"], task.result["language"]) == (0, "en")
    assert task.current == task.total
