"""One supervisor for every process: ordered start, restarts, clean stop.

All processes are started by one thread that lives as long as the supervisor, since
Linux ties a child to the *thread* that started it. Each child has a thread that
sleeps in `waitpid`, so an idle supervisor uses no processor time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import IO, Final, Self

import structlog

from prsnl.core.errors import StartError

_TETHER: Final = Path(__file__).with_name("tether.py")
_PROBE_EVERY_S: Final = 0.02
_LOG_CHECK_EVERY_S: Final = 600.0
_LOG_MAX_BYTES: Final = 8 * 2**20
_OUTPUT_MAX_BYTES: Final = 8192
_FIRST_START_TRIES: Final = 6
_AFTER_LAST_SIGNAL_S: Final = 10.0
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A setting was changed: those that read it are to start anew.
RENEWS: Final = signal.SIGUSR1

_log = structlog.get_logger(__name__)


class State(StrEnum):
    """Where a process is in its life."""

    #: Started, and not ready yet.
    STARTING = "starting"
    RUNNING = "running"
    #: It ended by itself and is started again when its wait is over.
    BACKOFF = "backoff"
    #: Told to take no more: it ends when it has done what it has, and stays ended.
    RETIRING = "retiring"
    #: Told to end, and given time to.
    STOPPING = "stopping"


@dataclass(frozen=True, kw_only=True)
class RunAs:
    """The user and group that a process runs as, when we are root."""

    name: str
    uid: int
    gid: int


def _is_ready_at_once(_pid: int) -> bool:
    return True


def _no_reason(_output: str) -> StartError | None:
    return None


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """How one process is started, judged ready, and stopped."""

    #: Unique within the supervisor, e.g. "worker-1".
    name: str
    argv: tuple[str, ...]
    #: The whole environment; None inherits ours.
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    #: Appended to; cut when it passes 8 MiB, one older part kept. None inherits ours.
    log: Path | None = None
    #: Called with the pid, often and briefly, until it says True.
    ready: Callable[[int], bool] = _is_ready_at_once
    ready_timeout_s: float = 30.0
    #: Given the end of what it wrote to `log` in this run: why it ended before it
    #: was ready. None says that trying again may help. May mend what it finds.
    explain: Callable[[str], StartError | None] = _no_reason
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout_s: float = 25.0
    #: Has it take no more, and end when it has done what it has, however long that is.
    retire_signal: signal.Signals = signal.SIGTERM
    #: Sent when `stop_timeout_s` is over.
    last_signal: signal.Signals = signal.SIGKILL
    #: None keeps our own user.
    run_as: RunAs | None = None
    #: Added to our own niceness, 0 to 19. Needs `is_tethered`.
    nice: int = 0
    #: Higher levels stop first, all processes of one level together: 0 is for what
    #: the others need, the database and the broker.
    level: int = 1
    #: Ends by `stop_signal` and starts anew when the user has changed a setting.
    renews: bool = False
    #: Gets `stop_signal` from the kernel when the supervisor is killed (Linux).
    is_tethered: bool = True


@dataclass(frozen=True, kw_only=True)
class ProcessState:
    """What is known of one process now."""

    name: str
    state: State
    pid: int | None
    #: How often it was started again after it had ended by itself.
    restarts: int
    #: Exit status of the last run, negative for a signal; None before the first end.
    last_exit: int | None


@dataclass
class Backoff:
    """Waits between restarts: doubling, and back to the first after a healthy run.

    What falls over every ten seconds is started again every eleven: that is no storm,
    and a server that is needed is not left down for what happened a minute ago.
    """

    first_s: float = 0.5
    longest_s: float = 30.0
    healthy_s: float = 10.0
    _next_s: float = field(init=False, default=0.0)

    def after_run_of(self, lived_s: float) -> float:
        """The seconds to wait before the next start of what lived for `lived_s`."""
        if lived_s >= self.healthy_s or not self._next_s:
            self._next_s = self.first_s
        wait_s = self._next_s
        self._next_s = min(2 * wait_s, self.longest_s)
        return wait_s


@dataclass
class _Process:
    spec: ProcessSpec
    state: State = State.BACKOFF
    child: subprocess.Popen[bytes] | None = None
    started_at_s: float = 0.0
    #: Size of its log when it was started.
    log_start_bytes: int = 0
    #: When the next thing is to be done: a start, the last signal.
    due_at_s: float = 0.0
    starts: int = 0
    last_exit: int | None = None
    is_leaving: bool = False
    #: It was told to end, to start anew.
    is_renewing: bool = False
    #: Whether it has been ready once; before that a failure is told to `start`.
    was_ready: bool = False
    failure: StartError | None = None
    backoff: Backoff = field(default_factory=Backoff)

    def told(self) -> ProcessState:
        return ProcessState(
            name=self.spec.name,
            state=self.state,
            pid=self.child.pid if self.child else None,
            restarts=max(0, self.starts - 1),
            last_exit=self.last_exit,
        )


class Supervisor:
    """Starts processes, restarts those that end, and stops all of them in order.

    Every method may be called from any thread. Use it as a context manager: leaving
    stops every process.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._processes: dict[str, _Process] = {}
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._is_stop_wanted = False
        self._signals_seen = 0
        self._logs_checked_at_s = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self, spec: ProcessSpec) -> None:
        """Start a process and wait until it is ready.

        Raises:
            StartError: It ended, or was not ready in `ready_timeout_s`; it is stopped
                and forgotten then.
        """
        process = self._add(spec)
        deadline_s = time.monotonic() + spec.ready_timeout_s
        with self._changed:
            while not process.was_ready and process.failure is None:
                left_s = deadline_s - time.monotonic()
                if left_s <= 0 or process.is_leaving:
                    process.failure = _not_ready(spec)
                    break
                self._changed.wait(left_s)
            failure = process.failure
        if failure is not None:
            self.remove(spec.name)
            raise failure

    def add(self, spec: ProcessSpec) -> None:
        """Start a process without waiting for it; a failing one is tried again.

        Raises:
            StartError: The supervisor has been stopped, or the name is taken.
        """
        self._add(spec)

    def _add(self, spec: ProcessSpec) -> _Process:
        with self._changed:
            if self._is_closed:
                raise StartError(f"{spec.name} cannot start: everything is stopping.")
            if spec.name in self._processes:
                raise StartError(f"{spec.name} is running already.")
            process = self._processes[spec.name] = _Process(spec)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name="supervisor", daemon=True
                )
                self._thread.start()
            self._changed.notify_all()
        return process

    def remove(self, name: str, *, wait: bool = True) -> None:
        """Stop a process for good, and forget it. An unknown name is no error."""
        with self._changed:
            process = self._processes.get(name)
            if process is None:
                return
            self._begin_stop(process)
            self._changed.notify_all()
            while wait and self._processes.get(name) is process:
                self._changed.wait()

    def retire(self, name: str) -> None:
        """Have a process finish what it has, end, and be forgotten; wait for nothing.

        However it ends, it is not started again. An unknown name is no error.
        """
        with self._changed:
            process = self._processes.get(name)
            if process is None or process.is_leaving:
                return
            process.is_leaving = True
            if process.state in {State.STARTING, State.RUNNING}:
                process.state = State.RETIRING
                _signal(process, process.spec.retire_signal)
            self._changed.notify_all()

    def states(self) -> tuple[ProcessState, ...]:
        """Every process, in the order in which they were added."""
        with self._changed:
            return tuple(process.told() for process in self._processes.values())

    def renew(self) -> None:
        """Have every process with `renews` end gently and start anew; wait for none.

        May be called by a signal handler, wherever the main thread is.
        """
        with self._changed:
            now_s = time.monotonic()
            for process in self._processes.values():
                if process.spec.renews and not process.is_leaving:
                    _begin_renewal(process, now_s)
            self._changed.notify_all()

    @contextmanager
    def signals(self) -> Generator[None]:
        """Make SIGTERM and SIGHUP stop the program as Ctrl-C does; SIGUSR1 renews.

        The first signal raises `KeyboardInterrupt` in the main thread, unless all is
        stopping already; a second one hurries: what still drains is ended at once,
        save database and broker.
        """

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            self._signals_seen += 1
            if self._signals_seen == 1 and not self._is_closed:
                raise KeyboardInterrupt

        def on_renewal(_number: int, _frame: FrameType | None) -> None:
            self.renew()

        before = {number: signal.signal(number, on_signal) for number in _STOP_SIGNALS}
        before[RENEWS] = signal.signal(RENEWS, on_renewal)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def wait(self) -> None:
        """Sleep in the main thread until Ctrl-C, a signal or `request_stop`."""
        with suppress(KeyboardInterrupt), self._changed:
            while not self._is_stop_wanted:
                self._changed.wait()

    def request_stop(self) -> None:
        """Let `wait` return; stops nothing itself."""
        with self._changed:
            self._is_stop_wanted = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Stop every process, the highest level first. May be called twice."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            while self._processes:
                top = max(process.spec.level for process in self._processes.values())
                for process in self._processes.values():
                    if process.spec.level == top:
                        self._begin_stop(process)
                self._changed.notify_all()
                self._changed.wait(1.0)
                if self._signals_seen > 1:
                    self._hurry()
        if self._thread is not None:
            self._thread.join()

    def _hurry(self) -> None:
        for process in self._processes.values():
            if process.spec.level > 0 and process.state is State.STOPPING:
                process.due_at_s = 0.0

    # From here on: the supervisor's own thread, with the lock held.

    def _run(self) -> None:
        with self._changed:
            while True:
                now_s = time.monotonic()
                waits_s = [
                    self._step(process, now_s)
                    for process in tuple(self._processes.values())
                ]
                if self._is_closed and not self._processes:
                    return
                waits_s.append(self._check_logs(now_s))
                self._changed.wait(max(0.0, min(waits_s)))

    def _step(self, process: _Process, now_s: float) -> float:
        """Do what is due for one process; return the seconds until it is looked at."""
        child = process.child
        if child is not None and child.returncode is not None:
            self._note_end(process, child.returncode, now_s)
        if process.is_leaving and process.child is None:
            del self._processes[process.spec.name]
            self._changed.notify_all()
            return _LOG_CHECK_EVERY_S
        match process.state:
            case State.BACKOFF if now_s >= process.due_at_s:
                self._spawn(process, now_s)
                return _PROBE_EVERY_S
            case State.STARTING:
                self._probe(process, now_s)
                return _PROBE_EVERY_S
            case State.STOPPING if now_s >= process.due_at_s:
                _signal(process, process.spec.last_signal)
                process.due_at_s = now_s + _AFTER_LAST_SIGNAL_S
            case _:
                pass
        if process.state in {State.BACKOFF, State.STOPPING}:
            return process.due_at_s - now_s
        return _LOG_CHECK_EVERY_S

    def _spawn(self, process: _Process, now_s: float) -> None:
        process.starts += 1
        process.started_at_s = now_s
        process.log_start_bytes = _prepare_log(process.spec)
        try:
            process.child = _popen(process.spec)
        except OSError as error:
            process.failure = StartError(
                f"{process.spec.name} cannot be started: {error.strerror}."
            )
            self._back_off(process, now_s)
            return
        process.state = State.STARTING
        threading.Thread(
            target=self._watch,
            args=(process.child,),
            name=f"wait-{process.spec.name}",
            daemon=True,
        ).start()

    def _watch(self, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        with self._changed:
            self._changed.notify_all()

    def _probe(self, process: _Process, now_s: float) -> None:
        spec, child = process.spec, process.child
        assert child is not None
        if spec.ready(child.pid):
            process.state = State.RUNNING
            process.was_ready = True
            self._changed.notify_all()
        elif now_s - process.started_at_s > spec.ready_timeout_s:
            _log.warning("supervisor.not_ready", process=spec.name, pid=child.pid)
            process.state = State.STOPPING
            process.due_at_s = now_s + spec.stop_timeout_s
            _signal(process, spec.stop_signal)

    def _note_end(self, process: _Process, status: int, now_s: float) -> None:
        process.child = None
        process.last_exit = status
        if process.is_leaving:
            return
        if process.is_renewing:
            process.is_renewing = False
            process.starts -= 1  # it did not end by itself
            process.state, process.due_at_s = State.BACKOFF, now_s
            return
        name = process.spec.name
        reason = None
        if process.state is State.STARTING:
            reason = process.spec.explain(_output(process))
        told = None if reason is None else reason.message
        _log.warning("supervisor.ended", process=name, status=status, reason=told)
        if not process.was_ready:
            process.failure = reason
            if process.failure is None and process.starts >= _FIRST_START_TRIES:
                process.failure = _not_ready(process.spec)
        self._back_off(process, now_s)

    def _back_off(self, process: _Process, now_s: float) -> None:
        wait_s = process.backoff.after_run_of(now_s - process.started_at_s)
        process.state = State.BACKOFF
        process.due_at_s = now_s + wait_s
        self._changed.notify_all()

    def _begin_stop(self, process: _Process) -> None:
        if process.is_leaving and process.state is not State.RETIRING:
            return
        process.is_leaving = True
        if process.child is not None and process.state is not State.STOPPING:
            process.state = State.STOPPING
            process.due_at_s = time.monotonic() + process.spec.stop_timeout_s
            _signal(process, process.spec.stop_signal)

    def _check_logs(self, now_s: float) -> float:
        left_s = self._logs_checked_at_s + _LOG_CHECK_EVERY_S - now_s
        if left_s > 0:
            return left_s
        self._logs_checked_at_s = now_s
        for process in self._processes.values():
            if process.spec.log is not None:
                cut_log(process.spec.log)
        return _LOG_CHECK_EVERY_S


def cut_log(path: Path, *, max_bytes: int = _LOG_MAX_BYTES) -> None:
    """Move a log that is too long aside; who appends to it goes on undisturbed."""
    with suppress(OSError):  # a full disk must not stop the supervisor
        if path.stat().st_size > max_bytes:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)


def _begin_renewal(process: _Process, now_s: float) -> None:
    match process.state:
        case State.BACKOFF:
            process.due_at_s = now_s
        case State.STARTING | State.RUNNING:
            process.is_renewing = True
            process.state = State.STOPPING
            process.due_at_s = now_s + process.spec.stop_timeout_s
            _signal(process, process.spec.stop_signal)
        case State.STOPPING:
            pass  # what is started after its end reads the newest settings


def _not_ready(spec: ProcessSpec) -> StartError:
    where = f" Its log is {spec.log}." if spec.log else ""
    return StartError(f"{spec.name} did not become ready.{where}")


def _signal(process: _Process, number: signal.Signals) -> None:
    """Send a signal; the last one, when it is KILL, goes to the whole group."""
    child = process.child
    assert child is not None
    with suppress(ProcessLookupError):
        if number is signal.SIGKILL:
            os.killpg(child.pid, number)
        else:
            child.send_signal(number)


def _prepare_log(spec: ProcessSpec) -> int:
    """Cut the log if it is too long; return its size in bytes."""
    if spec.log is None:
        return 0
    cut_log(spec.log)
    try:
        return spec.log.stat().st_size
    except OSError:
        return 0


def _output(process: _Process) -> str:
    """The end of what the process wrote to its log in this run, at most 8 KiB."""
    if process.spec.log is None:
        return ""
    try:
        with process.spec.log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(process.log_start_bytes, size - _OUTPUT_MAX_BYTES))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _open_log(spec: ProcessSpec) -> IO[bytes] | None:
    if spec.log is None:
        return None
    descriptor = os.open(spec.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(descriptor, "ab", buffering=0)


def _popen(spec: ProcessSpec) -> subprocess.Popen[bytes]:
    """Start the program in a session of its own: Ctrl-C of a terminal is ours alone."""
    argv = spec.argv
    if spec.is_tethered:
        shim = (sys.executable, "-I", "-S", str(_TETHER))
        argv = (*shim, str(int(spec.stop_signal)), str(os.getpid()), str(spec.nice))
        argv += spec.argv
    log = _open_log(spec)
    try:
        return subprocess.Popen(
            argv,
            env=spec.env,
            cwd=spec.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=spec.run_as.uid if spec.run_as else None,
            group=spec.run_as.gid if spec.run_as else None,
            extra_groups=[] if spec.run_as else None,
        )
    finally:
        if log is not None:
            log.close()
