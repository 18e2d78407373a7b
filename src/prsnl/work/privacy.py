"""Who has asked that nothing leaves this machine: a setting, a request, an item."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.errors import LocalOnlyError
from prsnl.engines.reach import Endpoint, Reach

#: Both mean the same, at the top of a command or among its options.
_NAMES: Final = ("local_only", "privacy_mode")
_ID_CHARACTERS: Final = 36

_OF_ITEMS: Final = """
select exists (
    select 1 from items
    where local_only and owner = %(owner)s
      and (id = any(%(ids)s) or id in (
          select item_id from attachments where id = any(%(ids)s)))) as any
"""

_FIX: Final = (
    "Choose an engine on this machine (./prsnl engines shows them), or name its "
    "address in PRSNL_LOCAL_HOSTS if it is a machine of your own."
)


def is_asked(command: Mapping[str, Any]) -> bool:
    """Whether a command asks for it."""
    options = command.get("options")
    parts = (command, options) if isinstance(options, Mapping) else (command,)
    return any(part.get(name) is True for part in parts for name in _NAMES)


def ids_in(command: Mapping[str, Any], *more: UUID | None) -> set[UUID]:
    """Every id in a command, of items and files among others."""
    return {*_ids(command), *(one for one in more if one is not None)}


def is_of_items(connection: Db, ids: Collection[UUID], *, owner: str) -> bool:
    """Whether one of these items, or the item of one of these files, is to stay."""
    if not ids:
        return False
    row = connection.execute(_OF_ITEMS, {"ids": list(ids), "owner": owner}).fetchone()
    return bool(row and row["any"])


def require_may_leave(
    connection: Db,
    endpoint: Endpoint | None,
    command: Mapping[str, Any],
    *,
    owner: str,
    setting: bool,
) -> None:
    """Refuse a submit whose work only an engine elsewhere could do, and may not.

    Args:
        connection: To look at the items that the command names.
        endpoint: The engine that would do it; None for one in this program.
        command: As the row would keep it.
        owner: Whose items count.
        setting: Whether PRSNL_LOCAL_ONLY is on.

    Raises:
        LocalOnlyError: It says who asked for it, and what to do.
    """
    if endpoint is None or endpoint.reach is Reach.LOCAL:
        return
    if setting:
        raise LocalOnlyError(refusal(endpoint, "PRSNL_LOCAL_ONLY is set"))
    if is_asked(command):
        raise LocalOnlyError(refusal(endpoint, "the request says local_only"))
    if is_of_items(connection, ids_in(command), owner=owner):
        raise LocalOnlyError(refusal(endpoint, "the item is local_only"))


def refusal(endpoint: Endpoint, because: str) -> str:
    """Why nothing was sent, and what to do about it."""
    place = "in the cloud" if endpoint.reach is Reach.CLOUD else "on another machine"
    return (
        f"Nothing was sent: {because}, and {endpoint.name} at {endpoint.host} is "
        f"{place}. {_FIX}"
    )


def _ids(value: object) -> Iterator[UUID]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _ids(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _ids(one)
    elif isinstance(value, str) and len(value) == _ID_CHARACTERS:
        try:
            yield UUID(value)
        except ValueError:
            return
