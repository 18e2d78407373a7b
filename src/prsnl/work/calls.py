"""The book of calls: the intent before a request, the outcome after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid5

from prsnl.core.db import Db, Row
from prsnl.engines.reach import Endpoint
from prsnl.items import egress

#: A month can be compared with the same one a year before.
_KEPT: Final = timedelta(days=400)


class Outcome(StrEnum):
    """What came of a request."""

    ANSWERED = "answered"
    #: The provider said that it will not.
    REFUSED = "refused"
    #: Too many requests: not done, and not counted.
    LIMITED = "limited"
    #: The provider said that it could not.
    FAILED = "failed"
    #: It said nothing, or not all: it may count what it did.
    SILENT = "silent"
    #: It takes nothing now, from anybody.
    DOWN = "down"
    #: Nothing could be sent.
    UNREACHABLE = "unreachable"
    #: The task was stopped before anything was sent.
    UNSENT = "unsent"
    #: The task was stopped while the provider was at work.
    CANCELLED = "cancelled"


#: Of these nothing arrived: they cost nothing, and leave no line on a receipt.
NOT_SENT: Final = (Outcome.UNREACHABLE, Outcome.UNSENT)
#: Of these nobody knows what the provider counts: they cost what was expected.
UNKNOWN_COST: Final = (Outcome.SILENT, Outcome.CANCELLED)
#: Of these the provider is there, whatever it said.
IS_THERE: Final = (Outcome.ANSWERED, Outcome.REFUSED, Outcome.LIMITED)


@dataclass(frozen=True, kw_only=True)
class Intent:
    """A request that is about to be made."""

    call_id: UUID
    owner: str
    task_id: UUID | None
    claim_no: int | None
    stage: str
    unit: int
    purpose: str
    endpoint: Endpoint
    #: Whose bytes go, and how many of each.
    item_bytes: Mapping[UUID, int]
    attachment_id: UUID | None
    sent_bytes: int
    tokens_in: int
    tokens_out: int
    #: What it is expected to cost at the most; None if nobody knows.
    usd: Decimal | None


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What came of it."""

    outcome: Outcome
    error_code: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    usd: Decimal | None = None
    #: The model as the provider names it.
    answered_by: str | None = None
    #: The wait that the provider wants of everybody, in seconds.
    pause_s: float | None = None


_INTEND: Final = """
insert into calls (id, key, owner, task_id, claim_no, stage, unit, purpose, provider,
                   model, host, reach, starts_at, sent_bytes, items_count,
                   tokens_in_estimate,
                   tokens_out_estimate, usd_estimate)
values (%(id)s, %(key)s, %(owner)s, %(task)s, %(claim_no)s, %(stage)s, %(unit)s,
        %(purpose)s,
        %(provider)s, %(model)s, %(host)s, %(reach)s,
        now() + make_interval(secs => %(wait)s), %(sent_bytes)s, %(items)s,
        %(tokens_in)s, %(tokens_out)s, %(usd)s)
"""

_OF_ITEMS: Final = """
insert into call_items (call_id, item_id)
select %(call)s, id from items where id = any(%(items)s)
"""

_END: Final = """
update calls
set finished_at = now(), outcome = %(outcome)s, error_code = %(code)s,
    tokens_in = %(tokens_in)s, tokens_out = %(tokens_out)s, usd = %(usd)s,
    answered_by = %(answered_by)s
where id = %(id)s and outcome is null
returning day, usd_estimate, tokens_in_estimate, tokens_out_estimate
"""


def written(connection: Db, call_id: UUID) -> tuple[str, float] | None:
    """The key of a call and its wait in seconds; None if it is not written down."""
    row = connection.execute(
        "select key, greatest(0, extract(epoch from starts_at - now())) as wait_s "
        "from calls where id = %s",
        [call_id],
    ).fetchone()
    return None if row is None else (str(row["key"]), float(row["wait_s"]))


_KNOWN: Final = """
select count(*) as n from calls
where task_id = %(task)s and stage = %(stage)s and unit = %(unit)s
  and outcome in ('answered', 'refused', 'limited', 'failed')
"""


def intend(connection: Db, intent: Intent, *, wait_s: float) -> str:
    """Write a request down before it is made, with what the items' receipts say.

    Returns:
        The key that makes the provider know a repetition. It stays the same until
        something is known of what came of it: what a crash or a cut has left open is
        asked for again under its old key.
    """
    endpoint = intent.endpoint
    key = _key(connection, intent)
    connection.execute(
        _INTEND,
        {
            "id": intent.call_id,
            "key": key,
            "owner": intent.owner,
            "task": intent.task_id,
            "claim_no": intent.claim_no,
            "stage": intent.stage,
            "unit": intent.unit,
            "purpose": intent.purpose,
            "provider": endpoint.provider,
            "model": endpoint.model,
            "host": endpoint.host,
            "reach": str(endpoint.reach),
            "wait": wait_s,
            "sent_bytes": intent.sent_bytes,
            "items": len(intent.item_bytes),
            "tokens_in": intent.tokens_in,
            "tokens_out": intent.tokens_out,
            "usd": intent.usd,
        },
    )
    if not intent.item_bytes:
        return str(key)
    connection.execute(
        _OF_ITEMS, {"call": intent.call_id, "items": list(intent.item_bytes)}
    )
    for item_id, sent_bytes in intent.item_bytes.items():
        egress.note(connection, _sent(intent, item_id, sent_bytes))
    return str(key)


def end(connection: Db, call_id: UUID, ended: Ended) -> Row | None:
    """Write down what came of a request; None if that was done before.

    Returns:
        Its `day` and its estimates: `usd_estimate`, `tokens_in_estimate`,
        `tokens_out_estimate`.
    """
    row = connection.execute(
        _END,
        {
            "id": call_id,
            "outcome": str(ended.outcome),
            "code": ended.error_code,
            "tokens_in": ended.tokens_in,
            "tokens_out": ended.tokens_out,
            "usd": ended.usd,
            "answered_by": ended.answered_by,
        },
    ).fetchone()
    if row is not None and ended.outcome in NOT_SENT:
        egress.forget(connection, call_id)
    return row


def at_its_estimate(ended: Ended, intent: Intent) -> Ended:
    """An outcome of unknown cost: it is counted as it was expected to be."""
    return replace(ended, usd=intent.usd)


def forget_old(connection: Db, *, batch: int = 5000) -> int:
    """Remove a batch of what is older than thirteen months; tell how many."""
    return connection.execute(
        "delete from calls where id in "
        "(select id from calls where starts_at < now() - %s limit %s)",
        [_KEPT, batch],
    ).rowcount


def answered_by(connection: Db, endpoint: Endpoint) -> str | None:
    """The model that last answered under an endpoint's name."""
    row = connection.execute(
        "select answered_by from calls where model = %s and provider = %s "
        "and answered_by is not null order by id desc limit 1",
        [endpoint.model, endpoint.provider],
    ).fetchone()
    return None if row is None else row["answered_by"]


def shares(item_ids: Sequence[UUID], sent_bytes: int) -> dict[UUID, int]:
    """Bytes by item, where nobody has counted them: the same of each, rounded up."""
    count = len(item_ids) or 1
    return dict.fromkeys(item_ids, -(-sent_bytes // count))


def _sent(intent: Intent, item_id: UUID, sent_bytes: int) -> egress.Sent:
    assert intent.task_id is not None, "who has no task has no item"
    assert intent.claim_no is not None
    return egress.Sent(
        item_id=item_id,
        attachment_id=intent.attachment_id,
        task_id=intent.task_id,
        claim_no=intent.claim_no,
        stage=intent.stage,
        unit=intent.unit,
        host=intent.endpoint.host,
        reach=intent.endpoint.reach,
        sent_bytes=sent_bytes,
        call_id=intent.call_id,
    )


def _key(connection: Db, intent: Intent) -> UUID:
    if intent.task_id is None:
        return intent.call_id
    row = connection.execute(
        _KNOWN,
        {"task": intent.task_id, "stage": intent.stage, "unit": intent.unit},
    ).fetchone()
    number = row["n"] if row else 0
    # By its size, too: a batch that is halved is another request.
    told = (intent.stage, intent.unit, number, intent.sent_bytes, intent.tokens_in)
    return uuid5(intent.task_id, "/".join(map(str, told)))
