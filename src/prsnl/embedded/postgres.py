"""The embedded PostgreSQL: made once, then run as a foreground child."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prsnl.core.errors import StartError
from prsnl.embedded.datadir import (
    hand_over,
    impassable_folder,
    told_as_start_error,
)
from prsnl.embedded.nameless import named
from prsnl.embedded.orphans import stop_orphan
from prsnl.embedded.programs import POSTGRES_MAJOR, no_programs
from prsnl.embedded.server import EmbeddedServer
from prsnl.embedded.supervisor import ProcessSpec

_USER: Final = "prsnl"
_DATABASE: Final = "prsnl"
_PROGRAM: Final = "postgres"
_ENVIRONMENT: Final = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
_ONE_SHOT_TIMEOUT_S: Final = 120
_FAST_STOP_S: Final = 30.0
_STEPS: Final = ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, 15.0))
# initdb puts its own path between double quotes and hands it to a shell.
_SHELL_LETTERS: Final = frozenset('"$`\\\n')
_STATUS_LINE: Final = 7  # of postmaster.pid, counted from 0

# For a machine that its user works on: modest memory, few processes, no wake-ups
# that idle work does not need.
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a socket's path has 107 bytes; folders have more
    "max_connections": "100",
    "shared_buffers": "64MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "io_method": "sync",  # saves three processes
    # Parallel plans need /dev/shm, of which a container has 64 MB.
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "min_wal_size": "48MB",
    "max_wal_size": "512MB",
    "password_encryption": "scram-sha-256",
    "idle_in_transaction_session_timeout": "60s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "lc_messages": "C",
}
_DURABLE: Final = {"fsync": "on", "synchronous_commit": "on"}
# Commits are still written at once: a killed server loses nothing.
_THROWAWAY: Final = {
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "off",
}


def database_url(port: int, password: str) -> str:
    """Where the embedded server listens, with the password."""
    return f"postgresql://{_USER}:{password}@127.0.0.1:{port}/{_DATABASE}"


def stop_orphan_postgres(folder: Path) -> bool:
    """Stop the server that a killed supervisor left on this folder, if there is one.

    It is asked to end fast, then at once; it is never killed.

    Raises:
        StartError: It does not end, or is not ours to stop.
    """
    return stop_orphan(folder / "postmaster.pid", program=_PROGRAM, steps=_STEPS)


@dataclass(frozen=True, kw_only=True)
class Postgres(EmbeddedServer):
    """One PostgreSQL server and its folder."""

    @property
    def url(self) -> str:
        """Where it listens, with the password."""
        return database_url(self.port, self.password)

    def prepare(self) -> None:
        """Make the data folder if there is none, and check the one that is there.

        Raises:
            StartError: The folder is of another major or damaged, the disk is full,
                or the server's user cannot reach it.
        """
        with told_as_start_error(self.folder):
            if not self.folder.exists():
                self._make()
        self._check_major()

    def _check_major(self) -> None:
        try:
            text = (self.folder / "PG_VERSION").read_text(encoding="ascii")
        except OSError as error:
            raise StartError(
                f"{self.folder} is no data folder of PostgreSQL ({error.strerror}: "
                "PG_VERSION): restore a backup, or set PRSNL_DATA_DIR."
            ) from error
        major = text.strip()
        if major != str(POSTGRES_MAJOR):
            raise StartError(
                f"{self.folder} was made by PostgreSQL {major}, and this is "
                f"{POSTGRES_MAJOR}: use the release of PRSNL that made it, or set "
                "PRSNL_DATA_DIR to another folder."
            )

    def adopt_password(self) -> None:
        """Write the password into a database whose old one is not known any more."""
        if self.folder.exists():
            self._check_major()
            self._single_user(f"alter role {_USER} password '{self.password}';")

    def spec(self) -> ProcessSpec:
        """How the supervisor runs it."""
        settings = _SETTINGS | (_DURABLE if self.is_durable else _THROWAWAY)
        options = tuple(f"--{name}={value}" for name, value in settings.items())
        return ProcessSpec(
            name="postgres",
            argv=(
                str(self.programs.postgres),
                "-D",
                str(self.folder),
                f"--port={self.port}",
                *options,
            ),
            env=_ENVIRONMENT,
            cwd=self.folder.parent,
            log=self.log,
            ready=self._is_ready,
            ready_timeout_s=120.0,  # a crash of the machine may need a recovery
            explain=self._failure,
            stop_signal=signal.SIGINT,
            stop_timeout_s=_FAST_STOP_S,
            last_signal=signal.SIGQUIT,
            run_as=self.run_as,
            level=0,
            is_tethered=False,
        )

    def _make(self) -> None:
        """Make the folder beside its place, and move it there when it is whole."""
        if odd := _SHELL_LETTERS.intersection(str(self.programs.initdb)):
            raise StartError(
                f"PostgreSQL cannot be set up from {self.programs.initdb.parent}: its "
                f"initdb does not bear {' '.join(sorted(odd))} in the folder's name. "
                "Rename the folder."
            )
        new = self.folder.with_name(self.folder.name + ".new")
        if new.exists():
            shutil.rmtree(new)
        new.mkdir(mode=0o700)
        hand_over(new, self.run_as)
        with self._password_file() as password_file:
            self._one_shot(
                str(self.programs.initdb),
                "--pgdata",
                str(new),
                "--username",
                _USER,
                "--pwfile",
                str(password_file),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                "--data-checksums",
                "--no-instructions",
                *(() if self.is_durable else ("--no-sync",)),
            )
        self._single_user(f"create database {_DATABASE};", folder=new)
        new.rename(self.folder)

    @contextmanager
    def _password_file(self) -> Generator[Path]:
        """The password where initdb can read it, and no argument list shows it."""
        path = self.folder.with_name(self.folder.name + ".password")
        path.unlink(missing_ok=True)
        path.touch(mode=0o600, exist_ok=False)
        hand_over(path, self.run_as)
        try:
            path.write_text(self.password, encoding="ascii")
            yield path
        finally:
            path.unlink()

    def _single_user(self, statement: str, *, folder: Path | None = None) -> None:
        """Run one statement without a server; it is on one line, and in no log."""
        self._one_shot(
            str(self.programs.postgres),
            "--single",
            "-D",
            str(folder or self.folder),
            *(() if self.is_durable else ("-F",)),
            "postgres",
            text=statement + "\n",
        )

    def _one_shot(self, *argv: str, text: str = "") -> None:
        try:
            with named() as more:
                done = subprocess.run(
                    argv,
                    input=text,
                    capture_output=True,
                    encoding="utf-8",
                    errors="replace",
                    env={**_ENVIRONMENT, **more},
                    cwd=self.folder.parent,
                    timeout=_ONE_SHOT_TIMEOUT_S,
                    check=False,
                    start_new_session=True,
                    user=self.run_as.uid if self.run_as else None,
                    group=self.run_as.gid if self.run_as else None,
                    extra_groups=[] if self.run_as else None,
                )
        except PermissionError as error:
            raise self._unreachable() from error
        except FileNotFoundError as error:  # also: no loader for its C library
            raise no_programs() from error
        except subprocess.TimeoutExpired as error:
            raise StartError(
                f"PostgreSQL took more than {_ONE_SHOT_TIMEOUT_S} s to make "
                f"{self.folder}: the disk is too slow, or not answering."
            ) from error
        output = done.stderr + done.stdout
        if done.returncode != 0 or "ERROR:" in output or "FATAL:" in output:
            raise self._failure(output) or StartError(
                f"PostgreSQL could not make {self.folder}: {_last_line(output)}"
            )

    def _unreachable(self) -> StartError:
        if self.run_as is not None:
            closed = impassable_folder(self.folder.parent, self.run_as)
            if closed is not None:
                return StartError(
                    f"The database runs as the user {self.run_as.name}, who may not "
                    f"enter {closed}: set PRSNL_DATA_DIR to a folder outside of it "
                    "(as root the default is /var/lib/prsnl)."
                )
        return StartError(
            f"The programs in {self.programs.postgres.parent} may not be run: the "
            "file system may be mounted noexec; set PRSNL_DATA_DIR to another one."
        )

    def _is_ready(self, pid: int) -> bool:
        try:
            text = (self.folder / "postmaster.pid").read_text(encoding="utf-8")
        except OSError:
            return False
        lines = text.splitlines()
        return (
            len(lines) > _STATUS_LINE
            and lines[0].strip() == str(pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def _failure(self, output: str) -> StartError | None:
        """What the server's own words mean for the user; None if they are new."""
        if full := self.disk_failure(output):
            return full
        if "could not bind" in output and "could not create any TCP" in output:
            return self.port_taken()
        if "has wrong ownership" in output:
            return StartError(
                f"{self.folder} belongs to another user: start PRSNL as that user, "
                "or set PRSNL_DATA_DIR."
            )
        if "has invalid permissions" in output:
            return StartError(
                f"PostgreSQL does not start, since others may enter {self.folder}: "
                f"run `chmod 700 {shlex.quote(str(self.folder))}`."
            )
        if "Permission denied" in output:
            return self._unreachable()
        return None


def _last_line(output: str) -> str:
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "it gave no reason"
