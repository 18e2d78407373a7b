"""A stack of PostgreSQL and Valkey for one measurement, gone after it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

from prsnl.core import schema
from prsnl.embedded.programs import installed_programs
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import ProcessSpec, Supervisor

BENCH = Path(__file__).parent
SOURCE = BENCH.parent / "src"


@dataclass(frozen=True)
class Scratch:
    """A running stack in a folder of its own.

    Attributes:
        folder: Holds all of it; removed at the end.
        urls: Where both servers are.
        supervisor: Runs them, and whatever is measured.
    """

    folder: Path
    urls: StackUrls
    supervisor: Supervisor

    def pids(self, *names: str) -> list[int]:
        """The processes of these names; a worker's is also that of its tree."""
        return [
            state.pid
            for state in self.supervisor.states()
            if state.name in names and state.pid is not None
        ]

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """What our processes need to know."""
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(SOURCE), str(BENCH)]),
            "PRSNL_DATA_DIR": str(self.folder),
            "PRSNL_DATABASE_URL": self.urls.database_url,
            "PRSNL_BROKER_URL": self.urls.broker_url,
            **(more or {}),
        }

    def spec(
        self,
        name: str,
        *module: str,
        nice: int = 0,
        more: Mapping[str, str] | None = None,
    ) -> ProcessSpec:
        """A process of ours: `python -m MODULE ARGUMENT...`."""
        return ProcessSpec(
            name=name,
            argv=(sys.executable, "-m", *module),
            env=self.environment(more),
            log=self.folder / "logs" / f"{name}.log",
            nice=nice,
        )

    def pgbench(self, script: Path, *options: str, seconds: int) -> str:
        """What PostgreSQL's own load says of a script that ran so long, with no error.

        Args:
            script: What each transaction does.
            options: How many do it, and how often.
            seconds: How long.
        """
        url = urlparse(self.urls.database_url)
        done = subprocess.run(
            [
                str(installed_programs().postgres.with_name("pgbench")),
                "--no-vacuum",
                "--protocol=prepared",
                *options,
                f"--time={seconds}",
                f"--file={script}",
                f"--host={url.hostname}",
                f"--port={url.port}",
                f"--username={url.username}",
                url.path.lstrip("/"),
            ],
            env={**os.environ, "PGPASSWORD": url.password or ""},
            capture_output=True,
            text=True,
            check=True,
            timeout=seconds + 60,
        )
        assert "number of failed transactions: 0" in done.stdout, done.stdout
        return done.stdout


@contextmanager
def scratch() -> Iterator[Scratch]:
    """A durable stack (fsync on) with the newest schema, as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="prsnl-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # as root the servers run as another user
        data_dir = folder / "data"
        with (
            Supervisor() as supervisor,
            supervisor.signals(),
            EmbeddedStack(data_dir, supervisor, what="prsnl bench") as urls,
        ):
            schema.migrate(urls.database_url)
            yield Scratch(data_dir, urls, supervisor)
