"""The egress receipt: which host got bytes of an item, how many, and for what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.engines.reach import Reach
from prsnl.items.models import View


@dataclass(frozen=True, kw_only=True)
class Sent:
    """Bytes of an item that went to a host; told in the transaction that is fenced."""

    item_id: UUID
    attachment_id: UUID | None
    task_id: UUID
    claim_no: int
    stage: str
    unit: int
    host: str
    reach: Reach
    sent_bytes: int
    #: The call that sent them, if it is written down.
    call_id: UUID | None = None


class Recipient(View):
    """One host, and what it got."""

    host: str
    reach: Reach
    #: For which stages of the work.
    stages: list[str]
    requests: int
    sent_bytes: int
    first_at: datetime
    last_at: datetime


class Receipt(View):
    """Where the bytes of one item went."""

    item_id: UUID
    #: What a person wants to know, first.
    sentence: str
    has_left: bool
    #: To all hosts but this machine.
    sent_bytes: int
    recipients: list[Recipient]


_KEEP: Final = """
insert into egress (owner, item_id, attachment_id, task_id, claim_no, stage, unit, host,
                    reach, sent_bytes, call_id)
select owner, id, %(attachment_id)s, %(task_id)s, %(claim_no)s, %(stage)s, %(unit)s,
       %(host)s, %(reach)s, %(sent_bytes)s, %(call_id)s
from items where id = %(item_id)s
"""

_BY_HOST: Final = """
select host, reach, array_agg(distinct stage order by stage) as stages,
       count(*) as requests, sum(sent_bytes)::bigint as sent_bytes,
       min(sent_at) as first_at, max(sent_at) as last_at
from egress where item_id = %s group by host, reach order by min(id)
"""


def note(connection: Db, sent: Sent) -> None:
    """Keep one sending: before it begins, for what was sent cannot be called back."""
    connection.execute(_KEEP, {**vars(sent), "reach": str(sent.reach)})


def forget(connection: Db, call_id: UUID) -> None:
    """Take back what a call was about to send: nothing arrived."""
    connection.execute("delete from egress where call_id = %s", [call_id])


def receipt(connection: Db, item_id: UUID, *, owner: str) -> Receipt:
    """Where the bytes of an item went.

    Raises:
        NotFoundError: No such item of this owner.
    """
    found = connection.execute(
        "select 1 from items where id = %s and owner = %s", [item_id, owner]
    ).fetchone()
    if found is None:
        raise NotFoundError("There is no such item.")
    rows = connection.execute(_BY_HOST, [item_id]).fetchall()
    away = [row for row in rows if row["reach"] != Reach.LOCAL]
    return Receipt(
        item_id=item_id,
        sentence=_sentence(away),
        has_left=bool(away),
        sent_bytes=sum(row["sent_bytes"] for row in away),
        recipients=[Recipient(**row) for row in rows],
    )


def _sentence(away: list[Row]) -> str:
    if not away:
        return "Nothing left this machine."
    told = "; ".join(
        f"{row['sent_bytes']} bytes to {row['host']} ({row['reach']}) for "
        + ", ".join(row["stages"])
        for row in away
    )
    return f"Parts of this item left this machine: {told}."
