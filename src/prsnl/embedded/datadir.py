"""The data folder: who holds it, which ports and passwords belong to it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pwd
import secrets
import socket
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Self

from prsnl.core.errors import StartError
from prsnl.embedded.supervisor import RunAs

_LOCK: Final = "lock"
_PORTS: Final = "ports.json"
_SECRETS: Final = "secrets.json"
_SERVER_USERS: Final = ("prsnl", "nobody")
# Below Linux's range for outgoing connections (32768 and up): one of those cannot
# sit on a kept port by chance while we are away.
_PORT_RANGE: Final = (20_000, 32_000)
_PORT_TRIES: Final = 50


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Which process holds a data folder."""

    pid: int
    host: str
    #: What the user started, e.g. "prsnl up".
    what: str
    #: ISO 8601 with time zone.
    since: str

    @classmethod
    def of_this_process(cls, what: str) -> Self:
        """The entry that this process writes."""
        return cls(
            pid=os.getpid(),
            host=socket.gethostname(),
            what=what,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def sentence(self, data_dir: Path) -> str:
        """Who it is and what to do, for a second start."""
        since = datetime.fromisoformat(self.since).astimezone()
        today = datetime.now(UTC).astimezone().date()
        shape = "%H:%M" if since.date() == today else "%Y-%m-%d %H:%M"
        return (
            f"{data_dir} is in use by `{self.what}` (pid {self.pid} on {self.host}, "
            f"since {since.strftime(shape)}). Use it or wait for it, stop it with "
            "./prsnl down, or set PRSNL_DATA_DIR to another folder."
        )


class DataDir:
    """The folder of one embedded stack, locked while this object is open.

    As root the servers run as another user, who must be able to pass through this
    folder and all above it; modes are set on folders that we make, never on others.
    """

    def __init__(self, path: Path, *, what: str) -> None:
        self.path = path.expanduser().absolute()
        self._what = what
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        """Where every process of the stack writes its log."""
        return self.path / "logs"

    def open(self) -> None:
        """Make the folder if need be, and lock it.

        Raises:
            StartError: It is held by another process, cannot be written, or is full.
        """
        with told_as_start_error(self.path):
            _make_passable(self.path)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                os.close(lock)
                raise StartError(_held(self.path)) from error
            self._lock = lock
            entry = json.dumps(asdict(Holder.of_this_process(self._what)))
            os.ftruncate(lock, 0)
            os.pwrite(lock, entry.encode(), 0)
            self.logs.mkdir(mode=0o700, exist_ok=True)

    def close(self) -> None:
        """Let the folder go."""
        if self._lock is not None:
            with suppress(OSError):  # a full disk keeps the old entry: it is unlocked
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def password(self, server: str) -> str | None:
        """The kept password of a server; None if there is none."""
        with told_as_start_error(self.path):
            return _read(self.path / _SECRETS).get(server)

    def keep_password(self, server: str, password: str) -> None:
        """Keep the password of a server, readable by us alone."""
        self._keep(_SECRETS, server, password)

    def port(self, server: str) -> int:
        """The kept port of a server on loopback, or a new one if it is taken."""
        kept = self.kept_port(server)
        return kept if kept and is_port_free(kept) else self.new_port(server)

    def kept_port(self, server: str) -> int | None:
        """The kept port of a server, taken or not; None if there is none."""
        with told_as_start_error(self.path):
            kept = _read(self.path / _PORTS).get(server)
        return kept if isinstance(kept, int) else None

    def new_port(self, server: str) -> int:
        """Choose another port for a server, and keep it."""
        port = free_port()
        self._keep(_PORTS, server, port)
        return port

    def server_user(self, folder: Path) -> RunAs | None:
        """Whom a server runs as: None unless we are root.

        A folder that is there already stays with its owner; a new one goes to the
        user `prsnl` if there is one, else to `nobody`.

        Raises:
            StartError: We are root, and there is no other user.
        """
        if os.geteuid() != 0:
            return None
        with suppress(FileNotFoundError, KeyError):
            owner = folder.stat().st_uid
            if owner != 0:
                return _run_as(pwd.getpwuid(owner))
        for name in _SERVER_USERS:
            with suppress(KeyError):
                return _run_as(pwd.getpwnam(name))
        raise StartError(
            "PostgreSQL does not run as root, and this machine has neither a user "
            "`prsnl` nor `nobody`: add one with `useradd --system prsnl`."
        )

    def _keep(self, name: str, key: str, value: Any) -> None:
        with told_as_start_error(self.path):
            _write(self.path / name, _read(self.path / name) | {key: value})


def holder_of(data_dir: Path) -> Holder | None:
    """Who holds a data folder now; None if nobody does, or it cannot be told."""
    path = data_dir.expanduser().absolute() / _LOCK
    try:
        lock = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        with suppress(ValueError, TypeError):
            return Holder(**json.loads(path.read_bytes()))
    finally:
        os.close(lock)
    return None


def _held(data_dir: Path) -> str:
    holder = holder_of(data_dir)
    if holder is None:  # it has just come or gone
        return f"{data_dir} is in use by another start of PRSNL. Try again."
    return holder.sentence(data_dir)


def new_password() -> str:
    """A random password of letters that stand in a URL as they are."""
    return secrets.token_urlsafe(24)


def is_port_free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        # A closed server's connections linger for a minute; they are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    low, high = _PORT_RANGE
    for _ in range(_PORT_TRIES):
        port = low + secrets.randbelow(high - low)
        if is_port_free(port):
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def told_as_start_error(path: Path) -> Generator[None]:
    """Translate what the file system refuses into one sentence for the user.

    Raises:
        StartError: The disk is full, or the folder cannot be written.
    """
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise disk_full(path) from error
        raise StartError(
            f"{path} cannot be written ({error.strerror}). Make it yours, or set "
            "PRSNL_DATA_DIR to a folder that is."
        ) from error


def disk_full(path: Path) -> StartError:
    """The sentence for a disk without room."""
    return StartError(
        f"The disk that holds {path} is full: free some room (300 MB are enough to "
        "start), or set PRSNL_DATA_DIR to a folder on another disk."
    )


def impassable_folder(path: Path, user: RunAs) -> Path | None:
    """The first folder on the way to `path` that `user` may not enter, by its mode."""
    for folder in (*reversed(path.parents), path):
        status = folder.stat()
        if status.st_uid == user.uid:
            is_open = status.st_mode & stat.S_IXUSR
        elif status.st_gid == user.gid:
            is_open = status.st_mode & stat.S_IXGRP
        else:
            is_open = status.st_mode & stat.S_IXOTH
        if not is_open:
            return folder
    return None


def hand_over(path: Path, user: RunAs | None) -> None:
    """Give a file or folder of ours to the user that its server runs as."""
    if user is not None:
        os.chown(path, user.uid, user.gid)


def _run_as(entry: pwd.struct_passwd) -> RunAs:
    return RunAs(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def _make_passable(path: Path) -> None:
    """Make a folder and its parents: ours alone, as root also to pass through."""
    if path.is_dir():
        return
    _make_passable(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(0o711 if os.geteuid() == 0 else 0o700)


def _read(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StartError(
            f"{path} is damaged. Remove it: a new one is made at the next start."
        ) from error
    return dict(told)


def _write(path: Path, values: dict[str, Any]) -> None:
    """Replace a file whole, mode 0600: a crash leaves the old one or the new one."""
    new = path.with_name(path.name + ".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(values, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
