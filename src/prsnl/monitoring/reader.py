"""Follows the tasks for all clients of a process: one thread, one connection.

The thread sleeps on the progress bell, then asks once for everybody. Each client has a
place in the events, and gets what comes after it; who has not yet taken what he was
given is not asked for, and goes on from his place later. So the table is the buffer of
a slow client, and what is held of him in memory is one batch.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

import psycopg
import structlog

from prsnl.core.db import Database, Db
from prsnl.core.errors import PrsnlError, TooManyRequestsError
from prsnl.web.bodies import event_body
from prsnl.wire.tasks import ProgressEvent
from prsnl.work import feed
from prsnl.work.feed import Cursor, EventView
from prsnl.work.ring import Listener

#: A lost ring costs so much at most.
_POLL_S: Final = 1.0
#: Rings closer together are one look.
_LEAST_PAUSE_S: Final = 0.02
#: An open transaction may hold events back, and end without a ring.
_HELD_BACK_S: Final = 0.05
#: Without clients for so long the bell is not listened to.
_IDLE_S: Final = 60.0
#: Events that one client gets at a time.
BATCH: Final = 100
#: Streams that one owner may have open, so that he leaves sockets to the others.
MOST_STREAMS: Final = 100
#: Clients that replay share a look, so that they do not keep the others waiting.
_REPLAYING_AT_ONCE: Final = 8
#: The statement's answer for a task that is not there (any more).
_GONE: Final = -1

_LOOK: Final = """
select w.id, coalesce(t.seq, -1) as seq
from unnest(%s::uuid[]) as w (id) left join tasks t on t.id = w.id
"""

log = structlog.get_logger()


@dataclass(frozen=True)
class OfOwner:
    """A place in the events of all tasks of an owner."""

    owner: str
    cursor: Cursor


@dataclass(frozen=True)
class OfTask:
    """A place in the events of one task."""

    task_id: UUID
    seq: int


Place = OfOwner | OfTask


@dataclass(frozen=True)
class Told:
    """One event, as it goes out to every client."""

    event: str
    cursor: str
    json: str
    #: Its task has ended with it.
    is_end: bool = False


@dataclass(eq=False)
class Watch:
    """One client that waits for one task to leave one state."""

    task_id: UUID
    seq: int
    loop: asyncio.AbstractEventLoop
    changed: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False)
class Follower:
    """One client that takes events. `more` is for the event loop."""

    owner: str
    place: Place
    loop: asyncio.AbstractEventLoop
    ask: Callable[[Follower], None]
    #: The task that it follows is no longer there.
    is_gone: bool = False
    #: Nothing comes any more.
    has_ended: bool = False
    # The reader's, under its lock.
    is_asking: bool = False
    is_replaying: bool = True
    #: It was busy when the others were looked for: the ring was not for it.
    has_missed_a_look: bool = False
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _taken: list[Told] = field(default_factory=list)

    async def more(self, timeout_s: float | None = None) -> list[Told]:
        """The next events; none after *timeout_s*, and none at the end."""
        if not self._taken and not self.has_ended:
            self.ask(self)
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return []
        self._news.clear()
        taken, self._taken = self._taken, []
        return taken

    def end(self, *, is_gone: bool = False) -> None:
        """Let nothing come any more."""
        self.is_gone = self.is_gone or is_gone
        self.has_ended = True
        self._news.set()

    def give(self, told: Sequence[Told]) -> None:
        """Hand over what was read for it."""
        self._taken.extend(told)
        self._news.set()


@dataclass(frozen=True)
class _Asked:
    """What one look is for."""

    watches: list[Watch]
    #: Those at the same place are one question.
    followers: dict[Place, list[Follower]]

    def __bool__(self) -> bool:
        return bool(self.watches or self.followers)


@dataclass(frozen=True)
class _Found:
    """What one look has found."""

    seqs: dict[UUID, int]
    events: dict[Place, list[EventView] | None]
    #: Nothing that was committed is still to be read.
    is_clear: bool

    @property
    def is_news(self) -> bool:
        """Whether there was anything for anybody."""
        return any(self.events.values())


_NOTHING: Final = _Found({}, {}, is_clear=True)


class Reader:
    """Reads for everybody. `following` and `watching` are for the event loop."""

    def __init__(self, database: Database, listener: Listener) -> None:
        self._database = database
        self._listener = listener
        self._watches: set[Watch] = set()
        # In the order in which they asked last: who replays waits for his turn.
        self._followers: dict[Follower, None] = {}
        self._state = threading.Condition()
        self._is_closed = False
        self._called, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(self._called, False)
        self._wake: int | None = wake
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    @contextmanager
    def watching(self, task_id: UUID, seq: int) -> Iterator[Watch]:
        """Watch a task from here on; look at it once after this has begun."""
        watch = Watch(task_id, seq, asyncio.get_running_loop())
        with self._state:
            if self._is_closed:
                watch.changed.set()
            self._watches.add(watch)
            self._call()
        try:
            yield watch
        finally:
            with self._state:
                self._watches.discard(watch)

    def require_room(self, owner: str) -> None:
        """Make sure that an owner may follow once more.

        Raises:
            TooManyRequestsError: He has as many streams open as anybody may.
        """
        with self._state:
            count = sum(each.owner == owner for each in self._followers)
        if count >= MOST_STREAMS:
            raise TooManyRequestsError(
                f"{count} streams of yours are open, and no more may be: close some, "
                "or follow all of your tasks by one."
            )

    @contextmanager
    def following(self, owner: str, place: Place) -> Iterator[Follower]:
        """Follow the events after a place, as long as the block runs."""
        loop = asyncio.get_running_loop()
        follower = Follower(owner, place, loop, self._take_question)
        with self._state:
            if self._is_closed:
                follower.end()
            self._followers[follower] = None
        try:
            yield follower
        finally:
            with self._state:
                self._followers.pop(follower, None)

    def close(self) -> None:
        """Send every client home, and stop."""
        with self._state:
            if self._is_closed:
                return
            self._is_closed = True
            for watch in self._watches:
                watch.loop.call_soon_threadsafe(watch.changed.set)
            for follower in self._followers:
                follower.loop.call_soon_threadsafe(follower.end)
            self._call()

    def join(self, timeout_s: float = 1.0) -> None:
        """Wait for the thread, after `close`."""
        self._thread.join(timeout_s)

    def _take_question(self, follower: Follower) -> None:
        with self._state:
            if follower.is_asking or follower not in self._followers:
                return
            follower.is_asking = True
            # At the end of the line.
            self._followers.pop(follower)
            self._followers[follower] = None
            if follower.is_replaying or follower.has_missed_a_look:
                self._call()
            else:
                self._state.notify()

    def _call(self) -> None:
        """Let the thread look now. Called under the lock."""
        self._state.notify()
        if self._wake is not None:
            with suppress(BlockingIOError):  # it has been called often enough
                os.write(self._wake, b"!")

    def _work(self) -> None:
        wait_s = _POLL_S
        while self._has_clients():
            has_rung = self._listener.wait(wait_s, or_readable=self._called)
            self._hear()
            wait_s = self._next_wait_s(self._look(), wait_s, has_rung=has_rung)
            time.sleep(_LEAST_PAUSE_S)
        self._listener.close()
        with self._state:
            os.close(self._called)
            if self._wake is not None:
                os.close(self._wake)
            self._wake = None

    @staticmethod
    def _next_wait_s(found: _Found, wait_s: float, *, has_rung: bool) -> float:
        if found.is_news:
            return 0  # there may be more: sooner than its ring
        if found.is_clear:
            return _POLL_S
        return _HELD_BACK_S if has_rung else min(2 * wait_s or _HELD_BACK_S, _POLL_S)

    def _has_clients(self) -> bool:
        """Sleep until somebody wants something; False when it is over."""

        def is_needed() -> bool:
            return bool(
                self._is_closed
                or self._watches
                or any(follower.is_asking for follower in self._followers)
            )

        with self._state:
            while not self._state.wait_for(is_needed, _IDLE_S):
                # Rings that nobody hears would pile up in the connection.
                self._listener.close()
            return not self._is_closed

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            while os.read(self._called, 1024):
                pass

    def _look(self) -> _Found:
        """Ask for everybody, and hand out."""
        asked = self._asked()
        if not asked:
            return _NOTHING
        try:
            found = self._database.run(partial(_find, asked), patience_s=0)
            told = {
                place: [_told(view) for view in views or ()]
                for place, views in found.events.items()
            }
        except (PrsnlError, psycopg.Error) as error:
            log.warning("reader.database_away", kind=type(error).__name__)
            return _NOTHING
        except Exception:
            # Such as an event that a newer version wrote. Without this thread nobody
            # would hear of anything again, and nothing would show it.
            log.exception("reader.failed")
            return _NOTHING
        self._hand_out(asked, found, told)
        return found

    def _asked(self) -> _Asked:
        asked = _Asked([], {})
        replaying = 0
        with self._state:
            asked.watches.extend(self._watches)
            for follower in self._followers:
                follower.has_missed_a_look = not follower.is_asking
                if not follower.is_asking:
                    continue
                if follower.is_replaying:
                    replaying += 1
                    if replaying > _REPLAYING_AT_ONCE:
                        continue
                asked.followers.setdefault(follower.place, []).append(follower)
            if replaying > _REPLAYING_AT_ONCE:
                self._call()
        return asked

    def _hand_out(
        self, asked: _Asked, found: _Found, told: dict[Place, list[Told]]
    ) -> None:
        changed = [
            watch.changed.set
            for watch in asked.watches
            if found.seqs.get(watch.task_id, _GONE) != watch.seq
        ]
        with self._state:
            if self._is_closed:
                return
            loops = {watch.loop for watch in asked.watches}
            for place, followers in asked.followers.items():
                loops.update(follower.loop for follower in followers)
                views = found.events[place]
                for follower in followers:
                    changed.extend(_given(follower, views, told[place]))
            for loop in loops if changed else ():
                loop.call_soon_threadsafe(_do, changed)


def _given(
    follower: Follower, views: list[EventView] | None, told: list[Told]
) -> Iterator[Callable[[], None]]:
    """Move a follower on; what its event loop is to do about it."""
    if views is None:
        yield partial(follower.end, is_gone=True)
        return
    follower.is_replaying = len(views) == BATCH
    if views:
        follower.is_asking = False
        follower.place = _after(follower.place, views[-1])
        yield partial(follower.give, told)


def _after(place: Place, view: EventView) -> Place:
    if isinstance(place, OfOwner):
        return OfOwner(place.owner, view.cursor)
    return OfTask(place.task_id, view.seq)


def _do(what: Iterable[Callable[[], None]]) -> None:
    for each in what:
        each()


def _find(asked: _Asked, connection: Db) -> _Found:
    seqs = {}
    if asked.watches:
        ids = list({watch.task_id for watch in asked.watches})
        rows = connection.execute(_LOOK, [ids]).fetchall()
        seqs = {row["id"]: row["seq"] for row in rows}
    events: dict[Place, list[EventView] | None] = {}
    tasks = [place for place in asked.followers if isinstance(place, OfTask)]
    if tasks:
        numbers = [(place.task_id, place.seq) for place in tasks]
        told_of = feed.of_tasks(connection, numbers, limit=BATCH)
        events.update(zip(tasks, told_of, strict=True))
    is_clear = True
    owners = [place for place in asked.followers if isinstance(place, OfOwner)]
    if owners:
        cursors = [(place.owner, place.cursor) for place in owners]
        told_to = feed.of_owners(connection, cursors, limit=BATCH)
        events.update(zip(owners, told_to.events, strict=True))
        is_clear = told_to.is_clear
    return _Found(seqs, events, is_clear)


def _told(view: EventView) -> Told:
    return told(event_body(view), is_end=view.is_end)


def told(event: ProgressEvent, *, is_end: bool = False) -> Told:
    """An event of a task, ready to go out."""
    return Told(event.event, event.cursor, event.model_dump_json(), is_end)
