"""Emptying the trash: an item goes for good, with all that was ever made of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.storage import Storage
from prsnl.items import lexicon, vector_upkeep, watch_store
from prsnl.items.editing import TRASH_KEEPS
from prsnl.work import blobs
from prsnl.work.claim import child_ended
from prsnl.work.specs import ENDED, Status

#: Items that go in one transaction.
BATCH: Final = 50

_FILES: Final = """
select i.id as item_id, a.id as attachment_id
from items i left join attachments a on a.item_id = i.id
where i.id = any(%(items)s) and i.owner = %(owner)s and i.deleted_at is not null
"""

# Tasks before items, as a stage's commit takes them. One that is about one file or
# item names no other; the others' commands are looked through, whatever their shape.
_TASKS: Final = """
select id, parent_id, status, held,
       attachment_id = any(%(files)s) or command ->> 'file_id' = any(%(names)s)
       or command ->> 'content_id' = any(%(names)s) as is_about
from tasks
where owner = %(owner)s
  and (attachment_id = any(%(files)s) or command ->> 'file_id' = any(%(names)s)
       or command ->> 'content_id' = any(%(names)s)
       or (command ->> 'file_id' is null and command ->> 'content_id' is null
           and command::text ~ %(pattern)s))
order by id for update
"""

_STILL_THERE: Final = """
select id from items
where id = any(%(items)s) and owner = %(owner)s and deleted_at is not null
order by id for update
"""

_FAMILY: Final = """
select id, parent_id, status, held from tasks
where id = any(%(ids)s) or parent_id = any(%(ids)s)
order by id for update
"""

# Of a batch that has not come to its files yet nobody knows what is left: it goes on.
_FOR_OTHERS_TOO: Final = """
select parent_id as id from tasks
where parent_id = any(%(mentions)s) and not (id = any(%(about)s))
union
select t.id from tasks t
where t.id = any(%(mentions)s) and not (t.status = any(%(ended)s))
  and not exists (select from tasks c where c.parent_id = t.id)
"""

_CHECKPOINTS: Final = """
delete from task_checkpoints c using task_stages s
where s.task_id = any(%(tasks)s) and c.owner = %(owner)s and c.key = s.checkpoint_key
returning c.blob
"""

# The files in a mail stay, without the tasks that were the mail's.
_LEFT_ALONE: Final = """
update attachments a set processing_status = 'cancelled'
from tasks t
where t.id = any(%(tasks)s) and not t.status = any(%(ended)s)
  and a.id = t.attachment_id and a.processing_status <> 'completed'
"""

# A batch with other files stays; what it says of this one goes.
_SCRUB: Final = """
with scrubbed as (
    update tasks
    set result = null, warnings = '[]', error_message = null,
        message = 'A file of this batch was deleted', updated_at = now(), seq = seq + 1
    where id = any(%(ids)s) returning id
), log as (
    update celery_task_results r set error_message = null, traceback = null
    from scrubbed s where r.task_id = s.id
)
update task_progress p set message = '' from scrubbed s where p.task_id = s.id
"""


@dataclass(frozen=True)
class _Found:
    """What belongs to some items of one owner."""

    owner: str
    items: list[UUID]
    files: list[UUID]


def purge(
    connection: Db, storage: Storage, item_ids: Sequence[UUID], *, owner: str
) -> list[UUID]:
    """Remove items that are in the trash; tell which have gone.

    Their tasks are cancelled: a worker in the midst of one finds its row gone, kills
    its children, and writes nothing more.
    """
    gone: list[UUID] = []
    for start in range(0, len(item_ids), BATCH):
        with connection.transaction():
            gone += _purge(connection, item_ids[start : start + BATCH], owner)
    blobs.remove_doomed(connection, storage)
    return gone


def purge_expired(connection: Db, storage: Storage) -> int:
    """Remove a batch of what has been in the trash for its time; tell how many."""
    rows = connection.execute(
        "select id, owner from items where deleted_at < now() - %s "
        "order by deleted_at limit %s",
        [TRASH_KEEPS, BATCH],
    ).fetchall()
    return sum(
        len(
            purge(
                connection,
                storage,
                [row["id"] for row in rows if row["owner"] == owner],
                owner=owner,
            )
        )
        for owner in sorted({row["owner"] for row in rows})
    )


def trashed(connection: Db, *, owner: str, limit: int) -> list[UUID]:
    """The ids of what is in the trash, the oldest first."""
    rows = connection.execute(
        "select id from items where owner = %s and deleted_at is not null "
        "order by deleted_at, id limit %s",
        [owner, limit],
    ).fetchall()
    return [row["id"] for row in rows]


def count(connection: Db, *, owner: str) -> int:
    """How many items are in the trash."""
    row = connection.execute(
        "select count(*) as n from items where owner = %s and deleted_at is not null",
        [owner],
    ).fetchone()
    return int(row["n"]) if row else 0


def _purge(connection: Db, item_ids: Sequence[UUID], owner: str) -> list[UUID]:
    rows = connection.execute(
        _FILES, {"items": list(item_ids), "owner": owner}
    ).fetchall()
    if not rows:
        return []
    found = _Found(
        owner,
        sorted({row["item_id"] for row in rows}),
        [row["attachment_id"] for row in rows if row["attachment_id"] is not None],
    )
    tasks = _locked_tasks(connection, found)
    still = connection.execute(
        _STILL_THERE, {"items": found.items, "owner": owner}
    ).fetchall()
    if len(still) < len(found.items):
        # One was taken out of the trash meanwhile: its tasks are not to go.
        return _purge_again(connection, [row["id"] for row in still], owner)
    texts = vector_upkeep.contents(connection, items=found.items)
    doomed = _remove_tasks(connection, tasks, owner)
    names = connection.execute(
        "select name from blob_names where attachment_id = any(%s)", [found.files]
    ).fetchall()
    watch_store.forget(connection, [row["name"] for row in names])
    words = lexicon.words_of(connection, found.items)
    connection.execute("delete from items where id = any(%s)", [found.items])
    vector_upkeep.forget(connection, texts, owner=owner)
    lexicon.forget(connection, words, owner=owner)
    blobs.doom(connection, [*doomed, *(row["name"] for row in names)])
    return found.items


def _purge_again(connection: Db, item_ids: list[UUID], owner: str) -> list[UUID]:
    return _purge(connection, item_ids, owner) if item_ids else []


def _locked_tasks(connection: Db, found: _Found) -> list[Row]:
    names = [str(one) for one in (*found.items, *found.files)]
    return connection.execute(
        _TASKS,
        {
            "owner": found.owner,
            "files": found.files,
            "names": names,
            "pattern": "|".join(names),
        },
    ).fetchall()


def _remove_tasks(connection: Db, tasks: list[Row], owner: str) -> list[str]:
    """Remove tasks with what they made; tell the blobs of it."""
    about = {row["id"] for row in tasks if row["is_about"]}
    mentions = {row["id"] for row in tasks} - about
    ended = [str(status) for status in ENDED]
    others = connection.execute(
        _FOR_OTHERS_TOO,
        {"mentions": list(mentions), "about": list(about), "ended": ended},
    ).fetchall()
    kept = {row["id"] for row in others}
    family = connection.execute(
        _FAMILY, {"ids": list(about | (mentions - kept))}
    ).fetchall()
    ids = [row["id"] for row in family]
    gone = connection.execute(
        _CHECKPOINTS, {"tasks": [*ids, *kept], "owner": owner}
    ).fetchall()
    if kept:
        connection.execute(_SCRUB, {"ids": list(kept)})
    pads = connection.execute(
        "delete from task_secrets where task_id = any(%s) returning pad", [ids]
    ).fetchall()
    connection.execute(_LEFT_ALONE, {"tasks": ids, "ended": ended})
    texts = vector_upkeep.contents(connection, tasks=ids)
    connection.execute("delete from tasks where id = any(%s)", [ids])
    vector_upkeep.forget(connection, texts, owner=owner)
    for row in family:
        is_open = Status(row["status"]) not in ENDED
        if row["parent_id"] not in {None, *ids} and is_open:
            child_ended(connection, row["parent_id"], was_held=row["held"])
    kept_bytes = (row["blob"] for row in gone if row["blob"] is not None)
    return [*kept_bytes, *(row["pad"] for row in pads)]
