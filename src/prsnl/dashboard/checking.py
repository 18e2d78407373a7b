"""What the page of health tells: each part in a word and a sentence, all as text."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from prsnl.core.incoming import told_bytes
from prsnl.dashboard.words import State, Tone, counted
from prsnl.wire.engines import EnginesBody
from prsnl.wire.monitoring import HealthBody, QueueBody

OK = State("ok", Tone.GOOD)
WRONG = State("wrong", Tone.BAD)
NOTE = State("note", Tone.WAITING)


@dataclass(frozen=True)
class Check:
    """One part: how it is, and what was found."""

    what: str
    found: str
    state: State = OK


def checks(
    health: HealthBody,
    queues: list[QueueBody],
    engines: EnginesBody,
    *,
    free_bytes: int,
    floor_bytes: int,
) -> list[Check]:
    """Every part, what is wrong first."""
    found = [
        Check("version", f"PRSNL {health.version}, Python {platform.python_version()}"),
        _told("database", health.database),
        _told("broker", health.broker),
        _counted("scheduler", health.schedulers),
        *_workers(health, queues),
        _disk(free_bytes, floor_bytes),
        *_watched(health),
        *_engines(engines),
    ]
    said = {check.found for check in found}
    found += [
        Check("trouble", problem, WRONG)
        for problem in health.problems
        if problem not in said
    ]
    return sorted(found, key=lambda check: (check.state == OK, check.state == NOTE))


def report(found: list[Check]) -> str:
    """All of it as plain text, for a message to somebody who can help."""
    width = max(len(check.what) for check in found)
    return "\n".join(
        f"{check.state.word:<5}  {check.what:<{width}}  {check.found}"
        for check in found
    )


def _told(what: str, said: str) -> Check:
    """A part that says "ok", or a sentence."""
    if said == "unknown":
        return Check(what, "Nobody has looked: a scheduler would.", NOTE)
    return Check(
        what, "answers" if said == "ok" else said, OK if said == "ok" else WRONG
    )


def _counted(what: str, count: int) -> Check:
    if count:
        return Check(what, f"{counted(count, what)} running")
    return Check(what, f"No {what} is running: start one with ./prsnl {what}.", WRONG)


def _workers(health: HealthBody, queues: list[QueueBody]) -> Iterator[Check]:
    for name, told in health.workers.items():
        yield Check(name, f"{told.busy} of {told.slots} places of its workers busy")
    for queue in queues:
        if queue.paused_by is not None:
            yield Check(queue.name, f"is paused by {queue.paused_by}", NOTE)
        elif queue.problem and queue.depth + queue.parked:
            yield Check(queue.name, queue.problem, WRONG)
    if not health.workers:
        yield Check(
            "workers",
            "No worker is running: start one with ./prsnl worker QUEUE.",
            WRONG,
        )


def _disk(free_bytes: int, floor_bytes: int) -> Check:
    if free_bytes >= floor_bytes:
        return Check("disk", f"{told_bytes(free_bytes)} free")
    return Check(
        "disk",
        f"{told_bytes(free_bytes)} are free and {told_bytes(floor_bytes)} are to stay "
        "free (PRSNL_FREE_DISK_FLOOR_BYTES): uploads are refused. Free some space.",
        WRONG,
    )


def _watched(health: HealthBody) -> Iterator[Check]:
    for one in health.watch:
        told = (
            f"{one.under_way} under way, {one.done} done, {one.duplicates} duplicates, "
            f"{one.failed} failed, {one.unreadable} that cannot be read"
        )
        is_ok = one.trouble is None and not one.unreadable
        yield Check("watched folder", one.trouble or told, OK if is_ok else WRONG)


def _engines(engines: EnginesBody) -> Iterator[Check]:
    for job in engines.jobs:
        used = [one.name for one in job.engines if one.standing == "in use"]
        what = job.title.partition(" (")[0].lower()
        test = job.test
        if not used:
            yield Check(what, "nobody does it here: see the page of engines", NOTE)
        elif test is not None and test.works is False and test.engine in used:
            yield Check(what, f"{test.engine} failed its test: {test.said}", WRONG)
        else:
            yield Check(what, " and ".join(used))
