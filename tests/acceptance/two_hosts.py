"""Two hosts without a shared disk; run by itself, this program is host A.

A has the database, the broker, the bucket, the API and a scheduler; B has workers, and
a folder of its own. Where the system lets us, each has a network of its own with a
cable between, and B cannot see A's disk; else B reaches A by proxies that can fall
silent. What comes of it is told as one JSON object.

    python -m tests.acceptance.two_hosts FOLDER [--rounds N] [--network]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Protocol, Self
from uuid import UUID

from prsnl.client import Client
from prsnl.core import schema
from prsnl.core.db import Database
from prsnl.embedded.stack import EmbeddedStack
from prsnl.embedded.supervisor import Supervisor
from prsnl.proving import papers
from prsnl.proving.audit import audit
from prsnl.proving.load import PutIn
from prsnl.proving.specs import COUNT, Count
from tests.acceptance.staff import Staff, staff, wait_until
from tests.acceptance.test_service import serving
from tests.fakes.proxy import Proxy, proxied
from tests.fakes.s3_server import make_bucket, s3_server

LEASE_S: Final = 3.0
_SOURCE: Final = Path(__file__).parents[2]
_AWAY_S: Final = 1.6 * LEASE_S
_B_ADDRESS: Final = "10.77.0.9"
#: Each server of A has an address, so that B can lose one of them alone.
_ADDRESSES: Final = {
    "database": "10.77.0.1",
    "broker": "10.77.0.2",
    "bucket": "10.77.0.3",
}
_SPACES: Final = ("--net", "--mount", "--uts")
_APART: Final = ("unshare", *_SPACES)


class Network(Protocol):
    """What is between A and B."""

    def address(self, server: str) -> str:
        """Where B finds a server of A."""

    def lose(self, server: str) -> None:
        """Let no answer of a server reach B any more, and tell nobody."""

    def find(self, server: str) -> None:
        """Let answers through again."""

    def command(self, argv: Sequence[str]) -> list[str]:
        """What starts a program on B."""


@dataclass
class Cable:
    """Two network namespaces and a cable; this process is in A's."""

    hidden: Path
    holder: subprocess.Popen[bytes] = field(init=False)

    def __enter__(self) -> Self:
        """Lay the cable. B has a name and mounts of its own, and sees no file of A."""
        self.holder = subprocess.Popen(
            [*_APART, "setpriv", "--pdeathsig", "KILL", "sleep", "infinity"]
        )
        there, ours = (
            Path(f"/proc/{process}/ns/uts") for process in (self.holder.pid, "self")
        )
        wait_until(lambda: there.stat().st_ino != ours.stat().st_ino)
        _run("ip link set lo up")
        _run("ip link add to-b type veth peer name to-a")
        _run(f"ip link set to-a netns {self.holder.pid}")
        for address in _ADDRESSES.values():
            _run(f"ip address add {address}/24 dev to-b")
        _run("ip link set to-b up")
        for line in (
            "ip link set lo up",
            f"ip address add {_B_ADDRESS}/24 dev to-a",
            "ip link set to-a up",
            "hostname host-b",
            f"mount -t tmpfs none {self.hidden}",
        ):
            _run(*self.command(line.split()))
        return self

    def __exit__(self, *_: object) -> None:
        """B ends with whoever held it."""
        self.holder.kill()
        self.holder.wait()

    def address(self, server: str) -> str:
        """Where B finds a server of A."""
        return _ADDRESSES[server]

    def lose(self, server: str) -> None:
        """Drop what goes from a server to B."""
        _run(f"ip rule add from {_ADDRESSES[server]} to {_B_ADDRESS} blackhole")

    def find(self, server: str) -> None:
        """Drop it no more."""
        _run(f"ip rule del from {_ADDRESSES[server]} to {_B_ADDRESS} blackhole")

    def command(self, argv: Sequence[str]) -> list[str]:
        """What starts a program on B."""
        return ["nsenter", "--target", str(self.holder.pid), *_SPACES, "--", *argv]


@dataclass
class Loopback:
    """One network, and proxies that fall silent."""

    proxies: dict[str, Proxy] = field(default_factory=dict)

    def address(self, _server: str) -> str:
        """Where B finds a server of A."""
        return "127.0.0.1"

    def lose(self, server: str) -> None:
        """Pass nothing on."""
        self.proxies[server].freeze()

    def find(self, server: str) -> None:
        """Pass on what has gathered."""
        self.proxies[server].thaw()

    def command(self, argv: Sequence[str]) -> list[str]:
        """What starts a program on B."""
        return list(argv)


@dataclass
class Hosts:
    """Both of them at work."""

    network: Network
    crew: Staff
    client: Client
    ids: list[UUID] = field(default_factory=list)
    put_in: list[PutIn] = field(default_factory=list)
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311

    def hire_on_b(self, environment: Mapping[str, str], log: Path) -> None:
        """Start a worker on B, as `./prsnl worker` is, with tasks that count."""
        argv = [sys.executable, "-m", "prsnl.proving.worker", "file_processing"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                self.network.command(argv),
                env=dict(environment),
                stdout=output,
                stderr=output,
            )
        self.crew.hired.append(process)

    def load(self) -> None:
        """Tasks that count, and a document that comes in on A."""
        commands = [Count(stages=4, work_ms=80) for _ in range(6)]
        self.ids += self.crew.submit(COUNT, *commands)
        made = papers.paper(self.random, f"K{len(self.put_in)}")
        path = self.crew.folder / made.name
        path.write_bytes(made.content)
        told = self.client.upload(path)
        assert told.task is not None
        self.ids.append(told.task.task_id)
        one = PutIn(made, "owner", told.item_id, told.attachment.id)
        self.put_in.append(one)

    def ended(self) -> int:
        """How many tasks have succeeded."""
        return len(self.crew.all("select 1 from tasks where status = 'success'"))

    def without(self, server: str) -> float:
        """Lose a server in the middle of work; tell how long B then needs to go on."""
        before = self.ended()
        self.crew.until(lambda: self.ended() > before)
        self.network.lose(server)
        time.sleep(_AWAY_S)
        self.load()
        at = self.ended()
        self.network.find(server)
        return self.crew.until(lambda: self.ended() > at)

    def settle(self) -> None:
        """Wait for the end of everything."""
        self.crew.until(
            lambda: (
                not self.crew.all(
                    "select 1 from tasks where status not in "
                    "('success', 'failure', 'dead', 'revoked')"
                )
            ),
            timeout_s=120,
        )


@contextmanager
def hosts(folder: Path, network: Network, *, workers: int) -> Iterator[Hosts]:
    """Both hosts, with their servers, as long as the block runs."""
    here, there = folder / "a", folder / "b"
    with ExitStack() as stack:
        enter = stack.enter_context
        supervisor = enter(Supervisor())
        urls = enter(EmbeddedStack(here / "data", supervisor, is_durable=False))
        schema.migrate(urls.database_url)
        bucket = enter(s3_server(folder / "s3.log"))
        make_bucket(bucket, "prsnl")
        seen = {}
        for name, url in (
            ("database", urls.database_url),
            ("broker", urls.broker_url),
            ("bucket", bucket),
        ):
            proxy, seen[name] = enter(proxied(url, at=network.address(name)))
            if isinstance(network, Loopback):
                network.proxies[name] = proxy
        a = _environment(here / "data", urls.database_url, urls.broker_url, bucket)
        b = _environment(there, seen["database"], seen["broker"], seen["bucket"])
        database = enter(Database.open(urls.database_url, size=4, name="a"))
        crew = enter(staff(database, a, folder / "logs"))
        crew.hire("scheduler")
        client = enter(serving(a, folder / "logs" / "api.log"))
        made = Hosts(network, crew, client)
        for number in range(workers):
            made.hire_on_b(b, folder / "logs" / f"worker-{number}.log")
        crew.until(lambda: len(crew.all(_WORKERS)) == workers)
        yield made


_FAILURES: Final = """
select name, status, error_code, error_message, retries, crashes, claim_no, current
from tasks where status in ('failure', 'dead', 'revoked')
"""
_WORKERS: Final = "select host from workers where kind = 'worker'"


def _environment(
    folder: Path, database_url: str, broker_url: str, bucket_url: str
) -> dict[str, str]:
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith("PRSNL_")},
        "PYTHONPATH": os.pathsep.join([str(_SOURCE / "src"), str(_SOURCE)]),
        "PRSNL_DATA_DIR": str(folder),
        "PRSNL_DATABASE_URL": database_url,
        "PRSNL_BROKER_URL": broker_url,
        "PRSNL_STORAGE_URL": "s3://prsnl/shared",
        "AWS_ENDPOINT_URL": bucket_url,
        "AWS_ACCESS_KEY_ID": "one",
        "AWS_SECRET_ACCESS_KEY": "two",
        "AWS_REGION": "us-east-1",
        "PRSNL_LEASE_S": str(LEASE_S),
        "PRSNL_RETRY_WAITS_SCALE": "0.01",
    }


def _run(*command: str) -> None:
    argv = command if len(command) > 1 else command[0].split()
    subprocess.run(argv, check=True)


def main(arguments: Sequence[str]) -> int:
    """Lose each server in turn while both hosts work; tell what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--network", action="store_true", help="in a namespace of A")
    wanted = parser.parse_args(arguments)
    (wanted.folder / "a").mkdir(mode=0o711)
    (wanted.folder / "b").mkdir()
    with ExitStack() as stack:
        network: Network = (
            stack.enter_context(Cable(wanted.folder / "a"))
            if wanted.network
            else Loopback()
        )
        both = stack.enter_context(
            hosts(wanted.folder, network, workers=wanted.workers)
        )
        print(json.dumps(_told(both, wanted.rounds)))
    return 0


def _told(both: Hosts, rounds: int) -> dict[str, object]:
    back_s: dict[str, list[float]] = {"broker": [], "database": []}
    for _ in range(rounds):
        for server, times in back_s.items():
            both.load()
            times.append(round(both.without(server), 2))
    both.settle()
    with both.crew.database.connection() as connection:
        books = asdict(audit(connection, both.ids, both.put_in))
    return {
        "audit": books,
        "failures": [
            {name: str(value) for name, value in row.items()}
            for row in both.crew.all(_FAILURES)
        ],
        "worked_on": sorted({row["host"] for row in both.crew.all(_WORKERS)}),
        "back_s": back_s,
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
