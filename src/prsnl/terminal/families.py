"""`./prsnl failures`: what failed for good, by cause, and what is done about it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.terminal import servers, watching
from prsnl.terminal.live import print_lines
from prsnl.terminal.summary import count, one_line
from prsnl.wire.monitoring import DeadLetterGroup, Requeue, Requeued
from prsnl.work.specs import DEAD_LETTERS, Status

_INTERRUPTED: Final = 130
_MESSAGE_CHARACTERS: Final = 160
_SHOWN: Final = 8


def show(*, with_resolved: bool, is_json: bool, server: str | None) -> int:
    """Show every family, the one with the most open tasks first."""
    with servers.required(Settings.read(), server) as client:
        found = client.dead_letters(resolved=with_resolved, limit=1)
    if is_json:
        print_lines(found.model_dump_json(include={"total", "groups"}))
        return 0
    for family in found.groups:
        print_lines(*_lines(family))
    if not found.groups:
        print_lines("Nothing has failed that is not done or resolved.")
    elif any(one.may_end_well and one.count for one in found.groups):
        print_lines("Try again: ./prsnl failures retry FAMILY, or --all")
    return 0


def retry(names: Sequence[str], *, is_all: bool, server: str | None) -> int:
    """Queue families again, or all; show how far that is."""
    if is_all == bool(names):
        raise BadRequestError(
            "Name the families to be tried again, or say --all: ./prsnl failures "
            "lists them."
        )
    with servers.required(Settings.read(), server) as client:
        if is_all:
            return _queued_again(client, Requeue(all=True))
        chosen = [_named(client, name) for name in names]
        codes = [
            _queued_again(client, Requeue(fingerprint=family.fingerprint))
            for family in chosen
        ]
    return max(codes)


def resolve(names: Sequence[str], *, is_undone: bool, server: str | None) -> int:
    """Call families resolved, or take that back."""
    if not names:
        raise BadRequestError(
            "Name the families that are resolved: ./prsnl failures lists them."
        )
    with servers.required(Settings.read(), server) as client:
        for family in [_named(client, name) for name in names]:
            if is_undone:
                now = client.unresolve(family.fingerprint)
                print_lines(f"{now.fingerprint}: {_counts(now) or now.state}.")
            else:
                now = client.resolve(family.fingerprint)
                print_lines(
                    f"{now.fingerprint}: resolved. It is listed again if it happens "
                    "again."
                )
    return 0


def _queued_again(client: Client, wanted: Requeue) -> int:
    task_id = client.requeue(wanted).task_id
    try:
        ended = watching.one(client, task_id)
    except KeyboardInterrupt:
        client.cancel(task_id)
        sys.stderr.write(
            "Stopped: what was queued again so far stays so, the rest is as it was.\n"
        )
        return _INTERRUPTED
    if ended.status is not Status.SUCCESS:
        message = ended.error.message if ended.error else ended.progress.message
        print_lines(f"{task_id}: {ended.status}: {message}")
        return 1 if ended.status in DEAD_LETTERS else _INTERRUPTED
    done = Requeued.model_validate(ended.result)
    print_lines(f"{count(done.requeued, 'task')} queued again.")
    if done.refused:
        why = one_line(done.not_requeued[0].reason, characters=_MESSAGE_CHARACTERS)
        print_lines(f"{count(done.refused, 'task')} not: {why}")
    if done.requeued:
        print_lines("Follow them: ./prsnl status --watch")
    if done.left:
        print_lines(f"{count(done.left, 'task')} open still: ./prsnl failures")
    return 0


def _named(client: Client, name: str) -> DeadLetterGroup:
    """The family that is called so, or whose name begins so."""
    known = client.dead_letters(resolved=True, limit=1).groups
    found = [one for one in known if one.fingerprint.startswith(name.strip().lower())]
    if len(found) == 1 and name.strip():
        return found[0]
    shown = one_line(name, characters=40)
    if not found:
        raise BadRequestError(
            f"{shown} is no family of failures: ./prsnl failures --all lists them."
        )
    raise BadRequestError(f"{shown} begins several families: write more of its name.")


def _lines(family: DeadLetterGroup) -> list[str]:
    where = [family.code or "unknown"]
    if family.stage:
        where.append(f"in {family.stage}")
    if family.engine:
        where.append(f"by {family.engine}")
    lines = [
        f"{family.fingerprint[:_SHOWN]}   {_counts(family)}   {' '.join(where)}",
        f"  {family.sentence} {family.what_to_do}",
    ]
    if family.example:
        example = one_line(family.example, characters=_MESSAGE_CHARACTERS)
        lines.append(f"  The newest: {example}")
    lines.append(f"  {_times(family)}   {_ids(family.example_ids)}")
    return lines


def _counts(family: DeadLetterGroup) -> str:
    told = [count(family.count, "task")] if family.count else []
    if family.retrying:
        told.append(f"{family.retrying} tried again now")
    if family.state != "open":
        told.append(family.state)
    return ", ".join(told)


def _times(family: DeadLetterGroup) -> str:
    first, last = _minute(family.first_seen), _minute(family.last_seen)
    if family.seen == 1:
        return f"Seen once, {first}"
    return f"Seen {family.seen} times, {first} to {last}"


def _minute(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M")


def _ids(ids: Sequence[UUID]) -> str:
    return ", ".join(map(str, ids))
