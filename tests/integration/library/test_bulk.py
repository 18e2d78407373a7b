"""Many items at once, done by a worker."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from uuid import UUID, uuid4

import pytest

from prsnl.core.errors import NotFoundError
from prsnl.embedded.stack import StackUrls
from prsnl.items import editing, store
from prsnl.library.bulk import BULK_ITEMS
from prsnl.wire.library import Action, Bulk, BulkDone
from prsnl.work import caps, limits
from prsnl.work.caps import EACH_OWNER, Caps
from prsnl.work.specs import Status
from prsnl.work.submit import submission
from tests.conftest import fresh_broker, fresh_database, wired
from tests.integration.file_processing.test_documents import Desk, working


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process; it starts no child."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("b"))
        yield from working(wiring)


def kept(desk: Desk, owner: str, *titles: str) -> list[UUID]:
    """Items that are called so."""
    return [
        desk.put(f"{title}.txt", f"{title} {uuid4()}".encode(), owner).item_id
        for title in titles
    ]


def bulk(desk: Desk, owner: str, wanted: Bulk) -> BulkDone:
    """Have it done."""
    task = desk.run(submission(BULK_ITEMS, wanted, owner=owner))
    assert task.status == Status.SUCCESS, task.error
    return BulkDone.model_validate(task.result)


def tags(desk: Desk, owner: str, item_id: UUID) -> list[str]:
    with desk.database.connection() as connection:
        return store.item(connection, item_id, owner=owner).tags


def test_one_task_does_one_thing_to_many_items(desk: Desk) -> None:
    owner = f"owner {uuid4()}"
    ids = kept(desk, owner, "Invoice 0", "Invoice 1", "Letter")
    (foreign,) = kept(desk, "another", "Invoice of another")

    wanted = {"title": "invoice"}
    tagged = bulk(desk, owner, Bulk(action=Action.TAG, tag="2024", filter=wanted))
    untagged = bulk(
        desk,
        owner,
        Bulk(action=Action.UNTAG, tag="2024", ids=[ids[0], ids[0], foreign]),
    )

    assert (tagged.done, tagged.unchanged) == (2, 0)
    assert [tags(desk, owner, one) for one in ids] == [[], ["2024"], []]
    assert [one.outcome for one in untagged.results] == ["done", "not_found"]
    assert tags(desk, "another", foreign) == []


def test_a_deletion_ends_with_its_task_still_there_to_tell(desk: Desk) -> None:
    """An emptied trash takes the tasks about its items; this one names them, too."""
    owner = f"owner {uuid4()}"
    ids = kept(desk, owner, "one", "two")

    early = bulk(desk, owner, Bulk(action=Action.DELETE, ids=ids))
    bulk(desk, owner, Bulk(action=Action.TRASH, ids=ids))
    done = bulk(desk, owner, Bulk(action=Action.DELETE, filter={"trashed": True}))

    assert (early.done, early.unchanged) == (0, 2)
    assert early.results[0].reason == ("It is not in the trash: move it there first.")
    assert done.done == 2
    with desk.database.connection() as connection, pytest.raises(NotFoundError):
        store.item(connection, ids[0], owner=owner)


def test_many_are_done_in_batches_and_counted_as_progress(desk: Desk) -> None:
    owner = f"owner {uuid4()}"
    ids = kept(desk, owner, *(f"note {number}" for number in range(120)))

    task = desk.run(
        submission(BULK_ITEMS, Bulk(action=Action.TRASH, filter={}), owner=owner)
    )

    assert task.status == Status.SUCCESS, task.error
    assert (task.current, task.total) == (4, 4)
    with desk.database.connection() as connection:
        assert editing.restore(connection, ids, owner=owner) == set(ids)


def test_each_wish_to_process_again_makes_tasks_of_its_own(desk: Desk) -> None:
    owner = f"owner {uuid4()}"
    (item_id,) = kept(desk, owner, "again")
    wanted = Bulk(action=Action.REPROCESS, ids=[item_id])

    one, two = bulk(desk, owner, wanted), bulk(desk, owner, wanted)

    assert len(one.results[0].task_ids) == 1
    assert one.results[0].task_ids != two.results[0].task_ids


def test_no_more_are_processed_again_at_once_than_may_wait(desk: Desk) -> None:
    """The rest waits, says so, and is not done twice when it goes on."""
    owner = f"owner {uuid4()}"
    ids = kept(desk, owner, *(f"note {number}" for number in range(6)))
    wanted = Bulk(action=Action.REPROCESS, ids=ids)

    def do(statement: str) -> list[UUID]:
        rows = desk.database.run(
            lambda connection: connection.execute(statement, [owner]).fetchall()
        )
        return [row["id"] for row in rows]

    made: list[UUID] = []
    desk.database.run(partial(caps.write, caps=Caps(queued={EACH_OWNER: 4})))
    try:
        task = desk.run(submission(BULK_ITEMS, wanted, owner=owner))
        assert "as many are in line as may be" in str(task.waiting_because)
        while task.status != Status.SUCCESS:
            assert task.status == Status.PARKED, task.error
            made += do(
                "update tasks set status = 'success', finished_at = now() "
                "where owner = %s and status = 'queued' returning id"
            )
            do(
                "update tasks set due_at = now() where owner = %s "
                "and status = 'parked' returning id"
            )
            desk.database.run(limits.wake)
            desk.runner.execute(task.task_id)
            task = desk.task(task.task_id, owner)
    finally:
        desk.database.run(partial(caps.write, caps=caps.NONE))

    done = BulkDone.model_validate(task.result)
    assert done.done == 6
    told = [one for result in done.results for one in result.task_ids]
    assert len(set(told)) == 6
    assert len(made) == 4, "as many as may wait, and no more"
