"""The parent's handle on a nursery: started once, asked for one child at a time."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from prsnl.core.errors import ChildCrashedError
from prsnl.engines.sandbox.frames import (
    HEADER_BYTES,
    Frame,
    FrameError,
    body_bytes,
    decode,
    encode,
)
from prsnl.engines.sandbox.layers import Layers
from prsnl.engines.sandbox.orders import ChildOrder, Ending, NurseryOrder

#: A nursery that does not obey for so long is killed, and all of it with it.
OBEDIENCE_S: Final = 2.0
_CONTROL_FRAME_BYTES: Final = 2**20
#: Whoever waits looks so often whether he still wants it.
_LOOK_S: Final = 0.5
_LOG_TAIL_BYTES: Final = 4096


class NurseryProcess:
    """A launcher and what it has forked; any thread may call `kill` and `close`."""

    def __init__(
        self,
        order: NurseryOrder,
        *,
        code_folders: Sequence[str],
        log: IO[bytes],
        start_timeout_s: float,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Start the process and wait until it has imported what it preloads.

        Args:
            order: What it is for.
            code_folders: Where it finds our modules and the libraries.
            log: Takes what it and its libraries print while they start.
            start_timeout_s: Seconds until a start has failed.
            check: Called while it starts; raises what ends the wait.

        Raises:
            ChildCrashedError: It did not start.
        """
        ours, theirs = socket.socketpair()
        self._control = ours
        self._received = b""
        self._is_stopped = False
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-sP",
                    "-m",
                    "prsnl.engines.sandbox",
                    str(theirs.fileno()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(code_folders),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        try:
            self._control.sendall(encode(order.to_wire()))
            told = self._receive(time.monotonic() + start_timeout_s, check)
            self.layers = Layers.from_wire(told["ready"])
            #: The user that its children run as, where that is not the pool's own.
            self.user_id = order.user_id if self.layers.identity == "separate" else None
        except (OSError, FrameError, KeyError) as error:
            self.close()
            raise ChildCrashedError(
                "A sandbox child could not start. Run `./prsnl doctor`."
            ) from error
        except BaseException:
            self.close()
            raise

    def start_child(self, order: ChildOrder, *, log: IO[bytes]) -> socket.socket:
        """Fork one child; the socket returned speaks with it, and does not block.

        Raises:
            ChildCrashedError: The nursery is gone.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._control, [b"\0"], [theirs.fileno(), log.fileno()])
                self._control.sendall(encode({"start": order.to_wire()}))
            except OSError as error:
                ours.close()
                raise ChildCrashedError("A sandbox child could not start.") from error
        ours.setblocking(False)
        return ours

    def kill_child(self) -> None:
        """Kill the child, if there is one, and all that it started."""
        with contextlib.suppress(OSError):
            self._control.sendall(b"\0" + encode({"kill": True}))

    def ending(self, *, timeout_s: float = OBEDIENCE_S) -> Ending | None:
        """How the child ended, once it is told to or has done so by itself.

        Returns:
            None if the nursery is gone or did not say so within `timeout_s` seconds.
        """
        try:
            told = self._receive(time.monotonic() + timeout_s)
            return Ending.from_wire(told["ended"])
        except (OSError, FrameError, KeyError, TypeError):
            return None

    @property
    def is_alive(self) -> bool:
        """Whether it can fork another child."""
        return not self._is_stopped and self._process.poll() is None

    def close(self) -> None:
        """Stop it, and give up what this side holds."""
        self.stop()
        self._control.close()

    def stop(self) -> None:
        """End it and all that it forked; returns when they are gone."""
        self._is_stopped = True
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(timeout=OBEDIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _receive(
        self, deadline: float, check: Callable[[], None] = lambda: None
    ) -> Frame:
        header = self._receive_bytes(HEADER_BYTES, deadline, check)
        length = body_bytes(header, maximum=_CONTROL_FRAME_BYTES)
        return decode(self._receive_bytes(length, deadline, check))

    def _receive_bytes(
        self, count: int, deadline: float, check: Callable[[], None]
    ) -> bytes:
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        while len(self._received) < count:
            left = max(deadline - time.monotonic(), 0)
            if not poll.poll(1000 * min(left, _LOOK_S)):
                if left <= _LOOK_S:
                    raise TimeoutError
                check()
                continue
            part = self._control.recv(_CONTROL_FRAME_BYTES)
            if not part:
                raise ConnectionResetError
            self._received += part
        data, self._received = self._received[:count], self._received[count:]
        return data


def _environment(code_folders: Sequence[str]) -> dict[str, str]:
    """Nothing of the worker's own: no key, no address, no name of a user."""
    return {
        "PYTHONPATH": os.pathsep.join(code_folders),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "OMP_THREAD_LIMIT": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "RAYON_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "MALLOC_ARENA_MAX": "2",
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
    }


def log_tail(log: IO[bytes]) -> str:
    """The last lines that a child or its libraries printed."""
    size = os.fstat(log.fileno()).st_size
    data = os.pread(log.fileno(), _LOG_TAIL_BYTES, max(size - _LOG_TAIL_BYTES, 0))
    return data.decode("utf-8", errors="replace")


def code_folders(extra: Sequence[Path]) -> list[str]:
    """Where a child finds our package, `extra`, and the installed libraries."""
    source = Path(__file__).parents[3]
    installed = [
        entry
        for entry in sys.path
        if Path(entry).name in {"site-packages", "dist-packages"}
    ]
    return list(dict.fromkeys([str(source), *map(str, extra), *installed]))


def readable_folders(extra: Sequence[Path], models: Sequence[Path]) -> list[str]:
    """What a child may read beside the system's libraries.

    Of the folder that holds our source, our package alone: an installation may lie
    in a folder that holds other things.
    """
    standard = Path(os.__file__).parent
    package = Path(__file__).parents[2]
    shared = sorted(Path(sys.base_prefix, "lib").glob("libpython*"))
    installed = code_folders(())[1:]
    every: list[Any] = [standard, package, *shared, *installed, *extra, *models]
    named = [Path(path).absolute() for path in every]
    return list(
        dict.fromkeys(str(way) for path in named for way in (path, path.resolve()))
    )
