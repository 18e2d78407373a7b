"""The rows of webhooks and of what was sent to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db, Row
from prsnl.core.errors import ConflictError, NotFoundError, QuotaError
from prsnl.core.ids import new_id
from prsnl.webhooks.signing import new_secret
from prsnl.wire.webhooks import LastDelivery, MadeWebhook, NewWebhook, WebhookBody

MOST_WEBHOOKS: Final = 20
#: So many messages in a row that never arrived turn a webhook off.
MOST_FAILURES: Final = 5

# From now on: what has ended before is not told.
_KEEP: Final = """
insert into webhooks (id, owner, url, events, secret, of_setting, ends_xid, work_xid)
select %(id)s, %(owner)s, %(url)s, %(events)s, %(secret)s, %(of_setting)s,
       pg_snapshot_xmin(now), pg_snapshot_xmin(now)
from pg_current_snapshot() as now
on conflict (owner, url) do update
set events = excluded.events, secret = excluded.secret,
    of_setting = excluded.of_setting, failures_in_a_row = 0, disabled_at = null,
    disabled_because = null,
    ends_xid = case when webhooks.disabled_at is null then webhooks.ends_xid
                    else excluded.ends_xid end,
    work_xid = case when webhooks.disabled_at is null then webhooks.work_xid
                    else excluded.work_xid end
returning id
"""

_LIST: Final = """
select w.*, d.id as last_id, d.event as last_event, d.created_at as last_created_at,
       d.attempts, d.outcome, d.http_status, d.problem
from webhooks w left join lateral (
    select * from webhook_deliveries d where d.webhook_id = w.id
    order by d.created_at desc limit 1
) d on true
where w.owner = %(owner)s and (%(id)s::uuid is null or w.id = %(id)s)
order by w.created_at desc, w.id
"""

_FAILED: Final = """
update webhooks
set failures_in_a_row = failures_in_a_row + 1,
    disabled_at = case when %(at_once)s or failures_in_a_row + 1 >= %(most)s
                       then now() end,
    disabled_because = case when %(at_once)s or failures_in_a_row + 1 >= %(most)s
                            then %(because)s end
where id = %(id)s and disabled_at is null
returning disabled_at is not null as is_off
"""


@dataclass(frozen=True, kw_only=True)
class Ready:
    """A message that is to be sent, and where."""

    id: UUID
    webhook_id: UUID
    owner: str
    event: str
    body: dict[str, Any]
    created_at: datetime
    outcome: str | None
    url: str
    secret: str | None
    of_setting: bool
    is_off: bool


def keep(connection: Db, wanted: NewWebhook, *, owner: str) -> MadeWebhook:
    """Make a webhook, or change the one of the same address and let it go on.

    Raises:
        QuotaError: The owner has as many as there may be.
        ConflictError: The address is that of the setting.
    """
    secret = wanted.secret or new_secret()
    with connection.transaction():
        rows = connection.execute(
            "select url, of_setting from webhooks where owner = %s for update", [owner]
        ).fetchall()
        same = next((row for row in rows if row["url"] == wanted.url), None)
        if same is None and len(rows) >= MOST_WEBHOOKS:
            raise QuotaError(
                f"You have {len(rows)} webhooks, as many as there may be: remove one."
            )
        if same is not None and same["of_setting"]:
            raise _of_setting()
        row = _kept(
            connection,
            owner=owner,
            url=wanted.url,
            events=sorted(set(wanted.events)),
            secret=secret,
            of_setting=False,
        )
    body = webhook(connection, row["id"], owner=owner)
    return MadeWebhook(**body.model_dump(), secret=secret)


def keep_setting(connection: Db, url: str, secret: str | None, *, owner: str) -> None:
    """Make the webhook of the setting, as it stands there; an older one goes."""
    with connection.transaction():
        forget_setting(connection, but=url)
        row = connection.execute(
            "select secret, of_setting from webhooks where owner = %s and url = %s",
            [owner, url],
        ).fetchone()
        if row is None or row["secret"] != secret or not row["of_setting"]:
            _kept(
                connection,
                owner=owner,
                url=url,
                events=["work.ended"],
                secret=secret,
                of_setting=True,
            )


def forget_setting(connection: Db, *, but: str | None = None) -> None:
    """Remove the webhook of a setting that is no more."""
    connection.execute(
        "delete from webhooks where of_setting and url is distinct from %s", [but]
    )


def _kept(connection: Db, **values: Any) -> Row:
    row = connection.execute(_KEEP, {"id": new_id(), **values}).fetchone()
    assert row is not None
    return row


def webhooks(connection: Db, *, owner: str) -> list[WebhookBody]:
    """The webhooks of an owner, the newest first."""
    rows = connection.execute(_LIST, {"owner": owner, "id": None}).fetchall()
    return [_body(row) for row in rows]


def webhook(connection: Db, webhook_id: UUID, *, owner: str) -> WebhookBody:
    """One of them.

    Raises:
        NotFoundError: The owner has no such webhook.
    """
    row = connection.execute(_LIST, {"owner": owner, "id": webhook_id}).fetchone()
    if row is None:
        raise _not_there()
    return _body(row)


def delete(connection: Db, webhook_id: UUID, *, owner: str) -> None:
    """Remove a webhook; what waits to be sent to it is dropped.

    Raises:
        NotFoundError: The owner has no such webhook.
        ConflictError: It is the setting's.
    """
    if webhook(connection, webhook_id, owner=owner).of_setting:
        raise _of_setting()
    connection.execute(
        "delete from webhooks where id = %s and owner = %s", [webhook_id, owner]
    )


def ready(connection: Db, delivery_id: UUID) -> Ready | None:
    """A message as it is now; None if its webhook has gone."""
    row = connection.execute(
        "select d.id, d.webhook_id, d.owner, d.event, d.body, d.created_at, d.outcome, "
        "w.url, w.secret, w.of_setting, w.disabled_at is not null as is_off "
        "from webhook_deliveries d join webhooks w on w.id = d.webhook_id "
        "where d.id = %s",
        [delivery_id],
    ).fetchone()
    return None if row is None else Ready(**row)


def begin(connection: Db, delivery_id: UUID) -> None:
    """Write down that a message is about to be sent."""
    connection.execute(
        "update webhook_deliveries set attempts = attempts + 1, sent_at = now(), "
        "problem = null where id = %s",
        [delivery_id],
    )


def arrived(connection: Db, message: Ready, http_status: int) -> None:
    """Write down that it was taken."""
    _close(connection, message.id, "delivered", http_status=http_status)
    connection.execute(
        "update webhooks set failures_in_a_row = 0 where id = %s", [message.webhook_id]
    )


def dropped(connection: Db, delivery_id: UUID) -> None:
    """Write down that nobody is told any more."""
    _close(connection, delivery_id, "dropped")


def missed(
    connection: Db, delivery_id: UUID, problem: str, *, http_status: int | None
) -> None:
    """Write down why a try did not arrive; there will be another."""
    connection.execute(
        "update webhook_deliveries set http_status = %s, problem = %s where id = %s",
        [http_status, problem, delivery_id],
    )


def failed(
    connection: Db,
    message: Ready,
    problem: str,
    *,
    http_status: int | None,
    turns_off: bool,
) -> bool:
    """Write down that a message will not arrive; whether that turns the webhook off.

    Args:
        connection: In a transaction.
        message: Which.
        problem: Why, in a sentence.
        http_status: What was answered, if anything was.
        turns_off: At once: its receiver has gone for good.
    """
    _close(connection, message.id, "failed", http_status=http_status, problem=problem)
    because = problem
    if not turns_off:
        because = f"{MOST_FAILURES} messages in a row did not arrive. {problem}"
    row = connection.execute(
        _FAILED,
        {
            "id": message.webhook_id,
            "at_once": turns_off,
            "most": MOST_FAILURES,
            "because": because,
        },
    ).fetchone()
    return row is not None and bool(row["is_off"])


def _close(
    connection: Db,
    delivery_id: UUID,
    outcome: str,
    *,
    http_status: int | None = None,
    problem: str | None = None,
) -> None:
    connection.execute(
        "update webhook_deliveries set outcome = %s, http_status = %s, problem = %s, "
        "finished_at = now() where id = %s",
        [outcome, http_status, problem, delivery_id],
    )


def items_of(connection: Db, ids: Sequence[UUID]) -> dict[UUID, bool]:
    """Which of these items are there, each with whether it may not leave."""
    rows = connection.execute(
        "select id, local_only from items where id = any(%s)", [list(ids)]
    ).fetchall()
    return {row["id"]: row["local_only"] for row in rows}


def _body(row: Row) -> WebhookBody:
    last = None
    if row["last_id"] is not None:
        last = LastDelivery(
            id=row["last_id"],
            event=row["last_event"],
            created_at=row["last_created_at"],
            attempts=row["attempts"],
            outcome=row["outcome"],
            http_status=row["http_status"],
            problem=row["problem"],
        )
    return WebhookBody(
        id=row["id"],
        url=row["url"],
        events=row["events"],
        created_at=row["created_at"],
        is_signed=row["secret"] is not None,
        of_setting=row["of_setting"],
        disabled_at=row["disabled_at"],
        disabled_because=row["disabled_because"],
        last_delivery=last,
    )


def _not_there() -> NotFoundError:
    return NotFoundError("There is no such webhook: GET /api/webhooks lists yours.")


def _of_setting() -> ConflictError:
    return ConflictError(
        "This webhook is the setting PRSNL_NOTIFY_URL: change or unset that."
    )
