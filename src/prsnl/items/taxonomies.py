"""The taxonomy of each owner: his own, or the default."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.taxonomy.contract import Taxonomy
from prsnl.items.editing import ItemChanges

_SHOWN = 12


@dataclass(frozen=True)
class Own:
    """A taxonomy that an owner has set."""

    taxonomy: Taxonomy
    updated_at: datetime


def own(connection: Db, *, owner: str) -> Own | None:
    """What an owner has set, if anything."""
    row = connection.execute(
        "select content, updated_at from taxonomies where owner = %s", [owner]
    ).fetchone()
    if row is None:
        return None
    return Own(Taxonomy.model_validate(row["content"]), row["updated_at"])


def in_force(connection: Db, default: Taxonomy, *, owner: str) -> Taxonomy:
    """What an owner's documents are sorted by."""
    found = own(connection, owner=owner)
    return default if found is None else found.taxonomy


def save(connection: Db, taxonomy: Taxonomy, *, default: Taxonomy, owner: str) -> None:
    """Set an owner's taxonomy; who sets the default has none of his own."""
    if taxonomy == default:
        connection.execute("delete from taxonomies where owner = %s", [owner])
        return
    connection.execute(
        "insert into taxonomies (owner, content) values (%s, %s) "
        "on conflict (owner) do update "
        "set content = excluded.content, updated_at = now()",
        [owner, Jsonb(taxonomy.model_dump(mode="json"))],
    )


def known(
    connection: Db, changes: ItemChanges, *, default: Taxonomy, owner: str
) -> ItemChanges:
    """The changes, with the category as the owner's taxonomy writes it.

    Raises:
        NotFoundError: It has no such category.
    """
    name = changes.category
    if name is None:
        return changes
    taxonomy = in_force(connection, default, owner=owner)
    found = taxonomy.category(name)
    if found is not None:
        return changes.model_copy(update={"category": found.name})
    names = [one.name for one in taxonomy.categories]
    more = ", ..." if len(names) > _SHOWN else ""
    raise NotFoundError(
        f"There is no category {name}: give one of {', '.join(names[:_SHOWN])}{more}, "
        "or add it with PUT /api/taxonomy."
    )
