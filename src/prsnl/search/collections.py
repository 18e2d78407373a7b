"""Collections: named searches, and named lists of items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db, Row
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.wire.search import CollectionBody, NewCollection, SavedSearch

MOST: Final = 500

_SELECT: Final = """
select c.name, c.search,
       case when c.search is null then (
           select count(*) from collection_items l join items i on i.id = l.item_id
           where l.owner = c.owner and l.name = c.name and i.deleted_at is null)
       end as items
from collections c where c.owner = %(owner)s
"""


def all_of(connection: Db, *, owner: str) -> list[CollectionBody]:
    """The owner's, by name."""
    rows = connection.execute(
        f"{_SELECT} order by c.name limit %(most)s", {"owner": owner, "most": MOST}
    ).fetchall()
    return [_body(row) for row in rows]


def one(connection: Db, name: str, *, owner: str) -> CollectionBody:
    """One of them.

    Raises:
        NotFoundError: The owner has none of that name.
    """
    row = connection.execute(
        f"{_SELECT} and c.name = %(name)s", {"owner": owner, "name": name}
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such collection.")
    return _body(row)


def keep(connection: Db, wanted: NewCollection, *, owner: str) -> CollectionBody:
    """Make one, or change it: a search takes the old one's place, a list grows.

    Raises:
        ConflictError: A search is to become a list, or a list a search; or there
            are too many.
        NotFoundError: An item is not the owner's.
    """
    values = {
        "owner": owner,
        "name": wanted.name,
        "search": _stored(wanted.search),
        "is_search": wanted.search is not None,
        "most": MOST,
    }
    with connection.transaction():
        done = connection.execute(
            "insert into collections (owner, name, search) "
            "select %(owner)s, %(name)s, %(search)s::jsonb "
            "where exists (select from collections where owner = %(owner)s "
            "              and name = %(name)s) "
            "   or (select count(*) from collections where owner = %(owner)s) "
            "      < %(most)s "
            "on conflict (owner, name) do update set search = excluded.search "
            "where (collections.search is not null) = %(is_search)s",
            values,
        )
        if done.rowcount == 0:
            raise ConflictError(_refusal(connection, wanted.name, owner))
        if wanted.ids:
            _list(connection, wanted.name, wanted.ids, owner)
        return one(connection, wanted.name, owner=owner)


def items_of(
    connection: Db, name: str, *, owner: str, after: UUID | None, limit: int
) -> list[UUID]:
    """The items of a list outside the trash, in the order of their making.

    Raises:
        NotFoundError: The owner has none of that name.
    """
    one(connection, name, owner=owner)
    rows = connection.execute(
        "select i.id from collection_items l join items i on i.id = l.item_id "
        "where l.owner = %(owner)s and i.owner = %(owner)s and l.name = %(name)s "
        "and i.deleted_at is null and (%(after)s::uuid is null or i.id > %(after)s) "
        "order by i.id limit %(limit)s",
        {"owner": owner, "name": name, "after": after, "limit": limit},
    ).fetchall()
    return [row["id"] for row in rows]


def lists_of(connection: Db, item_id: UUID, *, owner: str) -> list[str]:
    """The lists that an item is on, by name."""
    rows = connection.execute(
        "select name from collection_items where owner = %s and item_id = %s "
        "order by name limit %s",
        [owner, item_id, MOST],
    ).fetchall()
    return [row["name"] for row in rows]


def forget(
    connection: Db, name: str, *, owner: str, item_id: UUID | None = None
) -> None:
    """Forget one, or take an item from its list; the items themselves stay.

    Raises:
        NotFoundError: There is no such collection, or the item is not on it.
    """
    if item_id is None:
        done = connection.execute(
            "delete from collections where owner = %s and name = %s", [owner, name]
        )
    else:
        done = connection.execute(
            "delete from collection_items "
            "where owner = %s and name = %s and item_id = %s",
            [owner, name, item_id],
        )
    if done.rowcount == 0:
        raise NotFoundError(
            "There is no such collection."
            if item_id is None
            else "This item is not on this list."
        )


def _list(connection: Db, name: str, ids: Sequence[UUID], owner: str) -> None:
    wanted = list(dict.fromkeys(ids))
    connection.execute(
        "insert into collection_items (owner, name, item_id) "
        "select owner, %s, id from items where id = any(%s) and owner = %s "
        "on conflict do nothing",
        [name, wanted, owner],
    )
    row = connection.execute(
        "select count(*) as n from items where id = any(%s) and owner = %s",
        [wanted, owner],
    ).fetchone()
    if row is None or row["n"] < len(wanted):
        raise NotFoundError("There is no such item: nothing was put on the list.")


def _refusal(connection: Db, name: str, owner: str) -> str:
    row = connection.execute(
        "select search is null as is_list from collections "
        "where owner = %s and name = %s",
        [owner, name],
    ).fetchone()
    if row is None:
        return f"There are {MOST} collections already: forget one."
    kind = "a list of items" if row["is_list"] else "a search"
    return f"This collection is {kind}: forget it first, or take another name."


def _stored(search: SavedSearch | None) -> Jsonb | None:
    if search is None:
        return None
    told: dict[str, Any] = search.model_dump(
        mode="json", by_alias=True, exclude_defaults=True
    )
    return Jsonb(told)


def _body(row: Row) -> CollectionBody:
    search = row["search"]
    return CollectionBody(
        name=row["name"],
        search=None if search is None else SavedSearch.model_validate(search),
        items=row["items"],
    )
