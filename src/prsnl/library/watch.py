"""Takes in what is put into a folder: each file once, when it has stopped growing.

A file is known by its path, size and time. It is noted right after it was taken in,
and taken in under a key made of all of them: a crash in between ends with one task.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar
from uuid import UUID

import structlog

from prsnl.core.db import LOST, Database
from prsnl.core.errors import (
    ConflictError,
    DiskFullError,
    PrsnlError,
    QuotaError,
    SettingsError,
    TooManyTasksError,
    UnavailableError,
)
from prsnl.core.ids import new_id
from prsnl.core.incoming import Incoming, UploadLimits, cleaned_name
from prsnl.core.settings.service import Storage as StorageSettings
from prsnl.core.settings.service import Watch
from prsnl.core.storage import (
    Spooled,
    Storage,
    copy_hashed,
    disk_full_is_named,
)
from prsnl.items import watch_store
from prsnl.items.watch_store import Seen
from prsnl.library.intake import TakenIn, Wish, take_in
from prsnl.library.watch_folder import (
    DONE,
    DUPLICATES,
    FAILED,
    Changed,
    WatchedFolder,
    trouble_of,
)

#: A scheduler that is silent for so many rounds has left the folder to another.
_LEASE_ROUNDS: Final = 6
_LEAST_LEASE: Final = timedelta(seconds=15)
#: The lease is renewed and what ended is looked at after so long, in a long round too.
_RENEW_S: Final = 5.0
#: What is in the way of every file: it waits.
_NO_ROOM: Final = (DiskFullError, QuotaError, TooManyTasksError, UnavailableError)
_DUPLICATE: Final = "The same bytes are in the library already."

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True)
class _Sight:
    seen: Seen
    since: float


@dataclass
class FolderWatcher:
    """Looks after one folder, as long as no other scheduler does."""

    database: Database
    storage: Storage
    settings: Watch
    limits: StorageSettings
    folder: WatchedFolder
    #: Tells the relay that there is something to do.
    rang: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    holder: UUID = field(default_factory=new_id)
    _known: dict[bytes, Seen] | None = None
    #: Files that are waited for, until they have stopped growing.
    _sights: dict[bytes, _Sight] = field(default_factory=dict)
    #: What was told already, so that each trouble is one line of the log.
    _told: set[bytes | str] = field(default_factory=set)
    _renewed_at: float = float("-inf")

    @property
    def name(self) -> str:
        """The folder's name in its rows."""
        return str(self.folder.path)

    def run(self, stop: threading.Event) -> None:
        """Look every few seconds until *stop* is set."""
        while not stop.is_set():
            try:
                self.look(stop)
            except (UnavailableError, *LOST):
                # What is known is read anew: another may have taken over meanwhile.
                self._known = None
                log.warning("watch.database_away")
            stop.wait(self.settings.watch_every_s.total_seconds())
        self._leave()

    def look(self, stop: threading.Event) -> None:
        """One round: take in what is whole, settle what is finished.

        Raises:
            UnavailableError: The database does not answer.
        """
        if not self._holds():
            self._known = None
            return
        unreadable: set[bytes] = set()
        trouble = None
        for work in (self._settle, partial(self._take_all, stop, unreadable)):
            try:
                work()
            except UnavailableError:
                raise
            except (OSError, PrsnlError) as error:
                trouble = trouble or trouble_of(error)
        self._tell(trouble, unreadable | self.folder.unreadable)

    def _take_all(self, stop: threading.Event, unreadable: set[bytes]) -> None:
        if self._known is None:
            self._known = self._run(watch_store.known, self.name)
        met: set[bytes] = set()
        for seen in self.folder.files():
            if stop.is_set() or not self._is_renewed():
                return
            met.add(seen.path)
            if self._known.get(seen.path) == seen or not self._is_whole(seen):
                continue
            try:
                self._take(seen)
            except Changed:
                continue
            except OSError as error:
                unreadable.add(seen.path)
                self._say_once(seen.path, f"cannot be read ({error.strerror})")
                continue
            except _NO_ROOM:
                raise
            except PrsnlError as error:  # of this file alone
                self._note(seen, sha256="", outcome="failed", reason=error.message)
            self._known[seen.path] = seen
        for path in self._sights.keys() - met:
            del self._sights[path]

    def _is_whole(self, seen: Seen) -> bool:
        """Whether a file has not changed for long enough; it is remembered if not."""
        sight = self._sights.get(seen.path)
        if sight is None or sight.seen != seen:
            self._sights[seen.path] = _Sight(seen, self.clock())
            return False
        return self.clock() - sight.since >= self.settings.watch_still_s.total_seconds()

    def _take(self, seen: Seen) -> None:
        limits = UploadLimits(
            max_bytes=self.limits.upload_max_bytes,
            free_disk_floor_bytes=self.limits.free_disk_floor_bytes,
        )
        limits.check_size(seen.size_bytes)
        limits.check_disk(self.storage.free_bytes(), seen.size_bytes)
        with self.storage.incoming() as place:
            with (
                disk_full_is_named(),
                self.folder.opened(seen) as source,
                place.open("xb") as target,
            ):
                put_at_ns = os.fstat(source.fileno()).st_ctime_ns
                size, sha256 = copy_hashed(source, target)
            taken = self._take_in(seen, put_at_ns, Spooled(place, size, sha256))
        if taken.is_new or taken.is_new_task:
            self._note(seen, sha256=sha256, outcome="taken", taken=taken)
        else:
            self._note(
                seen, sha256=sha256, outcome="duplicate", reason=_DUPLICATE, taken=taken
            )
        self._sights.pop(seen.path, None)
        self._told.discard(seen.path)
        self.rang()
        log.info("watch.taken", attachment=str(taken.attachment.id))

    def _take_in(self, seen: Seen, put_at_ns: int, spooled: Spooled) -> TakenIn:
        # A copy that is put there later may keep the time of its content.
        times = f"{seen.mtime_ns} {put_at_ns}".encode()
        whole = [os.fsencode(self.name), seen.path, times, spooled.sha256.encode()]
        wish = Wish(
            process=True,
            again=False,
            local_only=False,
            idempotency_key=f"watch {hashlib.sha256(bytes(1).join(whole)).hexdigest()}",
        )
        incoming = Incoming(cleaned_name(seen.name), spooled)
        try:
            return self._take_in_once(incoming, wish)
        except ConflictError:
            # The key stands for what is no longer there: the item was deleted for good.
            return self._take_in_once(
                incoming,
                Wish(process=True, again=False, local_only=False, idempotency_key=None),
            )

    def _take_in_once(self, incoming: Incoming, wish: Wish) -> TakenIn:
        return take_in(
            self.database,
            self.storage,
            incoming,
            wish,
            owner=self.settings.watch_owner,
            quota_bytes=self.limits.quota_bytes,
        )

    def _note(
        self,
        seen: Seen,
        *,
        sha256: str,
        outcome: str,
        reason: str | None = None,
        taken: TakenIn | None = None,
    ) -> None:
        task = taken.task if taken else None
        self._run(
            watch_store.keep,
            self.name,
            seen,
            sha256=sha256,
            task_id=task and task.task_id,
            outcome=outcome,
            reason=reason,
        )

    def _settle(self) -> None:
        """Do with finished files what the settings want.

        Raises:
            OSError: One cannot be moved or deleted; it is tried again.
        """
        refused: OSError | None = None
        is_away = self.settings.watch_after != "keep"
        for one in self._run(watch_store.finished, self.name):
            try:
                if is_away:
                    self._put_away(one)
            except Changed:
                pass  # somebody else has moved or changed it: it is his
            except OSError as error:
                refused = error
                continue
            self._run(watch_store.settle, self.name, one.seen, is_away=is_away)
            if is_away and self._known is not None:
                self._known.pop(one.seen.path, None)
        if refused is not None:
            raise refused

    def _put_away(self, one: watch_store.Finished) -> None:
        if one.outcome == "failed":
            self.folder.move(one.seen, FAILED, why=one.reason)
        elif one.outcome == "duplicate":
            self.folder.move(one.seen, DUPLICATES)
        elif self.settings.watch_after == "delete":
            self.folder.remove(one.seen)
        else:
            self.folder.move(one.seen, DONE)

    def _holds(self) -> bool:
        lease = max(_LEAST_LEASE, _LEASE_ROUNDS * self.settings.watch_every_s)
        holds: bool = self._run(watch_store.hold, self.name, self.holder, lease)
        self._renewed_at = self.clock()
        return holds

    def _is_renewed(self) -> bool:
        return self.clock() - self._renewed_at < _RENEW_S or self._holds()

    def _tell(self, trouble: str | None, unreadable: set[bytes]) -> None:
        if trouble is None:
            self._told = {one for one in self._told if one in unreadable}
        else:
            self._say_once(trouble, trouble)
        for path in self.folder.unreadable:
            self._say_once(path, "cannot be looked at")
        self._run(
            watch_store.tell,
            self.name,
            self.holder,
            trouble=trouble,
            unreadable=len(unreadable),
        )

    def _say_once(self, what: bytes | str, why: str) -> None:
        if what not in self._told:
            self._told.add(what)
            name = what if isinstance(what, str) else what.decode(errors="replace")
            log.warning("watch.trouble", what=name, why=why)

    def _leave(self) -> None:
        try:
            self._run(watch_store.let_go, self.name, self.holder)
        except (PrsnlError, *LOST):
            log.warning("watch.not_let_go")

    def _run(self, work: Callable[..., T], *values: object, **named: object) -> T:
        return self.database.run(lambda connection: work(connection, *values, **named))


def watched(settings: Watch, *, apart_from: Path) -> Path | None:
    """The folder to watch, absolute; None if none is set.

    Raises:
        SettingsError: It is our own data folder, or holds it.
    """
    if settings.watch_dir is None:
        return None
    folder = settings.watch_dir.expanduser().resolve()
    own = apart_from.resolve()
    if own.is_relative_to(folder) or folder.is_relative_to(own):
        raise SettingsError(
            "PRSNL_WATCH_DIR is the data folder, or holds it or lies in it: what is "
            "written there would be taken in. Name another folder."
        )
    return folder
