"""What a person says of the names in a text: what each is, or that it is none.

It is kept beside what an analysis finds and laid over it when an item is read, so that
no later analysis forgets it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeAlias
from uuid import UUID

from psycopg.types.json import Jsonb
from pydantic import Field

from prsnl.core.db import Db
from prsnl.core.texts import ShortText
from prsnl.engines.contracts import EntityKind

#: In the metadata of an item.
_KEY: Final = "names"
MOST: Final = 200

#: By its text: what a name is; None where it is no name.
Names: TypeAlias = Annotated[dict[ShortText, EntityKind | None], Field(max_length=MOST)]


def keep(
    connection: Db, item_id: UUID, names: Mapping[str, EntityKind | None], *, owner: str
) -> None:
    """Keep what a person says of some names; of the others it stays as it was."""
    told = {text: None if kind is None else str(kind) for text, kind in names.items()}
    connection.execute(
        "update items set updated_at = now(), metadata = metadata || "
        "jsonb_build_object(%(key)s::text, "
        "    coalesce(metadata -> %(key)s, '{}') || %(told)s) "
        "where id = %(id)s and owner = %(owner)s",
        {"key": _KEY, "told": Jsonb(told), "id": item_id, "owner": owner},
    )


def said(metadata: Mapping[str, Any]) -> dict[str, str | None]:
    """What a person has said of the names of an item, by their text."""
    return dict(metadata.get(_KEY) or {})


def laid_over(
    entities: Iterable[dict[str, Any]], metadata: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What an analysis found, as a person has it: without what he says is no name."""
    told = said(metadata)
    if not told:
        return list(entities)
    made = []
    for entity in entities:
        text = entity.get("text")
        if text not in told:
            made.append(entity)
        elif (kind := told[text]) is not None:
            made.append({**entity, "kind": kind, "is_confirmed": True})
    return made
