"""What the first version kept is there, and goes on, with the newest schema."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

from prsnl.ai_processing.specs import ANALYZE_CONTENT, AnalyzeContent
from prsnl.core import schema
from prsnl.core.db import Db, connect
from prsnl.items import store
from prsnl.work import ledger
from prsnl.work.specs import Status

TEXT = "The kettle boils at 100 degrees."


def keep_a_task(connection: Db, status: str) -> UUID:
    """A row as the very first schema had it."""
    task_id = uuid4()
    command = AnalyzeContent(content=TEXT).model_dump(mode="json", exclude_none=True)
    is_over = status in ("success", "failure")
    connection.execute(
        "insert into tasks (id, owner, name, queue, command, command_hash, status, "
        "finished_at, lease_until, claim_no, error_code, error_category) values "
        "(%s, 'ada', %s, 'ai_processing', %s, '\\x00', %s, "
        "case when %s then now() end, case when %s then now() end, %s, %s, %s)",
        [
            task_id,
            ANALYZE_CONTENT.name,
            json.dumps(command),
            status,
            is_over,
            status == "running",
            0 if status == "queued" else 1,
            *(("corrupt", "permanent") if status == "failure" else (None, None)),
        ],
    )
    connection.execute(
        "insert into task_progress (task_id, owner, seq, status, current, message) "
        "values (%s, 'ada', 1, 'queued', 0, 'Waits')",
        [task_id],
    )
    return task_id


def keep_a_file(connection: Db) -> tuple[UUID, UUID]:
    """An item with its file and a page, as the second schema had them."""
    item_id, attachment_id = uuid4(), uuid4()
    connection.execute(
        "insert into items (id, owner, title, title_source, language, tags) "
        "values (%s, 'ada', 'Kettles', 'heading', 'en', '{water}')",
        [item_id],
    )
    connection.execute(
        "insert into attachments (id, item_id, owner, file_name, size_bytes, sha256, "
        "mime_type, kind, page_count, processing_status, extracted_text) values "
        "(%s, %s, 'ada', 'kettle.txt', 32, %s, 'text/plain', 'text', 1, "
        "'completed', %s)",
        [attachment_id, item_id, "0" * 64, TEXT],
    )
    connection.execute(
        "insert into attachment_pages (attachment_id, number, status, text, engine, "
        "reason, milliseconds) values (%s, 1, 'text', %s, 'text', 'plain', 1)",
        [attachment_id, TEXT],
    )
    connection.execute(
        "insert into chunks (attachment_id, number, item_id, owner, text, page_from, "
        "page_to, start_offset, end_offset) values (%s, 1, %s, 'ada', %s, 1, 1, 0, 32)",
        [attachment_id, item_id, TEXT],
    )
    return item_id, attachment_id


def test_what_each_early_schema_kept_is_there_with_the_newest(
    empty_database_url: str,
) -> None:
    url = empty_database_url
    schema.migrate(url, to="0001")
    with connect(url) as connection:
        kept = {
            status: keep_a_task(connection, status)
            for status in ("queued", "running", "success", "failure")
        }
    schema.migrate(url, to="0002")
    with connect(url) as connection:
        item_id, attachment_id = keep_a_file(connection)
    schema.migrate(url)

    with connect(url) as connection:
        found = {
            status: ledger.task(connection, task_id, owner="ada").status
            for status, task_id in kept.items()
        }
        events = connection.execute("select count(*) as n from task_progress")
        item = store.item(connection, item_id, owner="ada")
        pages = store.text(connection, attachment_id, owner="ada")
        counted = events.fetchone()
        found_again = connection.execute(
            "select page from search_pages where attachment_id = %s and page > 0",
            [attachment_id],
        ).fetchall()
    assert found == {status: Status(status) for status in kept}
    assert counted == {"n": len(kept)}
    assert (item.title, list(item.tags)) == ("Kettles", ["water"])
    assert TEXT in pages
    assert found_again == [{"page": 1}]
