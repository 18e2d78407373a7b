"""What is deleted for good is nowhere any more, and nothing else goes with it."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.sql import SQL, Composed, Identifier

from prsnl import scheduler
from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.core.incoming import Incoming
from prsnl.core.storage import Spooled
from prsnl.embedded.stack import StackUrls
from prsnl.file_processing.batch_specs import PROCESS_BATCH, ProcessBatch
from prsnl.file_processing.specs import PROCESS_DOCUMENT, ProcessDocument
from prsnl.items import editing, store
from prsnl.items.models import AttachmentView
from prsnl.library import trash
from prsnl.library.intake import TakenIn, Wish, take_in
from prsnl.library.note_intake import take_note
from prsnl.wire.library import NewNote
from prsnl.work import blobs, secrets
from prsnl.work.claim import claim
from prsnl.work.submit import submission, submit
from prsnl.work.workers import WorkerIdentity
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes import transcripts
from tests.integration.file_processing.test_documents import Desk, working

CANARY = "Zwetschkenknoedelrezept"
TEXT = f"""# {CANARY}

The {CANARY} of aunt Mila costs 3.50 EUR a person and was written on 12 May 2024.
Take ripe plums. {CANARY} needs no sugar. Ask mila@{CANARY}.example for more.
"""


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker in the test's own process, on a data folder of its own."""
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("d"))
        yield from working(wiring)


def everywhere(desk: Desk, word: str) -> list[str]:
    """Where a word stands: columns of whatever type, and files of the data folder."""
    with desk.database.connection() as connection:
        columns = connection.execute(
            "select table_name as t, column_name as c, data_type as type "
            "from information_schema.columns "
            "join information_schema.tables using (table_schema, table_name) "
            "where table_schema = 'public' and table_type = 'BASE TABLE'"
        ).fetchall()
        found = [
            f"{row['t']}.{row['c']}"
            for row in columns
            if connection.execute(_holds(row), [f"%{word}%"]).fetchone()
        ]
    folder = desk.wiring.settings.storage.folder
    return found + [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and word.encode() in path.read_bytes()
    ]


def _holds(column: Row) -> Composed:
    shown = "encode({}, 'escape')" if column["type"] == "bytea" else "{}::text"
    return SQL("select 1 from {} where " + shown + " ilike %s limit 1").format(
        Identifier(column["t"]), Identifier(column["c"])
    )


def take(desk: Desk, name: str, content: bytes, owner: str) -> TakenIn:
    """Upload a file, as the API does, once its body is on disk."""
    with desk.wiring.storage.incoming() as path:
        path.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        spooled = Spooled(path, len(content), sha256)
        wish = Wish(process=False, again=False, local_only=False, idempotency_key=None)
        return take_in(
            desk.database,
            desk.wiring.storage,
            Incoming(name, spooled),
            wish,
            owner=owner,
        )


def row_of(desk: Desk, task_id: UUID) -> Row | None:
    with desk.database.connection() as connection:
        return connection.execute(
            "select * from tasks where id = %s", [task_id]
        ).fetchone()


def to_trash(desk: Desk, *files: AttachmentView, owner: str = "ada") -> None:
    with desk.database.connection() as connection:
        editing.trash(connection, [file.item_id for file in files], owner=owner)


def empty(desk: Desk, *files: AttachmentView, owner: str = "ada") -> list[UUID]:
    """Remove files' items for good."""
    to_trash(desk, *files, owner=owner)
    with desk.database.connection() as connection:
        return trash.purge(
            connection,
            desk.wiring.storage,
            [file.item_id for file in files],
            owner=owner,
        )


def has_bytes(desk: Desk, file: AttachmentView) -> bool:
    try:
        desk.wiring.storage.open(file.sha256).close()
    except NotFoundError:
        return False
    return True


def move_a_checkpoint_to_a_blob(desk: Desk) -> None:
    """As if it were larger than what a row keeps."""
    with desk.database.connection() as connection:
        row = connection.execute(
            "select key, result::text as told from task_checkpoints "
            "where result::text ilike %s limit 1",
            [f"%{CANARY}%"],
        ).fetchone()
        assert row is not None
        connection.execute(
            "update task_checkpoints set result = null, blob = %s where key = %s",
            [desk.wiring.storage.put_bytes(row["told"].encode()), row["key"]],
        )


def test_after_emptying_the_trash_the_text_is_nowhere(desk: Desk) -> None:
    file = desk.put(f"{CANARY}.md", TEXT.encode())
    kept = desk.put("else.txt", b"Something else entirely, which stays.")
    assert desk.process(file).status == "success"
    assert desk.process(kept).status == "success"
    desk.run(
        submission(
            ANALYZE_CONTENT, AnalyzeContent(content_id=file.item_id), owner="ada"
        )
    )
    move_a_checkpoint_to_a_blob(desk)
    with desk.database.connection() as connection:
        transcripts.keep(connection, file.id, CANARY)
    before = everywhere(desk, CANARY)
    assert {
        "attachment_pages.text",
        "attachments.extracted_text",
        "attachments.file_name",
        "chunks.text",
        "items.entities",
        "items.title",
        "task_checkpoints.result",
        "tasks.result",
        "transcript_segments.phrases",
        "transcript_segments.text",
    } <= set(before)
    assert sum(place.startswith("storage/blobs/") for place in before) == 2

    assert empty(desk, file) == [file.item_id]

    assert everywhere(desk, CANARY) == []
    assert everywhere(desk, str(file.id)) == []
    assert "attachment_pages.text" in everywhere(desk, "Something else entirely")


def test_the_search_for_a_word_finds_it_where_it_hides(desk: Desk) -> None:
    """The measuring helper sees a word in a table and in a file."""
    desk.wiring.storage.put_bytes(b"a hidden Kaiserschmarrn")
    with desk.database.connection() as connection:
        connection.execute(
            "insert into doomed_blobs (name) values ('kaiserSCHMARRN in a table')"
        )
        found = everywhere(desk, "Kaiserschmarrn")
        connection.execute("delete from doomed_blobs")

    assert [place.split("/")[0] for place in found] == ["doomed_blobs.name", "storage"]


def test_a_note_goes_with_all_that_was_made_of_it(desk: Desk) -> None:
    note = NewNote(title="Powidl", text="Powidl needs no sugar.", tags=["powidl"])
    kept = take_note(
        desk.database, desk.wiring.storage, note, owner="ada", idempotency_key="powidl"
    )
    assert kept.task is not None
    desk.runner.execute(kept.task.task_id)
    assert desk.task(kept.task.task_id).status == "success"

    empty(desk, kept.item.attachments[0])

    assert everywhere(desk, "powidl") == []


def test_the_same_bytes_of_another_owner_stay(desk: Desk) -> None:
    mine = desk.put("a.txt", b"bytes of two owners")
    theirs = desk.put("b.txt", b"bytes of two owners", owner="ben")

    empty(desk, mine)
    assert has_bytes(desk, theirs)
    empty(desk, theirs, owner="ben")
    assert not has_bytes(desk, theirs)


def test_what_is_not_in_the_trash_or_anothers_stays(desk: Desk) -> None:
    file = desk.put("c.txt", b"a file that stays")
    with desk.database.connection() as connection:
        storage = desk.wiring.storage
        assert trash.purge(connection, storage, [file.item_id], owner="ada") == []
        to_trash(desk, file)
        assert trash.purge(connection, storage, [file.item_id], owner="ben") == []
    assert has_bytes(desk, file)


def test_a_task_that_runs_is_cancelled_and_writes_nothing_more(desk: Desk) -> None:
    file = desk.put("d.txt", b"a file whose task runs")
    wanted = submission(
        PROCESS_DOCUMENT,
        ProcessDocument(file_id=file.id),
        owner="ada",
        attachment_id=file.id,
    )
    stopped = threading.Event()
    running = threading.Event()
    with desk.database.connection() as connection:
        task_id = submit(connection, [wanted])[0].task_id

    def handler(run: Any, _command: Any) -> Any:
        running.set()
        while run.stop_reason is None:
            stopped.wait(0.05)
        stopped.set()
        run.check()

    spec, own = desk.runner.catalogue.handlers[PROCESS_DOCUMENT.name]
    desk.runner.catalogue.handlers[PROCESS_DOCUMENT.name] = (spec, handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(desk.runner.execute, task_id)
            assert running.wait(30)
            empty(desk, file)
            done.result(timeout=30)
    finally:
        desk.runner.catalogue.handlers[PROCESS_DOCUMENT.name] = (spec, own)

    assert stopped.is_set()
    assert row_of(desk, task_id) is None
    assert everywhere(desk, str(file.id)) == []


def batch(desk: Desk, files: list[AttachmentView]) -> tuple[UUID, list[UUID]]:
    """A parent that waits for a child a file."""
    with desk.database.transaction() as connection:
        (parent,) = submit(
            connection,
            [
                submission(
                    ANALYZE_CONTENT,
                    AnalyzeContent(content=" ".join(str(file.id) for file in files)),
                    owner="ada",
                )
            ],
        )
        connection.execute(
            "update tasks set status = 'waiting', children_open = %s, "
            "children_at_once = 2, result = %s where id = %s",
            [len(files), '{"told": "of every file"}', parent.task_id],
        )
        children = submit(
            connection,
            [
                submission(
                    PROCESS_DOCUMENT,
                    ProcessDocument(file_id=file.id),
                    owner="ada",
                    attachment_id=file.id,
                    parent_id=parent.task_id,
                )
                for file in files
            ],
        )
    return parent.task_id, [one.task_id for one in children]


def test_a_batch_with_other_files_goes_on_without_the_deleted_one(desk: Desk) -> None:
    files = [desk.put(f"{n}.txt", f"file {n} of a batch".encode()) for n in range(2)]
    parent, children = batch(desk, files)

    empty(desk, files[0])

    left = row_of(desk, parent)
    assert left is not None
    assert (left["status"], left["children_open"]) == ("waiting", 1)
    assert left["result"] is None
    assert row_of(desk, children[0]) is None
    assert row_of(desk, children[1]) is not None

    empty(desk, files[1])
    assert row_of(desk, parent) is None


def test_a_batch_that_waits_for_a_worker_keeps_its_other_files(desk: Desk) -> None:
    files = [desk.put(f"w{n}.txt", f"file {n} that waits".encode()) for n in range(2)]
    command = ProcessBatch(file_ids=tuple(file.id for file in files))
    with desk.database.connection() as connection:
        wanted = submission(PROCESS_BATCH, command, owner="ada")
        task_id = submit(connection, [wanted])[0].task_id

    empty(desk, files[0])

    left = row_of(desk, task_id)
    assert left is not None
    assert left["status"] == "queued"


def test_an_upload_of_what_is_in_the_trash_takes_it_out(desk: Desk) -> None:
    first = take(desk, "e.txt", b"back again", "ada")
    to_trash(desk, first.attachment)
    again = take(desk, "e.txt", b"back again", "ada")
    third = take(desk, "e.txt", b"back again", "ada")

    assert again.attachment.id == first.attachment.id
    assert (again.is_restored, again.is_new) == (True, False)
    assert third.is_restored is False


def test_what_is_sent_while_it_is_deleted_is_kept_as_new(desk: Desk) -> None:
    """Told "here already", its owner would delete his own copy."""
    content = b"sent at the wrong moment"
    first = take(desk, "l.txt", content, "ada")
    to_trash(desk, first.attachment)
    with ThreadPoolExecutor(1) as pool:
        with desk.database.transaction() as going:
            # As far as `purge` has come when it waits for its commit.
            going.execute("delete from items where id = %s", [first.attachment.item_id])
            coming = pool.submit(take, desk, "l.txt", content, "ada")
            with pytest.raises(TimeoutError):
                coming.result(timeout=0.5)
        again = coming.result(timeout=30)

    assert (again.is_new, again.attachment.id == first.attachment.id) == (True, False)
    with desk.database.connection() as connection:
        kept = store.attachment(connection, again.attachment.id, owner="ada")
    assert has_bytes(desk, kept)


def test_bytes_that_come_while_they_go_are_there_at_the_end(desk: Desk) -> None:
    """Again and again one owner deletes what another one sends at that moment."""
    content = b"bytes that come and go"
    for number in range(12):
        mine = take(desk, "f.txt", content, "ada")
        with ThreadPoolExecutor(2) as pool:
            going = pool.submit(empty, desk, mine.attachment)
            coming = pool.submit(take, desk, "f.txt", content, f"owner {number}")
            going.result()
            theirs = coming.result()
        assert has_bytes(desk, theirs.attachment)
        empty(desk, theirs.attachment, owner=f"owner {number}")


def test_bytes_that_an_upload_holds_are_not_removed(desk: Desk) -> None:
    storage = desk.wiring.storage
    name = storage.put_bytes(b"held")
    with ThreadPoolExecutor(1) as pool, desk.database.connection() as remover:
        with desk.database.transaction() as upload:
            blobs.hold(upload, name)
            blobs.doom(remover, [name])
            going = pool.submit(blobs.remove_doomed, remover, storage)
            with pytest.raises(TimeoutError):
                going.result(timeout=0.3)
            # With the row, as an upload would.
            upload.execute(
                "insert into task_checkpoints (owner, key, blob) values ('x', 'x', %s)",
                [name],
            )
        assert going.result(timeout=30) == 0
    storage.open(name).close()


def test_bytes_that_a_running_task_may_be_about_to_name_wait(desk: Desk) -> None:
    storage = desk.wiring.storage
    with desk.database.connection() as connection:
        file = desk.put("g.txt", b"of a task that runs")
        wanted = submission(
            PROCESS_DOCUMENT, ProcessDocument(file_id=file.id), owner="ada"
        )
        task_id = submit(connection, [wanted])[0].task_id
        assert claim(
            connection,
            task_id,
            worker_id=WorkerIdentity(kind="worker").id,
            lease=timedelta(minutes=1),
            is_again=False,
        )
        name = storage.put_bytes(b"put, and not yet named")
        blobs.doom(connection, [name])

        assert blobs.remove_doomed(connection, storage) == 0
        storage.open(name).close()
        connection.execute(
            "update tasks set status = 'success' where id = %s", [task_id]
        )
        assert blobs.remove_doomed(connection, storage) == 1
        with pytest.raises(NotFoundError):
            storage.open(name)


class _Pausing:
    """A connection on which something happens before a certain statement."""

    def __init__(self, connection: Db, at: str, happens: Callable[[], None]) -> None:
        self._connection = connection
        self._at = at
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: str, *values: Any) -> Any:
        if self._at in statement:
            self._happens()
        return self._connection.execute(statement, *values)


@pytest.mark.parametrize("moment", ["blob_names", "claimed_at"])
def test_bytes_that_a_task_names_with_its_last_breath_stay(
    desk: Desk, moment: str
) -> None:
    """It ends just when somebody looks whether it runs, and what it has named."""
    storage = desk.wiring.storage
    file = desk.put(f"{moment}.txt", f"of a task that ends {moment}".encode())
    wanted = submission(PROCESS_DOCUMENT, ProcessDocument(file_id=file.id), owner="ada")
    with (
        desk.database.connection() as connection,
        desk.database.connection() as worker,
    ):
        task_id = submit(worker, [wanted])[0].task_id
        worker.execute(
            "update tasks set status = 'running', claimed_at = now() where id = %s",
            [task_id],
        )
        name = storage.put_bytes(f"named {moment}".encode())
        blobs.doom(connection, [name])

        def end() -> None:
            worker.execute(
                "update attachments set thumbnail = %s where id = %s", [name, file.id]
            )
            worker.execute(
                "update tasks set status = 'success' where id = %s", [task_id]
            )

        pausing: Any = _Pausing(connection, moment, end)
        assert blobs.remove_doomed(pausing, storage) == 0

    storage.open(name).close()


def test_bytes_that_a_killed_process_left_are_swept(desk: Desk) -> None:
    storage = desk.wiring.storage
    left, young = storage.put_bytes(b"left behind"), storage.put_bytes(b"young")
    kept = desk.put("h.txt", b"kept and old")
    for name in (left, kept.sha256):
        path = storage.root / "blobs" / name[:2] / name
        os.utime(path, (1_000_000_000, 1_000_000_000))
    sweep = scheduler.Sweep(storage)
    with desk.database.connection() as connection:
        for _ in range(256):
            assert sweep.go_on(connection) is False

    with pytest.raises(NotFoundError):
        storage.open(left)
    storage.open(young).close()
    storage.open(kept.sha256).close()


def test_a_sealed_password_outlives_a_sweep_and_goes_with_its_file(desk: Desk) -> None:
    """Half of it lies in the storage, for as long as its task waits."""
    storage = desk.wiring.storage
    file = desk.put("k.txt", b"a file with a password")
    wanted = submission(
        PROCESS_DOCUMENT,
        ProcessDocument(file_id=file.id),
        owner="ada",
        attachment_id=file.id,
    )
    with desk.database.connection() as connection:
        secrets.seal(connection, storage, wanted.id, "geheim")
        submit(connection, [wanted])
        row = connection.execute("select pad from task_secrets").fetchone()
        assert row is not None
        os.utime(storage.root / "blobs" / row["pad"][:2] / row["pad"], (1e9, 1e9))
        sweep = scheduler.Sweep(storage)
        for _ in range(256):
            sweep.go_on(connection)
        assert secrets.reveal(desk.database, storage, wanted.id) == "geheim"

        empty(desk, file)

        assert connection.execute("select 1 from task_secrets").fetchone() is None
        with pytest.raises(NotFoundError):
            storage.open(row["pad"])


def test_what_was_in_the_trash_for_a_month_goes_by_itself(desk: Desk) -> None:
    old, young = desk.put("i.txt", b"month old"), desk.put("j.txt", b"week old")
    to_trash(desk, old, young)

    def age(connection: Db, file: AttachmentView, days: int) -> None:
        connection.execute(
            "update items set deleted_at = now() - %s where id = %s",
            [timedelta(days=days), file.item_id],
        )

    with desk.database.connection() as connection:
        age(connection, old, 31)
        age(connection, young, 29)
        assert scheduler.empty_expired(connection, desk.wiring.storage) is True
        assert scheduler.empty_expired(connection, desk.wiring.storage) is False

    assert not has_bytes(desk, old)
    assert has_bytes(desk, young)
