"""One look at everything that runs: processes, connections, tables."""

from __future__ import annotations

import re
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from prsnl.core.db import Db, connect
from soak_judge import Held, Sample

_KIB_A_MIB: Final = 1024
#: A server process of PostgreSQL says who it serves, from where, and what it does.
_BACKEND: Final = re.compile(r"^postgres: (?P<user>\S+) \S+ \S+\(\d+\)")
_SANDBOX: Final = "prsnl.engines.sandbox"
#: Each is the child of the one before.
_IN_SANDBOX: Final = ("launcher", "nursery", "child")
_ACTIVITY: Final = """
select coalesce(nullif(application_name, ''), backend_type) as who, count(*) as n
from pg_stat_activity where pid <> pg_backend_pid() group by 1
"""
_TABLES: Final = """
select relname as name, n_live_tup as live, n_dead_tup as dead,
       pg_total_relation_size(relid)::bigint as bytes
from pg_stat_user_tables
"""
#: How long tasks took that ended within the last so many seconds.
_ENDED: Final = """
select count(*) as ended,
       count(*) filter (where status in ('failure', 'dead')) as failed,
       coalesce(percentile_cont(0.5) within group (
           order by extract(epoch from finished_at - created_at)), 0)::float8 as p50_s,
       coalesce(percentile_cont(0.95) within group (
           order by extract(epoch from finished_at - created_at)), 0)::float8 as p95_s
from tasks where finished_at > now() - make_interval(secs => %s)
"""


@dataclass(frozen=True)
class Table:
    """One table of the database, as its statistics know it."""

    live: int
    dead: int
    bytes: int


@dataclass(frozen=True)
class Ended:
    """The tasks that ended lately."""

    ended: int
    failed: int
    p50_s: float
    p95_s: float


@dataclass
class Sampler:
    """Looks at one running service."""

    root: int
    database_url: str
    _connection: Db | None = None

    def look(self, began_at: float) -> Sample:
        """Everything, now."""
        at_s = time.monotonic() - began_at
        return Sample(at_s, self._processes(), self._connections())

    def tables(self) -> dict[str, Table]:
        """The tables that hold something."""
        rows = self._database().execute(_TABLES).fetchall()
        return {
            row["name"]: Table(row["live"], row["dead"], row["bytes"])
            for row in rows
            if row["live"] or row["dead"]
        }

    def ended(self, seconds: float) -> Ended:
        """The tasks that ended in the last so many seconds."""
        row = self._database().execute(_ENDED, [seconds]).fetchone()
        assert row is not None
        return Ended(**row)

    def database_mib(self) -> float:
        """The size of the database."""
        row = (
            self._database()
            .execute("select pg_database_size(current_database()) as n")
            .fetchone()
        )
        assert row is not None
        return float(row["n"]) / 2**20

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()

    def _database(self) -> Db:
        if self._connection is None or self._connection.closed:
            self._connection = connect(self.database_url)
            self._connection.execute("set application_name = 'bench soak'")
        return self._connection

    def _connections(self) -> dict[str, int]:
        rows: list[dict[str, Any]] = self._database().execute(_ACTIVITY).fetchall()
        return {row["who"]: row["n"] for row in rows}

    def _processes(self) -> dict[str, Held]:
        found: dict[str, Held] = {}
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.root)
            for process in (root, *root.children(recursive=True)):
                with suppress(OSError, psutil.Error):
                    found[_named(process)] = _held(process)
        return found


def _named(process: psutil.Process) -> str:
    words = process.cmdline()
    line = " ".join(words)
    if match := _BACKEND.match(line):
        return f"postgres for {match['user']} ({process.pid})"
    if line.startswith("postgres: "):
        name = line.split(maxsplit=1)[1]
        return f"postgres {name.strip()} ({process.pid})"
    if "prsnl" in words:
        told = words[words.index("prsnl") + 1 :]
        return f"prsnl {' '.join(told)} ({process.pid})"
    if _SANDBOX in words:
        depth = sum(_SANDBOX in each.cmdline() for each in process.parents())
        return f"sandbox {_IN_SANDBOX[min(depth, 2)]} ({process.pid})"
    return f"{Path(words[0]).name if words else process.name()} ({process.pid})"


def kind_of(who: str) -> str:
    """What a process is, without its number: workers of one queue are one kind."""
    return who.rpartition(" (")[0]


def _held(process: psutil.Process) -> Held:
    folder = Path("/proc", str(process.pid))
    status = _fields(folder / "status")
    return Held(
        own_mib=status.get("RssAnon", 0) / _KIB_A_MIB,
        pss_mib=_fields(folder / "smaps_rollup").get("Pss", 0) / _KIB_A_MIB,
        rss_mib=status.get("VmRSS", 0) / _KIB_A_MIB,
        files=sum(1 for _ in (folder / "fd").iterdir()),
        threads=status.get("Threads", 0),
    )


def _fields(path: Path) -> Counter[str]:
    told: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if words and words[0].isdecimal():
            told[name] = int(words[0])
    return told
