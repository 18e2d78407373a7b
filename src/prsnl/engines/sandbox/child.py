"""The child: binds itself, then does what it is asked, one operation at a time."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NoReturn

from prsnl.core.errors import DiskFullError, PrsnlError, TooLargeError
from prsnl.engines.sandbox import kernel, landlock, syscall_filter
from prsnl.engines.sandbox.frames import FrameError, FrameTooLargeError
from prsnl.engines.sandbox.layers import Layers
from prsnl.engines.sandbox.orders import ChildOrder, NurseryOrder
from prsnl.engines.sandbox.sockets import (
    ChannelClosedError,
    receive_frame,
    send_frame,
)

#: What libraries read of the machine itself; nothing of any user is there.
_SYSTEM: Final = (
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/fonts",
    "/usr/share/fonts",
    "/usr/share/zoneinfo",
    "/usr/share/mime",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/sys/devices/system/cpu",
)
#: Where programs and their libraries are, for a profile that starts some.
PROGRAM_FOLDERS: Final = (
    "/usr/bin",
    "/bin",
    "/usr/lib",
    "/lib",
    "/lib64",
    "/usr/local/lib",
)
#: Between the soft limit, which says why, and the hard one, which no code can ignore.
_CPU_GRACE_S: Final = 5
#: The exit status of a child that has no room even to say so.
OUT_OF_MEMORY_STATUS: Final = 112
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

Operation = Callable[["Files", dict[str, Any]], Iterator[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Files:
    """The folders of one task."""

    inputs: Path
    outputs: Path


def readable_paths(nursery: NurseryOrder) -> list[Path]:
    """What a child may read beside its own files."""
    programs = PROGRAM_FOLDERS if nursery.programs else ()
    return [Path(path) for path in (*_SYSTEM, *nursery.readable, *programs)]


def serve(
    channel: socket.socket, nursery: NurseryOrder, order: ChildOrder, layers: Layers
) -> NoReturn:
    """Bind this process, say how, and work until the parent is gone."""
    try:
        layers = _bind(nursery, order, layers)
        send_frame(channel, {"kind": "hello", "layers": layers.to_wire()})
        files = Files(
            inputs=Path(order.scratch, "inputs"), outputs=Path(order.scratch, "outputs")
        )
        while True:
            asked = receive_frame(channel)
            _answer(channel, nursery.operations, files, asked, order.frame_bytes)
    except (ChannelClosedError, FrameError, OSError):
        os._exit(0)
    except MemoryError:
        os._exit(OUT_OF_MEMORY_STATUS)
    finally:
        os._exit(1)


def _bind(nursery: NurseryOrder, order: ChildOrder, layers: Layers) -> Layers:
    os.setsid()
    kernel.die_with_parent(signal.SIGKILL)
    temporary = str(Path(order.scratch, "temporary"))
    os.environ.update(TMPDIR=temporary, HOME=temporary)
    os.chdir(temporary)
    limited = _limit(order)
    _give_way(order.nice)
    abi, filtered = 0, False
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    with contextlib.suppress(OSError):
        kernel.forbid_new_privileges()
        if "landlock" not in nursery.without:
            abi = landlock.restrict(_rules(nursery, order))
        if "system_call_filter" not in nursery.without:
            filtered = syscall_filter.install(
                process_id=os.getpid(), programs=nursery.programs
            )
    return replace(
        layers, resource_limits=limited, landlock=abi, system_call_filter=filtered
    )


def _give_way(nice: int) -> None:
    """Leave the processor to who waits for an answer, by so much at least.

    Where Linux groups processes by session, niceness counts within a session alone,
    and a child has one to itself: then the session is told.
    """
    if not nice:
        return
    with contextlib.suppress(OSError):
        if (more := nice - os.getpriority(os.PRIO_PROCESS, 0)) > 0:
            os.nice(more)
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")


def _limit(order: ChildOrder) -> bool:
    limits = {
        resource.RLIMIT_AS: (order.memory_bytes, order.memory_bytes),
        resource.RLIMIT_CPU: (order.cpu_s, order.cpu_s + _CPU_GRACE_S),
        resource.RLIMIT_FSIZE: (order.disk_bytes, order.disk_bytes),
        resource.RLIMIT_NOFILE: (order.open_files, order.open_files),
        resource.RLIMIT_CORE: (0, 0),
    }
    stood = True
    for limit, values in limits.items():
        try:
            resource.setrlimit(limit, values)
        except (OSError, ValueError):
            stood = False
    return stood


def _rules(nursery: NurseryOrder, order: ChildOrder) -> list[tuple[Path, int]]:
    rules = [(path, landlock.READ) for path in readable_paths(nursery)]
    rules += [
        (Path("/proc/self", name), landlock.READ)
        for name in ("maps", "status", "statm", "cgroup")
    ]
    if nursery.programs:
        rules += [(Path(path), landlock.RUN) for path in PROGRAM_FOLDERS]
    scratch = Path(order.scratch)
    return [
        *rules,
        (Path(os.devnull), landlock.WRITE),
        (scratch / "inputs", landlock.READ),
        (scratch / "outputs", landlock.WRITE),
        (scratch / "temporary", landlock.WRITE),
    ]


def _answer(
    channel: socket.socket,
    operations: dict[str, str],
    files: Files,
    asked: dict[str, Any],
    frame_bytes: int,
) -> None:
    """Run one operation; every way it can end is one last frame."""
    try:
        operation = _operation(operations[asked["operation"]])
        for value in operation(files, asked["params"]):
            frame = {"kind": "frame", "value": value}
            send_frame(channel, frame, maximum=frame_bytes)
        last: dict[str, Any] = {"kind": "end"}
    except PrsnlError as error:
        last = {"kind": "error", "error": error.to_wire()}
    except FrameTooLargeError:
        last = {"kind": "error", "error": _too_large(frame_bytes).to_wire()}
    except MemoryError:
        last = {"kind": "memory"}
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is told)
        last = _told(error)
    used = kernel.resident_bytes(resource.getrusage(resource.RUSAGE_SELF))
    send_frame(channel, {**last, "peak_memory_bytes": used})


def _operation(target: str) -> Operation:
    module, _, function = target.partition(":")
    found: Operation = getattr(importlib.import_module(module), function)
    return found


def _too_large(frame_bytes: int) -> TooLargeError:
    return TooLargeError(
        "A part of the file holds more than one answer may carry "
        f"({frame_bytes // 2**20} MiB). Divide the file, and process its parts."
    )


def _told(error: BaseException) -> dict[str, Any]:
    """A foreign exception by its type alone: its message may hold the document."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return {"kind": "error", "error": DiskFullError("").to_wire()}
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return {"kind": "memory"}
    frames = "".join(traceback.format_tb(error.__traceback__))
    sys.stderr.write(f"{frames}{type(error).__name__}\n")
    sys.stderr.flush()
    return {"kind": "bug", "type": type(error).__name__}
