"""Brokers of others, and a look into any broker by its own protocol.

`PRSNL_TEST_BROKER` has the whole suite carried by one of them: `redis` or `rabbitmq`
starts the system's own program, an address is a server that runs already, and is
emptied.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from amqp import NotFound
from kombu.connection import Connection
from redis import Redis

from prsnl.embedded.datadir import free_port
from prsnl.work.broker import BROKER_ERRORS, MARKER
from prsnl.work.broker_kind import is_amqp
from prsnl.work.queues import QUEUES

#: Kept apart within one server.
PLACES: Final = 4
_PASSWORD: Final = "swordfish"
_STARTS_WITHIN_S: Final = 90.0
_RABBITS: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@dataclass(frozen=True)
class Message:
    """What lies in a queue."""

    headers: dict[str, Any]
    body: bytes
    raw: bytes


class Box(Protocol):
    """What a broker holds, seen and changed past our own code."""

    def messages(self, queue: str) -> list[Message]:
        """All, the next one first; they stay."""

    def take(self, queue: str, count: int = 1) -> None:
        """Take the next ones out."""

    def empty(self, queue: str) -> None:
        """Have one queue lose what it holds."""

    def forget(self) -> None:
        """Have the broker lose everything."""

    def close(self) -> None:
        """Hang up."""


@contextmanager
def box_at(url: str) -> Iterator[Box]:
    """A look into the broker of an address."""
    box = Crate(url) if is_amqp(url) else Lists(url)
    try:
        yield box
    finally:
        box.close()


class Lists:
    """A broker that speaks Redis's protocol."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(url)

    def messages(self, queue: str) -> list[Message]:
        """All, the next one first."""
        found = []
        for raw in reversed(self.redis.lrange(queue, 0, -1)):
            told = json.loads(raw)
            body = base64.b64decode(told["body"])
            found.append(Message(told["headers"], body, raw + body))
        return found

    def take(self, queue: str, count: int = 1) -> None:
        """Take the next ones out."""
        self.redis.rpop(queue, count)

    def empty(self, queue: str) -> None:
        """Have one queue lose what it holds."""
        self.redis.delete(queue)

    def forget(self) -> None:
        """Have the broker lose everything."""
        self.redis.flushdb()

    def close(self) -> None:
        """Hang up."""
        self.redis.close()


class Crate:
    """A broker that speaks AMQP."""

    def __init__(self, url: str) -> None:
        self.line = Connection(url, connect_timeout=3)

    def messages(self, queue: str) -> list[Message]:
        """All, the next one first: what is not acknowledged goes back to its place."""
        found: list[Message] = []
        with suppress(NotFound), self.line.channel() as channel:
            while message := channel.basic_get(queue):
                told = dict(message.properties)
                body = bytes(message.body, "utf-8")
                raw = json.dumps(told, default=str).encode() + body
                found.append(Message(told["application_headers"], body, raw))
        return found

    def take(self, queue: str, count: int = 1) -> None:
        """Take the next ones out."""
        with self.line.channel() as channel:
            for _ in range(count):
                channel.basic_get(queue, no_ack=True)

    def empty(self, queue: str) -> None:
        """Have one queue lose what it holds."""
        with self.line.channel() as channel:
            channel.queue_purge(queue)

    def forget(self) -> None:
        """Have the broker lose everything."""
        with self.line.channel() as channel:
            for name in (*(str(spec.queue) for spec in QUEUES), MARKER):
                channel.queue_delete(name)

    def close(self) -> None:
        """Hang up."""
        self.line.release()


@dataclass
class Server:
    """One broker of the system's, which can be killed and started again."""

    kind: str
    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of its first place."""
        return self.place(0)

    def place(self, number: int) -> str:
        """The address of one of its places."""
        scheme, user = {"redis": ("redis", ""), "rabbitmq": ("amqp", "prsnl")}[
            self.kind
        ]
        return f"{scheme}://{user}:{_PASSWORD}@127.0.0.1:{self.port}/{number}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv, env = _COMMANDS[self.kind](self)
        with (self.folder / "broker.log").open("ab") as output:
            self.process = subprocess.Popen(
                argv,
                stdout=output,
                stderr=output,
                env={**os.environ, **env},
                cwd=self.folder,
                start_new_session=True,
            )
        gives_up_at = time.monotonic() + _STARTS_WITHIN_S
        while not _answers(self.url):
            log = (self.folder / "broker.log").read_text(errors="replace")
            assert self.process.poll() is None, log[-2000:]
            assert time.monotonic() < gives_up_at, log[-2000:]
            time.sleep(0.1)

    def kill(self) -> None:
        """Kill -9 it, and all that it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def is_here(kind: str) -> bool:
    """Whether the system has this broker."""
    if kind == "rabbitmq":
        return _RABBITS.is_file() and shutil.which("epmd") is not None
    return shutil.which("redis-server") is not None


@contextmanager
def server(kind: str, folder: Path) -> Iterator[Server]:
    """A broker of the system's, running while the block does."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        made = Server(kind, folder)
        if kind == "rabbitmq":
            stack.enter_context(_names(folder))
        stack.callback(made.kill)
        made.start()
        yield made


@contextmanager
def wanted(folder: Path) -> Iterator[Sequence[str]]:
    """The places of the broker that `PRSNL_TEST_BROKER` names; none if it is ours."""
    named = os.environ.get("PRSNL_TEST_BROKER", "")
    if not named:
        yield ()
    elif "://" in named:
        yield (named,)
    else:
        with server(named, folder) as made:
            yield [made.place(number) for number in range(PLACES)]


def _answers(url: str) -> bool:
    try:
        if is_amqp(url):
            with Connection(url, connect_timeout=3) as line:
                line.connect()
        else:
            with Redis.from_url(url, socket_timeout=3) as redis:
                redis.ping()
    except BROKER_ERRORS:
        return False
    return True


def _redis(one: Server) -> tuple[list[str], dict[str, str]]:
    told = ["--port", str(one.port), "--bind", "127.0.0.1", "--requirepass", _PASSWORD]
    return ["redis-server", *told, "--save", "", "--appendonly", "no"], {}


def _rabbitmq(one: Server) -> tuple[list[str], dict[str, str]]:
    salt = b"salt"
    hashed = salt + hashlib.sha256(salt + _PASSWORD.encode()).digest()
    user = {
        "name": "prsnl",
        "password_hash": base64.b64encode(hashed).decode(),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": "",
    }
    places = [{"name": str(number)} for number in range(PLACES)]
    may = {"user": "prsnl", "configure": ".*", "write": ".*", "read": ".*"}
    may_all = [{**may, "vhost": place["name"]} for place in places]
    definitions = one.folder / "definitions.json"
    definitions.write_text(
        json.dumps({"users": [user], "vhosts": places, "permissions": may_all})
    )
    (one.folder / "rabbitmq.conf").write_text(
        f"load_definitions = {definitions}\nlog.console.level = warning\n"
        # Told after a minute of silence, not after half an hour: see the tests.
        "consumer_timeout = 5000\n"
    )
    told = {
        "HOME": str(one.folder),
        "ERL_EPMD_PORT": (one.folder / "epmd.port").read_text(),
        "RABBITMQ_NODENAME": f"prsnl-{one.port}@localhost",
        "RABBITMQ_NODE_PORT": str(one.port),
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(one.folder / "mnesia"),
        "RABBITMQ_LOG_BASE": str(one.folder / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(one.folder / "rabbitmq"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(one.folder / "plugins"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +S 1:1",
    }
    return [str(_RABBITS)], told


_COMMANDS: Final = {"redis": _redis, "rabbitmq": _rabbitmq}


@contextmanager
def _names(folder: Path) -> Iterator[None]:
    """The name server of Erlang, as a child of ours: by itself it stays for ever."""
    port = free_port()
    (folder / "epmd.port").write_text(str(port))
    argv = ["epmd", "-address", "127.0.0.1", "-port", str(port)]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as process:
        gives_up_at = time.monotonic() + _STARTS_WITHIN_S
        try:
            while not _listens(port):
                assert time.monotonic() < gives_up_at, "epmd did not start"
                time.sleep(0.05)
            yield
        finally:
            process.kill()


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
