"""What a person changes: titles, tags, dates; and what goes to the trash and back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.core.texts import Day, ShortText, Tag
from prsnl.items import naming, store
from prsnl.items.models import ItemView
from prsnl.items.naming import Names

#: So long an item can be taken out of the trash again.
TRASH_KEEPS: Final = timedelta(days=30)
MOST_TAGS: Final = 100


class ItemChanges(BaseModel):
    """What is set by hand; what is not given stays."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "minProperties": 1,
            "examples": [{"title": "Lease, flat in Graz", "tags": ["lease", "home"]}],
        },
    )

    title: ShortText = Field("", description="Never empty.")
    tags: list[Tag] = Field(
        default_factory=list, max_length=MOST_TAGS, description="All of them."
    )
    document_date: Day | None = Field(None, description="Null: it has none.")
    language: ShortText | None = Field(None, description="`en`, `de` ...; null: none.")
    document_type: ShortText | None = Field(
        None, description="`contract`, `invoice` ...; null: none. Of all its files."
    )

    category: ShortText | None = Field(
        None,
        description="A category of the taxonomy; the one suggested confirms it; null: "
        "none.",
    )
    local_only: StrictBool = Field(
        False, description="No byte of it may leave this machine."
    )

    names: Names = Field(
        default_factory=dict,
        description="By a name of the text what it is (`person`, `organization`, "
        "`place` ...); null: it is no name. The others stay.",
    )

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("give at least one field to change")
        return self


_FOUND_TAGS: Final = """
select tag as name, count(*) as items
from items, unnest(tags) as t (tag)
where owner = %(owner)s and deleted_at is null
  and (%(after)s::text is null or tag > %(after)s)
  and (%(has)s::text is null or strpos(lower(tag), lower(%(has)s)) > 0)
group by tag order by tag limit %(limit)s
"""

# An item that has the new name already keeps it once, in its place.
_RENAME: Final = """
update items
set tags = array(
        select t.tag from (
            select case when tag = %(old)s then %(new)s::text else tag end as tag,
                   min(place) as place
            from unnest(tags) with ordinality as u (tag, place) group by 1) t
        where t.tag is not null order by t.place),
    user_fields = array(select distinct unnest(user_fields || '{tags}'::text[])),
    updated_at = now()
where owner = %(owner)s and tags @> array[%(old)s::text]
"""

_ADD: Final = """
update items
set tags = case when %(tag)s = any(tags) then tags
                else array_append(tags, %(tag)s::text) end,
    user_fields = array(select distinct unnest(user_fields || '{tags}'::text[])),
    updated_at = now()
where id = any(%(ids)s) and owner = %(owner)s
returning id
"""

_REMOVE: Final = """
update items
set tags = array_remove(tags, %(tag)s::text),
    user_fields = array(select distinct unnest(user_fields || '{tags}'::text[])),
    updated_at = now()
where id = any(%(ids)s) and owner = %(owner)s and tags @> array[%(tag)s::text]
returning id
"""


def keep_here(connection: Db, item_id: UUID) -> None:
    """Let no byte of an item leave this machine from now on."""
    connection.execute(
        "update items set local_only = true where id = %s and not local_only",
        [item_id],
    )


def change(
    connection: Db, item_id: UUID, changes: ItemChanges, *, owner: str
) -> ItemView:
    """Set what a person wants, for good.

    Raises:
        NotFoundError: No such item of this owner.
    """
    given = changes.model_dump(include=changes.model_fields_set)
    names = given.pop("names", {})
    if "tags" in given:
        given["tags"] = list(dict.fromkeys(given["tags"]))
    columns = {name: value for name, value in given.items() if name != "document_type"}
    # Nothing that an analysis could find, and overwrite.
    learned = [name for name in given if name != "local_only"]
    if "title" in columns:
        columns["title_source"] = "user"
    if "category" in columns:
        columns |= {
            "category_source": "user",
            "category_confidence": None,
            "category_reason": None,
        }
    assignments = "".join(f"{name} = %({name})s, " for name in columns)
    with connection.transaction():
        done = connection.execute(
            f"update items set {assignments} updated_at = now(), user_fields = "
            "array(select distinct unnest(user_fields || %(given)s::text[]) order by 1)"
            " where id = %(id)s and owner = %(owner)s",
            {**columns, "given": learned, "id": item_id, "owner": owner},
        )
        if done.rowcount == 0:
            raise NotFoundError("There is no such item.")
        if names:
            naming.keep(connection, item_id, names, owner=owner)
        if "document_type" in given:
            connection.execute(
                "update attachments set document_type = %s, "
                "document_type_confidence = null, document_type_reason = null "
                "where item_id = %s",
                [given["document_type"], item_id],
            )
        return store.item(connection, item_id, owner=owner)


def trash(connection: Db, item_ids: Sequence[UUID], *, owner: str) -> set[UUID]:
    """Move items to the trash; tell which were not there before."""
    rows = connection.execute(
        "update items set deleted_at = now(), updated_at = now() "
        "where id = any(%s) and owner = %s and deleted_at is null returning id",
        [list(item_ids), owner],
    ).fetchall()
    return {row["id"] for row in rows}


def restore(connection: Db, item_ids: Sequence[UUID], *, owner: str) -> set[UUID]:
    """Take items out of the trash; tell which were in it."""
    rows = connection.execute(
        "update items set deleted_at = null, updated_at = now() "
        "where id = any(%s) and owner = %s and deleted_at is not null returning id",
        [list(item_ids), owner],
    ).fetchall()
    return {row["id"] for row in rows}


def add_tag(
    connection: Db, item_ids: Sequence[UUID], tag: str, *, owner: str
) -> set[UUID]:
    """Give items a tag; tell which items there are."""
    values = {"ids": list(item_ids), "tag": tag, "owner": owner}
    return {row["id"] for row in connection.execute(_ADD, values).fetchall()}


def remove_tag(
    connection: Db, item_ids: Sequence[UUID], tag: str, *, owner: str
) -> set[UUID]:
    """Take a tag from items; tell which had it."""
    values = {"ids": list(item_ids), "tag": tag, "owner": owner}
    return {row["id"] for row in connection.execute(_REMOVE, values).fetchall()}


def tags(
    connection: Db, *, owner: str, after: str | None, limit: int, has: str | None = None
) -> list[dict[str, Any]]:
    """The owner's tags by name, each with the number of items that have it.

    Args:
        connection: The database's.
        owner: Whose.
        after: Those that come after this one.
        limit: At most so many.
        has: Those that have this in them.
    """
    return connection.execute(
        _FOUND_TAGS, {"owner": owner, "after": after, "limit": limit, "has": has}
    ).fetchall()


def rename_tag(connection: Db, old: str, new: str, *, owner: str) -> int:
    """Rename a tag on every item, into one that is there already, too; tell how many.

    Raises:
        NotFoundError: No item of this owner has it.
    """
    done = connection.execute(_RENAME, {"old": old, "new": new, "owner": owner})
    return _counted(done.rowcount)


def delete_tag(connection: Db, tag: str, *, owner: str) -> int:
    """Take a tag from every item; tell how many had it.

    Raises:
        NotFoundError: No item of this owner has it.
    """
    done = connection.execute(_RENAME, {"old": tag, "new": None, "owner": owner})
    return _counted(done.rowcount)


def _counted(count: int) -> int:
    if count == 0:
        raise NotFoundError("No item has this tag.")
    return count
