"""The files that lay in a mail or an archive: each is a file of its own owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.contracts import Member
from prsnl.items import store


@dataclass(frozen=True)
class KnownMember:
    """One file of a container, as it was taken in.

    Attributes:
        name: What it is called in there.
        attachment_id: The file that it became; None for what was left out.
        problem: Why it was left out.
    """

    name: str
    attachment_id: UUID | None
    problem: str | None


def save(
    connection: Db, container_id: UUID, members: Sequence[Member], *, owner: str
) -> None:
    """Make a file of each member, or find the owner's same bytes.

    Their bytes are in the storage.
    """
    ids: dict[str, UUID] = {}
    # In one order, so that two mails with the same files do not wait in a circle.
    for one in sorted(members, key=lambda member: member.sha256 or ""):
        if one.sha256 is not None and one.sha256 not in ids:
            name = PurePosixPath(one.name).name or one.name
            file = store.NewFile(owner, name, one.size_bytes, one.sha256)
            ids[one.sha256] = store.add_file(connection, file)[0].id
    connection.execute(
        "delete from attachment_members where container_id = %s", [container_id]
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into attachment_members (container_id, number, name, member_id, "
            "problem) values (%s, %s, %s, %s, %s)",
            [
                [container_id, number, one.name, ids.get(one.sha256 or ""), one.problem]
                for number, one in enumerate(members, 1)
            ],
        )


def of_container(connection: Db, container_id: UUID) -> list[KnownMember]:
    """What was found in a container, in its order."""
    rows = connection.execute(
        "select name, member_id, problem from attachment_members "
        "where container_id = %s order by number",
        [container_id],
    ).fetchall()
    return [KnownMember(row["name"], row["member_id"], row["problem"]) for row in rows]
