"""The pool: who needs a parser takes a child, and gets every end as a named error."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal, Self

import structlog

from prsnl.core.errors import PrsnlError, UnavailableError
from prsnl.engines.contracts import OPERATIONS
from prsnl.engines.sandbox.conversation import Bounds, Child, ChildLimits
from prsnl.engines.sandbox.layers import LAYER_NAMES, Layers
from prsnl.engines.sandbox.memory import MemoryGate
from prsnl.engines.sandbox.orders import ChildOrder, NurseryOrder
from prsnl.engines.sandbox.process import (
    NurseryProcess,
    code_folders,
    readable_folders,
)
from prsnl.engines.sandbox.scratch import ScratchRoot

_log = structlog.get_logger()

#: Nobody's: far above what an account, a service or a container map uses.
_FIRST_USER_ID: Final = 0x7000_0000
_USER_IDS: Final = 2**24
#: Whoever waits for a child looks so often whether he still wants it.
_LOOK_S: Final = 0.5


def _goes_on() -> None:
    """Nobody stops who waits: a use outside of a task."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kind of child.

    Attributes:
        preload: "module" or "module:function", imported (and called) by the nursery
            before it forks; children share that memory and pay none of that time.
        spare: How many warm nurseries are kept while they are not used.
        reuse: "task": each use gets a child of its own. "shared": one child serves
            use after use, never two at once; for input that is text already.
        recycle_after_calls: A shared child is replaced after so many calls.
        idle: A nursery or a shared child that nobody used for so long is given up.
        memory_bytes: Address space of a child.
        usual_bytes: Resident memory that a use usually takes: so much has to be free.
        model_folders: What it may read besides.
        programs: Whether it may start programs, such as an OCR engine's.
        cpu_s: Processor seconds of a child, where that is not as usual.
        memory_setting: The variable that sets `memory_bytes`, for whoever runs out.
        time_setting: The variable that sets how long one step may take.
        cpu_setting: The variable that sets `cpu_s`.
    """

    preload: tuple[str, ...] = ()
    spare: int = 1
    reuse: Literal["task", "shared"] = "task"
    recycle_after_calls: int = 1_000
    idle: timedelta = timedelta(seconds=45)
    memory_bytes: int
    usual_bytes: int = 0
    model_folders: tuple[Path, ...] = ()
    programs: bool = False
    cpu_s: int | None = None
    memory_setting: str = "PRSNL_CHILD_MEMORY_BYTES"
    time_setting: str = "PRSNL_CHILD_UNIT_TIMEOUT_S"
    cpu_setting: str = "PRSNL_CHILD_CPU_S"

    def bounds(self, usual: ChildLimits) -> Bounds:
        """What one child may use, and what sets it."""
        return Bounds(
            memory_bytes=self.memory_bytes,
            cpu_s=self.cpu_s or usual.cpu_s,
            memory_setting=self.memory_setting,
            time_setting=self.time_setting,
            cpu_setting=self.cpu_setting,
        )


@dataclass(kw_only=True)
class _Place:
    """A warm nursery, perhaps with a shared child, that nobody uses."""

    nursery: NurseryProcess
    child: Child | None = None
    idle_since: float = 0.0


@dataclass(kw_only=True)
class _Shelf:
    """What is warm for one profile; guarded by the pool's lock."""

    places: list[_Place] = field(default_factory=list)
    #: A shared child is out; the next use waits.
    is_taken: bool = False
    #: A nursery is being started in the background.
    is_warming: bool = False


class SandboxPool:
    """Children for one worker process; safe to use from any thread.

    A nursery per profile keeps the libraries imported, so a fresh child costs a fork
    of a few milliseconds. Nothing runs before the first use or `warm_up`.
    """

    def __init__(
        self,
        *,
        scratch_root: Path,
        limits: ChildLimits,
        profiles: Mapping[str, Profile],
        operations: Mapping[str, str] = OPERATIONS,
        source_folders: tuple[Path, ...] = (),
        without: frozenset[str] = frozenset(),
        memory: MemoryGate | None = None,
    ) -> None:
        """Make the pool's scratch folder; clear up after pools that were killed.

        Args:
            scratch_root: Holds the children's folders.
            limits: What is the same for all profiles.
            profiles: The kinds of children, by name.
            operations: Operation -> "module:function".
            source_folders: Where operations outside of this package are found.
            without: Names of `LAYER_NAMES` to leave out, as on a machine that lacks
                them.
            memory: Lets uses in as memory allows; None lets in all.
        """
        if unknown := without - LAYER_NAMES:
            raise ValueError(f"no such layers: {sorted(unknown)}")
        self._scratch = ScratchRoot(scratch_root)
        self._limits = limits
        self._profiles = dict(profiles)
        self._operations = dict(operations)
        self._source_folders = source_folders
        self._without = without
        self._memory = memory
        self._changed = threading.Condition()
        self._shelves = {name: _Shelf() for name in profiles}
        self._in_use: set[NurseryProcess] = set()
        self._is_closed = False
        self._layers: Layers | None = None
        self._tells_layers = True
        self._keeper: threading.Thread | None = None
        self._warmers: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextlib.contextmanager
    def child(
        self, profile: str, *, check: Callable[[], None] = _goes_on
    ) -> Iterator[Child]:
        """A child of this profile, for the `with` block; its files go with it.

        Args:
            profile: Which kind.
            check: Called again and again while there is none to be had; what it
                raises ends the wait.

        Raises:
            ChildCrashedError: None could be started.
            NoMemoryYet: Others have the memory that it usually takes.
            UnavailableError: Others had it for too long.
        """
        with contextlib.ExitStack() as stack:
            place = stack.enter_context(self._placed(profile, check))
            # What a warm child takes it has.
            wanted = 0 if place.child else self._profiles[profile].usual_bytes
            if self._memory is not None and self._profiles[profile].usual_bytes:
                stack.enter_context(self._memory.admitted(wanted, check))
            yield stack.enter_context(self._used(profile, place))

    @contextlib.contextmanager
    def _placed(self, profile: str, check: Callable[[], None]) -> Iterator[_Place]:
        shared = self._profiles[profile].reuse == "shared"
        place = self._take(profile, exclusive=shared, check=check)
        try:
            yield place
        finally:
            self._put_back(profile, place, exclusive=shared)

    @contextlib.contextmanager
    def _used(self, profile: str, place: _Place) -> Iterator[Child]:
        shared = self._profiles[profile].reuse == "shared"
        child = place.child or self._new_child(profile, place)
        try:
            yield child
        finally:
            calls = self._profiles[profile].recycle_after_calls
            if shared and child.is_reusable and child.calls < calls:
                child.scratch.clear()
                place.child = child
            else:
                place.child = None
                child.end()

    def warm_up(self, profile: str) -> None:
        """Have a nursery started in the background, unless one is warm."""
        with self._changed:
            shelf = self._shelves[profile]
            if self._is_closed or shelf.is_warming or shelf.places:
                return
            shelf.is_warming = True
            warmer = threading.Thread(
                target=self._warm_up_now, args=(profile,), name="sandbox-warm-up"
            )
            self._warmers = [each for each in self._warmers if each.is_alive()]
            self._warmers.append(warmer)
            warmer.start()

    @property
    def layers(self) -> Layers | None:
        """What children have around them; None before the first nursery is warm."""
        return self._layers

    def probe_layers(self) -> Layers:
        """Start a child, and tell what it has around it."""
        profile = Profile(memory_bytes=2**30)
        nursery = self._start_nursery(profile)
        try:
            return self._layers_of(nursery, profile)
        finally:
            nursery.close()

    def close(self) -> None:
        """End every child and remove the scratch folder."""
        with self._changed:
            self._is_closed = True
            shelves = self._shelves.values()
            places = [place for shelf in shelves for place in shelf.places]
            taken = list(self._in_use)
            for shelf in shelves:
                shelf.places.clear()
            self._changed.notify_all()
        for nursery in taken:
            nursery.stop()
        for place in places:
            self._give_up(place)
        for helper in (self._keeper, *self._warmers):
            if helper is not None:
                helper.join()
        self._scratch.close()

    def _take(
        self, profile: str, *, exclusive: bool, check: Callable[[], None]
    ) -> _Place:
        shelf = self._shelves[profile]
        give_up_at = time.monotonic() + self._limits.take_timeout_s
        with self._changed:
            while (exclusive and shelf.is_taken) or (
                shelf.is_warming and not shelf.places
            ):
                check()
                if time.monotonic() >= give_up_at:
                    raise UnavailableError(
                        "What reads here was busy with something else for "
                        f"{self._limits.take_timeout_s:g} s. It is tried again."
                    )
                self._changed.wait(_LOOK_S)
            if self._is_closed:
                raise PrsnlError("The sandbox is closed: the worker is leaving.")
            shelf.is_taken = exclusive
            while shelf.places:
                place = shelf.places.pop()
                if place.nursery.is_alive:
                    self._in_use.add(place.nursery)
                    return place
        try:
            nursery = self._new_nursery(self._profiles[profile], check)
        except BaseException:
            with self._changed:
                shelf.is_taken = False
                self._changed.notify_all()
            raise
        with self._changed:
            self._in_use.add(nursery)
        return _Place(nursery=nursery)

    def _put_back(self, profile: str, place: _Place, *, exclusive: bool) -> None:
        shelf = self._shelves[profile]
        with self._changed:
            self._in_use.discard(place.nursery)
            if exclusive:
                shelf.is_taken = False
            keeps = (
                not self._is_closed
                and place.nursery.is_alive
                and len(shelf.places) < max(self._profiles[profile].spare, exclusive)
            )
            if keeps:
                place.idle_since = time.monotonic()
                shelf.places.append(place)
                self._start_keeper()
            self._changed.notify_all()
        if not keeps:
            self._give_up(place)

    def _warm_up_now(self, profile: str) -> None:
        shelf = self._shelves[profile]
        place = None
        try:
            place = _Place(nursery=self._new_nursery(self._profiles[profile]))
        except PrsnlError as error:
            _log.warning("sandbox.warm_up_failed", profile=profile, reason=str(error))
        with self._changed:
            shelf.is_warming = False
            keeps = place is not None and not self._is_closed
            if place is not None and keeps:
                place.idle_since = time.monotonic()
                shelf.places.append(place)
                self._start_keeper()
            self._changed.notify_all()
        if place is not None and not keeps:
            self._give_up(place)

    def _new_nursery(
        self, profile: Profile, check: Callable[[], None] = _goes_on
    ) -> NurseryProcess:
        nursery = self._start_nursery(profile, check)
        with self._changed:
            tells, self._tells_layers = self._tells_layers, False
        if tells:
            self._tell_layers(nursery, profile)
        return nursery

    def _tell_layers(self, nursery: NurseryProcess, profile: Profile) -> None:
        """Log, once in a pool's life, what children of this machine lack."""
        try:
            layers = self._layers_of(nursery, profile)
        except PrsnlError:  # whoever wanted the nursery learns why
            self._tells_layers = True
            return
        for consequence in layers.missing():
            _log.warning("sandbox.layer_missing", consequence=consequence)

    def _layers_of(self, nursery: NurseryProcess, profile: Profile) -> Layers:
        child = self._fork(nursery, profile)
        child.end()
        self._layers = child.layers
        return child.layers

    def _start_nursery(
        self, profile: Profile, check: Callable[[], None] = _goes_on
    ) -> NurseryProcess:
        order = NurseryOrder(
            operations=self._operations,
            preload=profile.preload,
            readable=tuple(
                readable_folders(self._source_folders, profile.model_folders)
            ),
            scratch_root=str(self._scratch.folder),
            user_id=(
                _FIRST_USER_ID + secrets.randbelow(_USER_IDS)
                if os.geteuid() == 0
                else None
            ),
            programs=profile.programs,
            without=tuple(sorted(self._without)),
        )
        with self._scratch.log() as log:
            return NurseryProcess(
                order,
                code_folders=code_folders(self._source_folders),
                log=log,
                start_timeout_s=self._limits.start_timeout_s,
                check=check,
            )

    def _new_child(self, name: str, place: _Place) -> Child:
        profile = self._profiles[name]
        try:
            return self._fork(place.nursery, profile)
        except PrsnlError:
            with self._changed:
                self._in_use.discard(place.nursery)
            place.nursery.close()
            place.nursery = self._new_nursery(profile)
            with self._changed:
                self._in_use.add(place.nursery)
            return self._fork(place.nursery, profile)

    def _fork(self, nursery: NurseryProcess, profile: Profile) -> Child:
        user_id = nursery.user_id
        scratch = self._scratch.new(user_id=user_id)
        bounds = profile.bounds(self._limits)
        order = ChildOrder(
            scratch=str(scratch.folder),
            memory_bytes=bounds.memory_bytes,
            disk_bytes=self._limits.disk_bytes,
            cpu_s=bounds.cpu_s,
            nice=self._limits.nice,
            open_files=self._limits.open_files,
            frame_bytes=self._limits.frame_bytes,
        )
        log = self._scratch.log()
        try:
            channel = nursery.start_child(order, log=log)
        except PrsnlError:
            log.close()
            scratch.remove()
            raise
        return Child.greet(
            nursery=nursery,
            channel=channel,
            scratch=scratch,
            log=log,
            limits=self._limits,
            bounds=bounds,
        )

    def _give_up(self, place: _Place) -> None:
        if place.child is not None:
            place.child.end()
        place.nursery.close()

    def _start_keeper(self) -> None:
        """Have what is idle given up in time; the lock is held."""
        if self._keeper is None or not self._keeper.is_alive():
            self._keeper = threading.Thread(
                target=self._keep, name="sandbox-keeper", daemon=True
            )
            self._keeper.start()

    def _keep(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                old, next_at = self._sort_out(now)
                if not old:
                    if next_at is None or self._is_closed:
                        self._keeper = None
                        return
                    self._changed.wait(next_at - now)
            for place in old:
                self._give_up(place)

    def _sort_out(self, now: float) -> tuple[list[_Place], float | None]:
        """Take what has been idle too long off the shelves; tell when to look next."""
        old = []
        ends = []
        for name, shelf in self._shelves.items():
            idle_s = self._profiles[name].idle.total_seconds()
            for place in list(shelf.places):
                if place.idle_since + idle_s <= now:
                    shelf.places.remove(place)
                    old.append(place)
                else:
                    ends.append(place.idle_since + idle_s)
        return old, min(ends, default=None)
