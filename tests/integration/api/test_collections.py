"""Collections: named searches and named lists."""

from __future__ import annotations

from uuid import uuid4

import pytest

from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.wire.library import NewNote
from prsnl.wire.search import NewCollection, SavedSearch
from tests.integration.api.conftest import Person


def test_a_search_is_kept_by_its_name_and_changed(ada: Person, ben: Person) -> None:
    wanted = SavedSearch.model_validate({"q": "rent", "from": "2024-01-01"})
    kept = ada.client.collect(NewCollection(name="Flat & home ?", search=wanted))
    ada.client.collect(
        NewCollection(name="Flat & home ?", search=SavedSearch(q="lease"))
    )

    assert kept.search == wanted
    assert [one.name for one in ada.client.collections()] == ["Flat & home ?"]
    assert ada.client.collection("Flat & home ?").search == SavedSearch(q="lease")
    assert ben.client.collections() == []
    ada.client.forget_collection("Flat & home ?")
    with pytest.raises(NotFoundError):
        ada.client.collection("Flat & home ?")


def test_a_list_grows_shrinks_and_leaves_out_the_trash(
    ada: Person, ben: Person
) -> None:
    ids = [
        ada.client.note(NewNote(text=f"Note {uuid4()}", process=False)).item.id
        for _ in range(3)
    ]
    foreign = ben.client.note(NewNote(text="His", process=False)).item.id
    ada.client.collect(NewCollection(name="Trip", ids=ids[:2]))
    told = ada.client.collect(NewCollection(name="Trip", ids=ids[1:]))

    assert told.items == 3
    with pytest.raises(NotFoundError):
        ada.client.collect(NewCollection(name="Trip", ids=[foreign]))
    with pytest.raises(ConflictError, match="forget it first"):
        ada.client.collect(NewCollection(name="Trip", search=SavedSearch(q="x")))
    ada.client.trash(ids[0])
    left = ada.http.delete(f"/api/collections/Trip/items/{ids[1]}")
    assert left.status_code == 204
    listed = ada.http.get("/api/collections/Trip/items").json()["items"]
    assert [one["id"] for one in listed] == [str(ids[2])]
    assert ada.client.item(ids[1]).deleted_at is None
    assert ben.http.get("/api/collections/Trip/items").status_code == 404
