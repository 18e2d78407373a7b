"""The books of `prove`, with one thing wrong each time: the audit has to see it."""

from __future__ import annotations

import hashlib
from random import Random
from uuid import UUID

import pytest

from prsnl.core.db import Database, Db
from prsnl.core.ids import new_id
from prsnl.core.storage import FolderStorage
from prsnl.proving.audit import Audit, audit
from prsnl.proving.faults import Fault
from prsnl.proving.load import NO_MIX, Load, PutIn, mixed_job
from prsnl.proving.papers import Paper
from prsnl.proving.provider import SAID
from prsnl.proving.recovery import Injected, Recovery, recoveries
from prsnl.proving.scene import Claim, Hurt
from prsnl.proving.service import BOOKS
from prsnl.proving.specs import COUNT, Count
from prsnl.work.submit import submission, submit

SENTENCES = ("Entry 1 says that Ada paid 12 EUR.", "Entry 2 says that Ben did not.")
PAPER = Paper("two.pdf", b"%PDF-1.4 its bytes", SENTENCES)


def keep(connection: Db, one: PutIn) -> None:
    """What a worker leaves behind that has read the file."""
    file = one.attachment_id
    for number, text in enumerate(one.paper.pages, start=1):
        content = hashlib.sha256(text.encode()).digest()
        connection.execute(
            "insert into attachment_pages (attachment_id, number, status, text, engine,"
            " reason, milliseconds) values (%s, %s, 'ok', %s, 'e', 'r', 1)",
            [file, number, text],
        )
        connection.execute(
            "insert into chunks (attachment_id, number, item_id, owner, text, page_from"
            ", page_to, start_offset, end_offset, content)"
            " values (%s, %s, %s, %s, %s, %s, %s, 0, 9, %s)",
            [file, number, one.item_id, one.owner, text, number, number, content],
        )
        connection.execute(
            "insert into embeddings (owner, model_id, content, is_passage, embedding)"
            " values (%s, 1, %s, true, '[1,2]')",
            [one.owner, content],
        )
    connection.execute(
        "update attachments set processing_status = 'completed' where id = %s", [file]
    )
    connection.execute("update tasks set status = 'success'")


@pytest.fixture
def kept(database: Database, storage: FolderStorage) -> PutIn:
    with database.connection() as connection:
        connection.execute(BOOKS)
        load = Load(1, mixed_job, NO_MIX, database, storage)
        _, one = load._upload(PAPER, "ada", "a key")
        keep(connection, one)
    return one


def looked(database: Database, one: PutIn) -> Audit:
    with database.connection() as connection:
        return audit(connection, [], [one])


def test_books_with_nothing_wrong_are_clean(database: Database, kept: PutIn) -> None:
    """Else what the tests below find would prove nothing."""
    found = looked(database, kept)

    assert found.is_clean, found
    assert (found.tasks, found.items) == (1, 1)


DOUBLED_PASSAGE = """
insert into chunks select attachment_id, 9, item_id, owner, text, page_from, page_to,
       start_offset, end_offset, content
from chunks where number = 1
"""

DOUBLED_VECTOR = """
insert into embeddings (owner, model_id, content, space, is_passage, embedding)
select owner, 2, content, space, is_passage, embedding from embeddings
"""

DOUBLED_ITEM = """
insert into items (id, owner, title, title_source)
values (gen_random_uuid(), 'ada', 'again', 'user')
"""


DAMAGES = [
    ("delete from items", "lost"),
    ("update attachment_pages set text = 'Entry 1' where number = 2", "spoiled"),
    ("delete from attachment_pages where number = 2", "spoiled"),
    ("delete from chunks where number = 2", "missing"),
    ("delete from embeddings", "missing"),
    ("delete from search_pages where page = 1", "missing"),
    ("update attachments set processing_status = 'failed'", "missing"),
    (DOUBLED_PASSAGE, "doubled"),
    (DOUBLED_VECTOR, "doubled"),
    (DOUBLED_ITEM, "doubled"),
    ("update items set summary = 'a lie'", "spoiled"),
    ("update tasks set status = 'dead'", "failed"),
    ("update tasks set status = 'parked'", "stuck"),
]


def test_each_thing_that_is_wrong_is_seen(database: Database, kept: PutIn) -> None:
    for damage, column in DAMAGES:
        with (
            database.connection() as connection,
            connection.transaction(force_rollback=True),
        ):
            connection.execute(damage)
            assert column in audit(connection, [], [kept]).broken, damage


def test_a_task_that_was_accepted_and_is_not_there_is_lost(
    database: Database, kept: PutIn
) -> None:
    with database.connection() as connection:
        (told,) = submit(connection, [submission(COUNT, Count(), owner="ada")])
        found = audit(connection, [told.task_id, new_id()], [kept])

    assert found.lost == 1


@pytest.mark.parametrize(
    ("summary", "broken"), [(SAID, set()), ("I have read it.", {"spoiled"})]
)
def test_a_lie_that_was_taken_for_an_answer_is_seen(
    database: Database, kept: PutIn, summary: str, broken: set[str]
) -> None:
    with database.connection() as connection:
        connection.execute(
            "update tasks set name = 'process_with_llm_task', "
            "result = jsonb_build_object('summary', %s::text)",
            [summary],
        )

    assert set(looked(database, kept).broken) == broken


def test_one_answer_that_is_booked_twice_is_seen(
    database: Database, kept: PutIn
) -> None:
    with database.connection() as connection:
        for _ in range(2):
            connection.execute(
                "insert into calls (id, key, owner, stage, unit, purpose, provider, "
                "model, host, reach, starts_at, outcome, sent_bytes, items_count, "
                "tokens_in_estimate, tokens_out_estimate) values (gen_random_uuid(), "
                "%s, 'ada', 's', 0, 'analysis', 'p', 'm', 'h', 'local', now(), "
                "'answered', 1, 1, 1, 1)",
                [kept.item_id],
            )

    assert looked(database, kept).doubled == 1


def test_the_same_key_again_keeps_the_same_item_once(
    database: Database, storage: FolderStorage, kept: PutIn
) -> None:
    """As after an answer that was lost."""
    again = Load(1, mixed_job, NO_MIX, database, storage)
    _, one = again._upload(PAPER, "ada", "a key")

    assert one == kept
    assert looked(database, kept).doubled == 0


LOG = """
insert into celery_task_results (task_id, claim_no, task_name, queue, owner, status,
    queued_at, started_at, finished_at, runtime_s, retry_count, error_category)
select id, %s, name, queue, owner, 'x', now(), to_timestamp(%s), to_timestamp(%s), 1, 0,
       %s
from tasks
"""


def claims(database: Database, *rows: tuple[int, float, float, str | None]) -> UUID:
    """Claims of the one task: number, begin, end, and what ended it."""
    with database.connection() as connection:
        for row in rows:
            connection.execute(LOG, row)
        found = connection.execute("select id from tasks").fetchone()
    assert found is not None
    task_id: UUID = found["id"]
    return task_id


def recovery(
    database: Database, hurt: Hurt, *, limit_s: float | None = None
) -> Recovery:
    fault = Fault(
        "hurt", lambda _: hurt, None if limit_s is None else lambda _: limit_s
    )
    with database.connection() as connection:
        return recoveries(connection, [Injected(fault, hurt)], lease_s=6)["hurt"]


@pytest.mark.usefixtures("kept")
def test_recovery_is_the_next_claim_after_a_hurt_one_was_given_back(
    database: Database,
) -> None:
    task_id = claims(
        database, (1, 99, 107, "crash"), (2, 105, 106, None), (3, 109, 110, None)
    )
    hurt = Hurt([Claim(task_id, 1)], at=100)

    found = recovery(database, hurt, limit_s=8.5)
    assert (found.times, found.p50_s, found.p95_s) == (1, 9.0, 9.0)
    assert found.is_late
    assert not recovery(database, hurt, limit_s=9.5).is_late


@pytest.mark.usefixtures("kept")
def test_a_claim_that_came_to_its_own_end_was_not_hurt(database: Database) -> None:
    task_id = claims(database, (1, 99, 101, None), (2, 190, 191, None))

    assert recovery(database, Hurt([Claim(task_id, 1)], at=100)).p95_s is None


@pytest.mark.usefixtures("kept")
def test_of_a_server_recovery_begins_with_the_fault_and_ends_after_it_is_back(
    database: Database,
) -> None:
    """A claim in between was made by who had a hint in hand already."""
    claims(database, (1, 101, 102, None), (2, 106.5, 107, None))

    assert recovery(database, Hurt(at=100, back_at=105)).p50_s == 6.5


def test_the_load_of_a_seed_is_the_same_and_of_another_is_not() -> None:
    def job(seed: int) -> object:
        return mixed_job(Random(seed), "k").command  # noqa: S311 - a seed

    assert job(1) == job(1)
    assert job(1) != job(2)
