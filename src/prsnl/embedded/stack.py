"""The embedded stack as one thing: the data folder held, both servers running."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from prsnl.embedded.datadir import DataDir, new_password
from prsnl.embedded.postgres import (
    Postgres,
    database_url,
    stop_orphan_postgres,
)
from prsnl.embedded.programs import copied_programs, installed_programs
from prsnl.embedded.server import PortTakenError
from prsnl.embedded.supervisor import Supervisor
from prsnl.embedded.valkey import Valkey, stop_orphan_valkey

_POSTGRES: Final = "postgresql"
_VALKEY: Final = "valkey"
_PORT_TRIES: Final = 4

Server = TypeVar("Server", Postgres, Valkey)


@dataclass(frozen=True, kw_only=True)
class StackUrls:
    """How the rest of the product reaches the two servers; both hold passwords."""

    #: `postgresql://user:password@127.0.0.1:port/prsnl`
    database_url: str
    #: `redis://:password@127.0.0.1:port/0`
    broker_url: str


class EmbeddedStack:
    """PostgreSQL and Valkey of one data folder, run by the given supervisor.

    Use it as a context manager, or `start` and `stop`. Stopping it stops *every*
    process of the supervisor, the servers last, and then lets the data folder go.
    """

    def __init__(
        self,
        data_dir: Path,
        supervisor: Supervisor,
        *,
        what: str = "prsnl",
        is_durable: bool = True,
    ) -> None:
        """Nothing is touched before `start`.

        Args:
            data_dir: Holds everything of the stack; made if need be.
            supervisor: Runs the servers.
            what: The command that the user gave, for whoever finds the folder held.
            is_durable: False in tests, for speed: no fsync.
        """
        self._data_dir = DataDir(data_dir, what=what)
        self._supervisor = supervisor
        self._is_durable = is_durable

    def __enter__(self) -> StackUrls:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> StackUrls:
        """Hold the data folder and start both servers; a first start makes them.

        An orphan server of a killed start is stopped first.

        Raises:
            StartError: One sentence that says what is in the way and what to do.
        """
        self._data_dir.open()
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all processes of the supervisor and let the data folder go."""
        try:
            self._supervisor.stop()
        finally:
            self._data_dir.close()

    def _start(self) -> StackUrls:
        folder = self._data_dir.path / _POSTGRES
        stop_orphans(self._data_dir.path)
        run_as = self._data_dir.server_user(folder)
        programs = installed_programs()
        if run_as is not None:
            programs = copied_programs(programs, self._data_dir.path / "programs")

        def postgres(port: int, password: str) -> Postgres:
            return Postgres(
                programs=programs,
                folder=folder,
                log=self._data_dir.logs / "postgres.log",
                port=port,
                password=password,
                run_as=run_as,
                is_durable=self._is_durable,
            )

        def valkey(port: int, password: str) -> Valkey:
            return Valkey(
                programs=programs,
                folder=self._data_dir.path / _VALKEY,
                log=self._data_dir.logs / "valkey.log",
                port=port,
                password=password,
                run_as=run_as,
                is_durable=self._is_durable,
            )

        return StackUrls(
            database_url=self._run(_POSTGRES, postgres).url,
            broker_url=self._run(_VALKEY, valkey).url,
        )

    def _run(self, name: str, make: Callable[[int, str], Server]) -> Server:
        """Start one server; when somebody takes its port meanwhile, on another."""
        port = self._data_dir.port(name)
        password = self._data_dir.password(name)
        if password is None:
            password = new_password()
            make(port, password).adopt_password()
            self._data_dir.keep_password(name, password)
        for _ in range(_PORT_TRIES):
            server = make(port, password)
            server.prepare()
            try:
                self._supervisor.start(server.spec())
            except PortTakenError:
                port = self._data_dir.new_port(name)
            else:
                return server
        raise PortTakenError(f"No free port was found for {name} on 127.0.0.1.")


def kept_database_url(data_dir: Path) -> str | None:
    """Where the database of a data folder listens while its stack runs."""
    folder = DataDir(data_dir, what="")
    port, password = folder.kept_port(_POSTGRES), folder.password(_POSTGRES)
    if port is None or password is None:
        return None
    return database_url(port, password)


def stop_orphans(data_dir: Path) -> bool:
    """Stop servers that a killed supervisor left behind; nothing else may hold them.

    Returns:
        Whether there were any.

    Raises:
        StartError: One does not end, or is not ours to stop.
    """
    found = (
        stop_orphan_postgres(data_dir / _POSTGRES),
        stop_orphan_valkey(data_dir / _VALKEY),
    )
    return any(found)
