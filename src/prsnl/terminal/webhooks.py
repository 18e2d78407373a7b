"""`./prsnl webhooks`: who is told when work ends."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers
from prsnl.terminal.live import print_lines
from prsnl.wire.tasks import StatusBody
from prsnl.wire.webhooks import Event, WebhookBody
from prsnl.work.specs import Status


def listed(*, server: str | None) -> int:
    """Show all, each with its last message."""
    with servers.required(Settings.read(), server) as client:
        found = client.webhooks()
    if not found:
        print_lines("Nobody is told. Add one: ./prsnl webhooks add https://...")
    for one in found:
        print_lines(*_lines(one))
    return 0


def add(url: str, events: Sequence[str], *, server: str | None) -> int:
    """Have an address told; print its secret, once."""
    known = [each.value for each in Event if each is not Event.PING]
    unknown = sorted(set(events) - set(known))
    if unknown:
        raise BadRequestError(
            f"{unknown[0]} is no event: there are {', '.join(known)}."
        )
    with servers.required(Settings.read(), server) as client:
        made = client.add_webhook(url, events=[Event(each) for each in events])
    print_lines(
        *_lines(made),
        f"  secret  {made.secret}   (shown once; it signs every message)",
        f"  try it  ./prsnl webhooks test {made.id}",
    )
    return 0


def remove(ids: Sequence[str], *, server: str | None) -> int:
    """Tell addresses no more."""
    with servers.required(Settings.read(), server) as client:
        for webhook_id in map(_checked, ids):
            client.delete_webhook(webhook_id)
            print_lines(f"{webhook_id}: removed.")
    return 0


def test(webhook_id: str, *, server: str | None) -> int:
    """Send a message that tells of nothing; 1 if it does not arrive at once."""
    asked = _checked(webhook_id)
    with servers.required(Settings.read(), server) as client:
        task = client.test_webhook(asked)
        now = client.status(task.task_id)
        while now.status is Status.RUNNING or _waits_for_its_first_try(now):
            now = client.status(task.task_id, seq=now.seq, wait_s=20)
        (webhook,) = [one for one in client.webhooks() if one.id == asked]
    print_lines(*_lines(webhook))
    return 0 if now.status is Status.SUCCESS else 1


def _waits_for_its_first_try(task: StatusBody) -> bool:
    return task.status is Status.QUEUED and task.attempt == 0


def _lines(one: WebhookBody) -> list[str]:
    lines = [f"{one.id}  {one.url}", f"  told    {', '.join(one.events)}"]
    if one.of_setting:
        lines.append("  it is the setting PRSNL_NOTIFY_URL")
    if one.disabled_because is not None:
        lines.append(f"  off     {one.disabled_because}")
        lines.append(f"  on      ./prsnl webhooks add {one.url}")
    if (last := one.last_delivery) is not None:
        state = last.outcome or f"is tried, {last.attempts} times so far"
        told = f" ({last.problem})" if last.problem else ""
        at = last.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(f"  last    {last.event} of {at}: {state}{told}")
    return lines


def _checked(webhook_id: str) -> UUID:
    try:
        return UUID(webhook_id)
    except ValueError as error:
        raise BadRequestError(
            f"{webhook_id} is no id of a webhook: ./prsnl webhooks list shows them."
        ) from error
