"""The nursery: imports what children need, and forks one child at a time."""

from __future__ import annotations

import array
import contextlib
import importlib
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from prsnl.engines.sandbox import kernel
from prsnl.engines.sandbox.child import serve
from prsnl.engines.sandbox.frames import Frame, FrameError
from prsnl.engines.sandbox.layers import Layers
from prsnl.engines.sandbox.orders import ChildOrder, Ending, NurseryOrder
from prsnl.engines.sandbox.sockets import (
    ChannelClosedError,
    receive_frame,
    send_frame,
)

#: A child's sockets and files that ride on the control socket: channel and log.
_RIDERS: Final = 2


@dataclass(kw_only=True)
class Nursery:
    """Trusted: it never sees an input, and no child can reach it.

    It ends when the pool closes `control`, which its death does too, and all that it
    forked ends with it.
    """

    control: socket.socket
    order: NurseryOrder
    layers: Layers
    child: int | None = field(default=None, init=False)
    #: A pipe that SIGCHLD writes to: its reading and its writing end.
    wake: tuple[int, int] = field(default_factory=os.pipe, init=False)

    def run(self) -> None:
        """Serve the pool until it goes."""
        kernel.adopt_orphans()
        wake, waker = self.wake
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        if kernel.IS_LINUX:  # elsewhere libraries may not outlive a fork
            _preload(self.order.preload)
        send_frame(self.control, {"ready": self.layers.to_wire()})
        try:
            while True:
                ready, _, _ = select.select([self.control.fileno(), wake], [], [])
                if wake in ready:
                    os.read(wake, 512)
                    self._reap()
                if self.control.fileno() in ready:
                    self._obey()
        except (ChannelClosedError, FrameError, OSError):
            self._end_all()

    def _obey(self) -> None:
        data, riders = _receive_with_riders(self.control)
        if "start" in data:
            self._start(ChildOrder.from_wire(data["start"]), *riders)
        elif self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child, signal.SIGKILL)

    def _start(self, order: ChildOrder, channel: int, log: int) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        self.child = os.fork()
        if self.child == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            os.dup2(log, 1)
            os.dup2(log, 2)
            for unneeded in (*self.wake, log):
                os.close(unneeded)
            serve(socket.socket(fileno=channel), self.order, order, self.layers)
        os.close(channel)
        os.close(log)

    def _reap(self) -> None:
        """Take in whatever ended; with the child, everything it started ends."""
        while True:
            try:
                ended, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if ended == 0:
                return
            if ended == self.child:
                self.child = None
                self._end_all()
                send_frame(self.control, {"ended": _ending(status, usage).to_wire()})

    def _end_all(self) -> None:
        """Kill what is left of a child, until nothing is."""
        while True:
            if self.layers.process_namespace:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(-1, signal.SIGKILL)
            else:
                for descendant in _descendants():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(descendant, signal.SIGKILL)
            try:
                os.wait()
            except ChildProcessError:
                return


def _descendants() -> list[int]:
    """The children of this process; orphans of theirs become children in turn."""
    try:
        told = Path(f"/proc/self/task/{os.getpid()}/children").read_text("ascii")
    except OSError:
        return []
    return [int(word) for word in told.split()]


def _ending(status: int, usage: resource.struct_rusage) -> Ending:
    code = os.waitstatus_to_exitcode(status)
    return Ending(
        signal=-code if code < 0 else None,
        status=code if code >= 0 else None,
        peak_memory_bytes=kernel.resident_bytes(usage),
        cpu_s=usage.ru_utime + usage.ru_stime,
    )


def _preload(names: tuple[str, ...]) -> None:
    """Import each module, and call the function that a name carries.

    Libraries size their thread pools by the processors they see. A thread does not
    survive a fork, so they see one here; children see all again.
    """
    with _one_processor():
        for name in names:
            module, _, function = name.partition(":")
            loaded = importlib.import_module(module)
            if function:
                getattr(loaded, function)()


@contextlib.contextmanager
def _one_processor() -> Iterator[None]:
    if not kernel.IS_LINUX:
        yield
        return
    seen = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(seen)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, seen)


def _receive_with_riders(control: socket.socket) -> tuple[Frame, list[int]]:
    """One frame, and the file descriptors that ride on its first byte."""
    size = array.array("i").itemsize
    first, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(_RIDERS * size))
    if not first:
        raise ChannelClosedError
    riders = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            riders.frombytes(data[: len(data) - len(data) % size])
    return receive_frame(control), list(riders)
