"""The scheduler: relay, reaper, wake-ups and cleanup. Any number may run."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

import psycopg
import structlog

from prsnl.ai_processing.embedding_keeper import EmbeddingKeeper
from prsnl.core.db import LOST, Database, Db
from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.core.settings.service import Webhooks
from prsnl.core.storage import PARTS, Storage
from prsnl.items import lexicon
from prsnl.library import trash
from prsnl.library.watch import FolderWatcher, watched
from prsnl.library.watch_folder import WatchedFolder
from prsnl.webhooks import gathering, store
from prsnl.wiring import Wiring
from prsnl.wiring.embedding import policy
from prsnl.work import blobs, calls, caps, limits, providers, secrets, slots
from prsnl.work.reaper import reap
from prsnl.work.relay import Relay, celery_app, due_listener
from prsnl.work.ring import Channel, Ring, ringing
from prsnl.work.workers import (
    SEEN_EVERY_S,
    WorkerIdentity,
    forget_the_gone,
    say_gone,
    say_seen,
)

_CLEANUP_EVERY_S: Final = 3600.0
_SWEEP_EVERY_S: Final = 60.0
#: A word just read can be misspelt after so long.
_LEARN_EVERY_S: Final = 2.0
_WAKE_EVERY_S: Final = 1.0
#: Time enough for who was let go on to take the slot.
_SLOTS_EVERY_S: Final = 10.0
#: Ends that come closer together are one message.
_TELL_EVERY_S: Final = 5.0
_SOON_S: Final = 0.05
_CLEANUP_LOCK: Final = 7_214_302

log = structlog.get_logger()


@dataclass
class Chore:
    """Something done again and again."""

    name: str
    every_s: float
    #: Tells whether there is more to do, so that it is due again after the others.
    work: Callable[[Db], bool]
    due_at: float = field(default=float("-inf"))


@dataclass
class Housekeeping:
    """Does the chores of the rows, one after another, until told to stop."""

    database: Database
    chores: list[Chore]

    def run(self, stop: threading.Event) -> None:
        """Work until *stop* is set."""
        while not stop.is_set():
            for chore in self.chores:
                now = time.monotonic()
                if now >= chore.due_at:
                    has_more = self._do(chore)
                    chore.due_at = now + (_SOON_S if has_more else chore.every_s)
            next_at = min(chore.due_at for chore in self.chores)
            stop.wait(max(0.01, next_at - time.monotonic()))

    def _do(self, chore: Chore) -> bool:
        try:
            return self.database.run(chore.work, patience_s=0)
        except (UnavailableError, *LOST):
            log.warning("scheduler.database_away", chore=chore.name)
        except (PrsnlError, OSError, psycopg.Error):
            # One that fails keeps no other from being done, the relay least of all.
            log.exception("scheduler.chore_failed", chore=chore.name)
        return False


def cleanup(connection: Db, storage: Storage) -> bool:
    """Remove one batch of what is old, by one scheduler at a time.

    Returns:
        Whether there may be more, so that the caller comes back soon.
    """
    with connection.transaction():
        row = connection.execute(
            "select pg_try_advisory_xact_lock(%s) as is_mine", [_CLEANUP_LOCK]
        ).fetchone()
        if row is None or not row["is_mine"]:
            return False
        removed = connection.execute("select * from prsnl_cleanup()").fetchone()
        if removed is None:
            return False
        blobs.doom(connection, removed.pop("blobs"))
    gone = blobs.remove_doomed(connection, storage)
    if not any(removed.values()):
        return False
    log.info("scheduler.cleaned", blobs=gone, **removed)
    return True


def forget_old_calls(connection: Db) -> bool:
    """Remove a batch of what was asked of models long ago; may there be more?"""
    gone = calls.forget_old(connection)
    if gone:
        log.info("scheduler.forgot_calls", calls=gone)
    return gone > 0


def empty_expired(connection: Db, storage: Storage) -> bool:
    """Remove a batch of items whose time in the trash is over; may there be more?"""
    gone = trash.purge_expired(connection, storage)
    if gone:
        log.info("scheduler.emptied_trash", items=gone)
    return gone > 0


@dataclass
class Sweep:
    """Removes bytes that no row names, the storage's parts one after another."""

    storage: Storage
    part: int = field(default_factory=partial(random.randrange, PARTS))

    def go_on(self, connection: Db) -> bool:
        """Look through the next part; there is never more to do at once."""
        left = blobs.doom_left_behind(connection, self.storage, self.part)
        self.part = (self.part + 1) % PARTS
        if gone := blobs.remove_doomed(connection, self.storage):
            log.info("scheduler.swept", left_behind=left, blobs=gone)
        return False


@dataclass
class Messenger:
    """Makes the messages of webhooks; the setting's own is made at the first look."""

    settings: Webhooks
    ring: Ring
    _is_set: bool = False

    def go_on(self, connection: Db) -> bool:
        """Look for what has ended; there is never more to do at once."""
        if not self._is_set:
            self._set(connection)
            self._is_set = True
        if gathering.gather(connection):
            self.ring.ring(Channel.DUE, Channel.PROGRESS)
        return False

    def _set(self, connection: Db) -> None:
        url, secret = self.settings.notify_url, self.settings.notify_secret
        if url is None:
            store.forget_setting(connection)
            return
        told = None if secret is None else secret.get_secret_value()
        store.keep_setting(
            connection,
            url.get_secret_value(),
            told,
            owner=self.settings.notify_owner,
        )


def chores(
    *,
    lease: timedelta,
    worker: WorkerIdentity,
    relay: Relay,
    ring: Ring,
    storage: Storage,
    webhooks: Webhooks,
) -> list[Chore]:
    """What a scheduler does beside relaying."""

    def reap_and_ring(connection: Db) -> bool:
        if count := reap(connection):
            log.warning("scheduler.reaped", tasks=count)
            ring.ring(Channel.DUE, Channel.PROGRESS)
        return bool(count)

    def wake_and_ring(connection: Db) -> bool:
        is_any = providers.wake(connection)
        if limits.wake(connection) or is_any:
            ring.ring(Channel.DUE, Channel.PROGRESS)
        return False

    def let_go_on(connection: Db) -> bool:
        if slots.wake(connection):
            ring.ring(Channel.DUE, Channel.PROGRESS)
        return False

    def say(connection: Db) -> bool:
        say_seen(connection, worker, trouble=relay.trouble)
        return False

    def forget(connection: Db) -> bool:
        forget_the_gone(connection)
        secrets.sweep(connection, storage)
        return False

    return [
        Chore("reap", lease.total_seconds() / 6, reap_and_ring),
        Chore("wake", _WAKE_EVERY_S, wake_and_ring),
        Chore("slots", _SLOTS_EVERY_S, let_go_on),
        Chore("seen", SEEN_EVERY_S / 2, say),
        Chore("forget", 60.0, forget),
        Chore("cleanup", _CLEANUP_EVERY_S, partial(cleanup, storage=storage)),
        Chore("calls", _CLEANUP_EVERY_S, forget_old_calls),
        Chore("trash", _CLEANUP_EVERY_S, partial(empty_expired, storage=storage)),
        Chore("learn words", _LEARN_EVERY_S, lexicon.learn),
        Chore("webhooks", _TELL_EVERY_S, Messenger(webhooks, ring).go_on),
        Chore("sweep", _SWEEP_EVERY_S, Sweep(storage).go_on),
    ]


def main(wiring: Wiring) -> None:
    """Run until TERM or Ctrl-C."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    worker = WorkerIdentity(kind="scheduler")
    with (
        wiring.database("scheduler", size=5) as database,
        ringing(wiring.database_url) as ring,
    ):
        database.run(partial(caps.write, caps=wiring.caps))
        relay = Relay(
            database,
            celery_app(wiring.broker_url),
            due_listener(wiring.database_url),
            wiring.settings.work.resend_after_s,
        )
        housekeeping = Housekeeping(
            database,
            chores(
                lease=wiring.settings.work.lease_s,
                worker=worker,
                relay=relay,
                ring=ring,
                storage=wiring.storage,
                webhooks=wiring.settings.webhooks,
            ),
        )
        own = partial(housekeeping.run, stop)
        if watcher := folder_watcher(
            wiring, database, lambda: ring.ring(Channel.DUE, Channel.PROGRESS)
        ):
            own = partial(work_together, stop, partial(watcher.run, stop), own)
        keeper = EmbeddingKeeper(database, policy(wiring.settings))
        own = partial(work_together, stop, partial(keeper.run, stop), own)
        work_together(stop, partial(relay.run, stop), own)
        database.run(lambda connection: say_gone(connection, worker), patience_s=1)


def folder_watcher(
    wiring: Wiring, database: Database, rang: Callable[[], None]
) -> FolderWatcher | None:
    """What looks after the watched folder; None if there is none.

    Raises:
        SettingsError: The folder is one of our own.
    """
    settings = wiring.settings
    folder = watched(settings.watch, apart_from=settings.storage.folder)
    if folder is None:
        return None
    return FolderWatcher(
        database=database,
        storage=wiring.storage,
        settings=settings.watch,
        limits=settings.storage,
        folder=WatchedFolder(folder),
        rang=rang,
    )


def work_together(
    stop: threading.Event, other: Callable[[], None], own: Callable[[], None]
) -> None:
    """Run *other* in a thread beside *own*; the end of one is the end of both.

    A scheduler that only half works would leave tasks waiting without a reason that
    anybody sees. As a whole it is started again.

    Raises:
        Exception: What ended one of them before *stop* was set.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="beside") as pool:
        beside = pool.submit(other)
        beside.add_done_callback(lambda _: stop.set())
        try:
            own()
        finally:
            stop.set()
        beside.result()
