"""The client's calls for the library, against the real API."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.items.editing import ItemChanges
from prsnl.items.listing import ItemQuery, Sort
from prsnl.wire.library import NewNote
from prsnl.wire.monitoring import Requeue
from prsnl.work.specs import Status
from tests.integration.api.conftest import Person, Server
from tests.integration.api.test_overview import failed


def note(text: str = "", **more: object) -> NewNote:
    return NewNote.model_validate({"text": text or f"Note {uuid4()}", **more})


def test_a_note_is_kept_changed_found_and_told_where_it_went(ada: Person) -> None:
    kept = ada.client.note(note(title="Boiler"), idempotency_key="1")
    again = ada.client.note(note(kept.item.title), idempotency_key="2")
    changed = ada.client.change_item(
        kept.item.id, ItemChanges(tags=["home"], document_date=date(2024, 5, 12))
    )

    assert (kept.is_new, again.is_new) == (True, True)
    assert kept.task is not None
    assert changed.title == "Boiler"
    assert changed.document_date == date(2024, 5, 12)
    found = list(ada.client.items(ItemQuery(tag=["home"])))
    assert [item.id for item in found] == [kept.item.id]
    assert ada.client.egress(kept.item.id).sentence == "Nothing left this machine."


def test_items_are_listed_over_all_pages(ada: Person) -> None:
    for title in "cab":
        ada.client.note(note(title=title, process=False))
    found = ada.client.items(ItemQuery(sort=Sort.TITLE, limit=2))

    assert [item.title for item in found] == ["a", "b", "c"]


def test_the_trash_is_filled_and_emptied(ada: Person) -> None:
    ids = [ada.client.note(note(process=False)).item.id for _ in range(4)]
    with pytest.raises(ConflictError):
        ada.client.delete(ids[0])
    assert ada.client.trash(ids[0]).deleted_at is not None
    assert ada.client.restore(ids[0]).deleted_at is None
    for one in ids:
        ada.client.trash(one)
    assert ada.client.delete(ids[0]).left == 3

    assert ada.client.empty_trash() == 3
    assert ada.client.empty_trash() == 0
    with pytest.raises(NotFoundError):
        ada.client.item(ids[1])


def test_tags_are_renamed_and_deleted(ada: Person) -> None:
    ada.client.note(note(tags=["a/b ?", "c"], process=False))
    ada.client.rename_tag("a/b ?", "d")

    assert [tag.name for tag in ada.client.tags()] == ["c", "d"]
    assert ada.client.delete_tag("d").items == 1
    with pytest.raises(NotFoundError):
        ada.client.delete_tag("d")


def test_what_failed_is_shown_and_queued_again(server: Server, ada: Person) -> None:
    task_id = failed(server, ada, "corrupt")
    assert ada.client.dead_letters(code="corrupt").groups[0].count == 1
    made = ada.client.requeue(Requeue(code="corrupt"))

    assert ada.client.status(made.task_id).name == "requeue_failed_task"
    assert ada.client.retry(task_id).status is Status.QUEUED
    assert ada.client.dead_letters().total == 0
    assert len(ada.client.queues()) == 7
    assert ada.client.performance(hours=1).hours == 1
