"""Files in mails and archives become items with tasks of their own."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage
from uuid import UUID

import pytest

from prsnl.embedded.stack import StackUrls
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
)
from prsnl.items import editing, store
from prsnl.items.models import AttachmentView
from prsnl.library import trash
from prsnl.work import control, secrets
from prsnl.work.ledger import TaskView
from prsnl.work.specs import Status
from prsnl.work.submit import submission, submit
from tests.conftest import fresh_broker, fresh_database, wired
from tests.fakes.encrypted_pdf import encrypted_pdf
from tests.fakes.office_files import zip_file
from tests.integration.file_processing.test_documents import Desk, working

#: A program: nothing here reads it.
ELF = b"\x7fELF\x02\x01\x01" + bytes(200)
NOTE = b"A note about the garden, long enough to be told as a text in English.\n"


@pytest.fixture(scope="module")
def desk(stack: StackUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    with fresh_database(stack) as database_url:
        wiring = wired(database_url, fresh_broker(stack), tmp_path_factory.mktemp("m"))
        yield from working(wiring)


def children(desk: Desk, task: TaskView) -> list[TaskView]:
    with desk.database.connection() as connection:
        rows = connection.execute(
            "select id from tasks where parent_id = %s order by id", [task.task_id]
        ).fetchall()
    return [desk.task(row["id"]) for row in rows]


def opened(
    desk: Desk, file: AttachmentView, *, parent: TaskView | None = None
) -> TaskView:
    """A container's task, waiting for its files."""
    command = ProcessDocument(
        file_id=file.id, options=DocumentOptions(analyze_content=False)
    )
    return desk.run(
        submission(
            PROCESS_DOCUMENT,
            command,
            owner="ada",
            attachment_id=file.id,
            parent_id=parent and parent.task_id,
        )
    )


def finished(desk: Desk, task: TaskView) -> TaskView:
    """The same task when its files are done."""
    for child in children(desk, task):
        desk.runner.execute(child.task_id)
    desk.runner.execute(task.task_id)
    return desk.task(task.task_id)


def removed(desk: Desk, file_id: UUID | None) -> AttachmentView:
    """A file whose item went to the trash, and the trash was emptied."""
    assert file_id is not None
    with desk.database.connection() as connection:
        file = store.attachment(connection, file_id, owner="ada")
        editing.trash(connection, [file.item_id], owner="ada")
        trash.purge(connection, desk.wiring.storage, [file.item_id], owner="ada")
    return file


def letter() -> bytes:
    mail = EmailMessage()
    mail["Subject"] = "Papers"
    mail["From"] = "ada@example.org"
    mail.set_content("Please find them enclosed.\n")
    for name, content in (
        ("note.txt", NOTE),
        ("broken.docx", b"PK\x03\x04 word/ rubbish"),
        ("program", ELF),
        ("more.zip", zip_file({"inner.md": b"# Inner\n\nWords."})),
    ):
        mail.add_attachment(content, maintype="a", subtype="b", filename=name)
    return mail.as_bytes()


def test_each_file_in_a_mail_is_an_item_and_bad_ones_cost_themselves(
    desk: Desk,
) -> None:
    waiting = opened(desk, desk.put("letter.eml", letter()))
    assert waiting.status is Status.WAITING

    done = finished(desk, waiting)

    assert done.status is Status.SUCCESS
    assert done.result is not None
    assert [(one["name"], one["status"]) for one in done.result["members"]] == [
        ("note.txt", "success"),
        ("broken.docx", "failure"),
        ("program", None),
        ("more.zip", "success"),
        ("more.zip/inner.md", "success"),
    ]
    assert [warning.partition(":")[0] for warning in done.warnings] == [
        "broken.docx",
        "program",
    ]
    inner = done.result["members"][4]["attachment_id"]
    with desk.database.connection() as connection:
        assert store.text(connection, inner, owner="ada") == "Inner\n\nWords."
        assert store.attachment(connection, inner, owner="ada").file_name == "inner.md"


def test_the_same_file_in_two_archives_is_one_item(desk: Desk) -> None:
    tasks = [
        finished(desk, opened(desk, desk.put(f"{n}.zip", zip_file({f"{n}.txt": NOTE}))))
        for n in range(2)
    ]

    found = {
        task.result["members"][0]["attachment_id"] for task in tasks if task.result
    }
    assert len(found) == 1


def deleted(desk: Desk, file: AttachmentView) -> None:
    """Remove a file's item for good."""
    with desk.database.connection() as connection:
        editing.trash(connection, [file.item_id], owner="ada")
        assert trash.purge(connection, desk.wiring.storage, [file.item_id], owner="ada")


def test_the_files_of_a_mail_that_is_deleted_wait_for_nothing(desk: Desk) -> None:
    archive = desk.put("going.zip", zip_file({"going.txt": NOTE + b"going"}))
    (child,) = children(desk, opened(desk, archive))
    assert child.attachment_id is not None

    deleted(desk, archive)

    with desk.database.connection() as connection:
        left = store.attachment(connection, child.attachment_id, owner="ada")
    assert left.processing_status == "cancelled"


def test_files_of_another_owner_are_not_found(desk: Desk) -> None:
    """Bytes alone open nobody's item."""
    theirs = desk.put("theirs.txt", b"Words of another, in a file of his own.\n", "bob")
    archive = zip_file({"mine.txt": b"Words of another, in a file of his own.\n"})

    done = finished(desk, opened(desk, desk.put("own.zip", archive)))

    assert done.result is not None
    assert done.result["members"][0]["attachment_id"] != str(theirs.id)


def test_a_file_whose_item_was_removed_is_taken_out_again_with_its_bytes(
    desk: Desk,
) -> None:
    """What an earlier look found is kept, and its bytes went with the item."""
    file = desk.put("twice.zip", zip_file({"a.txt": NOTE + b"a", "b.txt": NOTE + b"b"}))
    first = finished(desk, opened(desk, file))
    assert first.result is not None
    gone = removed(desk, UUID(first.result["members"][0]["attachment_id"]))
    # As when the sweep comes after the task's end.
    desk.wiring.storage.delete(gone.sha256)

    again = finished(desk, opened(desk, file))

    assert again.result is not None
    assert [one["status"] for one in again.result["members"]] == ["success"] * 2
    with desk.wiring.storage.open(gone.sha256) as kept:
        assert kept.read() == NOTE + b"a"


def test_a_file_removed_while_its_siblings_run_shifts_nobodys_outcome(
    desk: Desk,
) -> None:
    """Another task of the same archive makes the removed one anew meanwhile."""
    archive = zip_file({"a.txt": NOTE + b"1", "bad.docx": b"PK\x03\x04 word/ rubbish"})
    file = desk.put("shift.zip", archive)
    waiting = opened(desk, file)
    removed(desk, children(desk, waiting)[0].attachment_id)
    opened(desk, file)

    done = finished(desk, waiting)

    assert done.result is not None
    told = [(one["name"], one["status"]) for one in done.result["members"]]
    assert told == [("a.txt", None), ("bad.docx", "failure")]
    assert done.warnings[0] == "a.txt: its item was removed meanwhile."


def test_the_password_of_an_archive_opens_the_documents_in_it(desk: Desk) -> None:
    archive = zip_file({"secret.pdf": encrypted_pdf("geheim"), "open.txt": NOTE})
    file = desk.put("locked.zip", archive)
    wanted = submission(
        PROCESS_DOCUMENT,
        ProcessDocument(
            file_id=file.id, options=DocumentOptions(analyze_content=False)
        ),
        owner="ada",
        attachment_id=file.id,
    )
    with desk.database.connection() as connection:
        secrets.seal(connection, desk.wiring.storage, wanted.id, "geheim")

    done = finished(desk, desk.run(wanted))

    assert done.result is not None
    assert [one["status"] for one in done.result["members"]] == ["success"] * 2
    assert secrets.reveal(desk.database, desk.wiring.storage, wanted.id) is None


def test_members_stay_closed_when_nobody_wants_them(desk: Desk) -> None:
    file = desk.put("closed.zip", zip_file({"closed.txt": NOTE + b"closed"}))
    command = ProcessDocument(
        file_id=file.id,
        options=DocumentOptions(analyze_content=False, open_members=False),
    )

    done = desk.run(
        submission(PROCESS_DOCUMENT, command, owner="ada", attachment_id=file.id)
    )

    assert done.status is Status.SUCCESS
    assert not children(desk, done)


def test_cancel_reaches_the_files_of_an_archive_in_a_batch(desk: Desk) -> None:
    """Three levels: the batch, the archive in it, and the archive's files."""
    file = desk.put("deep.zip", zip_file({"deep.txt": NOTE + b"deep"}))
    with desk.database.connection() as connection:
        command = ProcessDocument(file_id=file.id)
        batch = submit(
            connection, [submission(PROCESS_DOCUMENT, command, owner="ada")]
        )[0].task_id
    archive = opened(desk, file, parent=desk.task(batch))
    (member,) = children(desk, archive)

    with desk.database.connection() as connection:
        control.cancel(connection, batch, owner="ada")

    assert {
        desk.task(one).status for one in (batch, archive.task_id, member.task_id)
    } == {Status.REVOKED}


def test_a_manifest_lists_its_dependencies_and_is_read_as_text(desk: Desk) -> None:
    file = desk.put("requirements.txt", b"celery>=5.7\nruff==0.1\n")

    done = desk.process(file, options=DocumentOptions(analyze_content=False))

    assert done.result is not None
    assert [one["name"] for one in done.result["dependencies"]] == ["celery", "ruff"]
    assert done.result["characters"] > 10


def test_other_files_have_no_list_of_dependencies(desk: Desk) -> None:
    done = desk.process(
        desk.put("plain.txt", NOTE + b"plain"),
        options=DocumentOptions(analyze_content=False),
    )

    assert done.result is not None
    assert done.result["dependencies"] is None
