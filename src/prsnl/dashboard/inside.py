"""What lay in a mail or an archive, and in which of them a file came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prsnl.core.db import Db

MEMBERS_SHOWN: Final = 200

_MEMBERS: Final = """
select m.name, m.problem, a.item_id, i.title,
       i.deleted_at is not null as is_trashed
from attachment_members m
left join attachments a on a.id = m.member_id and a.owner = %(owner)s
left join items i on i.id = a.item_id
where m.container_id = %(file)s order by m.number limit %(limit)s
"""
_CONTAINERS: Final = """
select distinct a.item_id, i.title
from attachment_members m
join attachments a on a.id = m.container_id and a.owner = %(owner)s
join items i on i.id = a.item_id and i.deleted_at is null
where m.member_id = %(file)s order by i.title limit 5
"""


@dataclass(frozen=True)
class ShownMember:
    """One file of a container."""

    name: str
    #: Why it was left out.
    problem: str | None
    #: What it became; None for what was left out, or has been removed since.
    item_id: UUID | None
    title: str | None
    is_trashed: bool


@dataclass(frozen=True)
class Container:
    """A mail or an archive."""

    item_id: UUID
    title: str


def members(connection: Db, file_id: UUID, *, owner: str) -> list[ShownMember]:
    """What lay in a file, in its order; one more than is shown, if there are more."""
    rows = connection.execute(
        _MEMBERS, {"file": file_id, "owner": owner, "limit": MEMBERS_SHOWN + 1}
    ).fetchall()
    return [ShownMember(**row) for row in rows]


def containers(connection: Db, file_id: UUID, *, owner: str) -> list[Container]:
    """In what a file came."""
    rows = connection.execute(_CONTAINERS, {"file": file_id, "owner": owner}).fetchall()
    return [Container(**row) for row in rows]
