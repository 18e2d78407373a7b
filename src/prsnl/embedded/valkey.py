"""The embedded Valkey: the broker, run as a foreground child."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from prsnl.core.errors import StartError
from prsnl.embedded.datadir import hand_over, told_as_start_error
from prsnl.embedded.orphans import stop_orphan
from prsnl.embedded.server import EmbeddedServer
from prsnl.embedded.supervisor import ProcessSpec

_log = structlog.get_logger(__name__)

_PROGRAM: Final = "valkey-server"
_CONFIG: Final = "valkey.conf"
_PID_FILE: Final = "valkey.pid"
_APPEND_ONLY: Final = "appendonlydir"
_STOP_S: Final = 10.0
_STEPS: Final = ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, 5.0))
_PROBE_TIMEOUT_S: Final = 0.2

# Paths are relative to the server's folder, in which it is started.
_SETTINGS: Final = {
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "daemonize": "no",
    "pidfile": _PID_FILE,
    "dir": "./",
    "logfile": '""',
    "databases": "4",
    "save": '""',
    "appendonly": "yes",
    "appenddirname": _APPEND_ONLY,
    "auto-aof-rewrite-min-size": "16mb",
    # Ten timer ticks a second would be a fifth of our whole idle budget.
    "hz": "2",
    "dynamic-hz": "no",
    "enable-debug-command": "no",
    "enable-module-command": "no",
}


def stop_orphan_valkey(folder: Path) -> bool:
    """Stop the server that a killed supervisor left on this folder, if there is one.

    Raises:
        StartError: It does not end, or is not ours to stop.
    """
    return stop_orphan(folder / _PID_FILE, program=_PROGRAM, steps=_STEPS)


@dataclass(frozen=True, kw_only=True)
class Valkey(EmbeddedServer):
    """One Valkey server and its folder."""

    @property
    def url(self) -> str:
        """Where it listens, with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration, which the server alone may read.

        Raises:
            StartError: The folder cannot be written, or the disk is full.
        """
        with told_as_start_error(self.folder):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            hand_over(self.folder, self.run_as)
            settings = _SETTINGS | {
                "port": str(self.port),
                "requirepass": self.password,
                "appendfsync": "everysec" if self.is_durable else "no",
            }
            text = "".join(f"{name} {value}\n" for name, value in settings.items())
            config = self.folder / _CONFIG
            config.unlink(missing_ok=True)
            descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
            hand_over(config, self.run_as)

    def adopt_password(self) -> None:
        """Nothing to do: Valkey reads its password at every start."""

    def spec(self) -> ProcessSpec:
        """How the supervisor runs it."""
        return ProcessSpec(
            name="valkey",
            argv=(str(self.programs.valkey), _CONFIG),
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
            cwd=self.folder,
            log=self.log,
            ready=self._is_ready,
            explain=self._explain,
            stop_timeout_s=_STOP_S,
            run_as=self.run_as,
            level=0,
            is_tethered=False,
        )

    def _is_ready(self, _pid: int) -> bool:
        """Whether it answers to our password: somebody else's server would not."""
        try:
            with socket.create_connection(
                ("127.0.0.1", self.port), timeout=_PROBE_TIMEOUT_S
            ) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\n") < 2 and (part := connection.recv(256)):  # noqa: PLR2004 - two commands
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def _explain(self, output: str) -> StartError | None:
        if full := self.disk_failure(output):
            return full
        if "Address already in use" in output:
            return self.port_taken()
        if "Bad file format reading the append only file" in output:
            self._put_log_aside()
        return None

    def _put_log_aside(self) -> None:
        """Start empty next time: messages are hints, which are sent again."""
        aside = self.folder / f"{_APPEND_ONLY}.damaged"
        with suppress(OSError):  # told by the next start, which fails again
            shutil.rmtree(aside, ignore_errors=True)
            (self.folder / _APPEND_ONLY).rename(aside)
        _log.warning("valkey.put_aside", folder=str(aside))
