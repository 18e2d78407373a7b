"""Whether the database or the broker lets anybody in: then we do not start."""

from __future__ import annotations

import socket
import ssl
from typing import Final
from urllib.parse import urlsplit

import psycopg
import structlog

from prsnl.core.db import LOST, Db, connect
from prsnl.core.errors import StartError
from prsnl.work.broker_kind import is_amqp

_TIMEOUT_S: Final = 3.0
_BROKER_PORT: Final = 6379
#: From here on a server tells how it knows its user: `system_user`.
_TELLS_ITS_USER: Final = 160_000
_ALL_THE_SAME: Final = (
    "--insecure (or PRSNL_INSECURE=true) starts all the same, for a network where "
    "everybody may read and change everything."
)

log = structlog.get_logger()


def check(database_url: str, broker_url: str, *, is_insecure: bool) -> tuple[str, ...]:
    """Look whether both ask who we are; tell what `--insecure` lets pass.

    One that does not answer is no finding: whoever needs it says so.

    Raises:
        StartError: One lets anybody in, and nobody said that it may.
    """
    found = [
        sentence
        for is_open, sentence in (
            (database_is_open(database_url), _database_sentence(database_url)),
            (broker_is_open(broker_url), _broker_sentence(broker_url)),
        )
        if is_open
    ]
    if found and not is_insecure:
        raise StartError(f"{' '.join(found)} {_ALL_THE_SAME}")
    told = tuple(f"Started with --insecure: {sentence}" for sentence in found)
    for sentence in told:
        log.warning("start.insecure", reason=sentence)
    return told


def database_is_open(url: str) -> bool:
    """Whether a database took us without a proof of who we are."""
    try:
        with connect(url) as connection:
            return not _has_proved_itself(connection)
    except (*LOST, psycopg.Error):
        return False


def _has_proved_itself(connection: Db) -> bool:
    line = connection.pgconn
    # Behind a socket of this machine stand its file's permissions.
    if line.used_password or connection.info.host.startswith("/"):
        return True
    if connection.info.server_version < _TELLS_ITS_USER:
        return line.used_gssapi
    row = connection.execute("select system_user as known_by").fetchone()
    return row is not None and row["known_by"] is not None


def broker_is_open(url: str) -> bool:
    """Whether a broker answers somebody who says nothing about himself."""
    if is_amqp(url):
        # Of our own broker nothing is asked: the supervisor needs no client of any.
        from prsnl.work.broker import lets_guests_in  # noqa: PLC0415

        return lets_guests_in(url)
    parts = urlsplit(url)
    if parts.hostname is None:
        return False
    address = (parts.hostname, parts.port or _BROKER_PORT)
    try:
        with socket.create_connection(address, timeout=_TIMEOUT_S) as line:
            if parts.scheme == "redis":
                return _answers(line)
            with _unchecked().wrap_socket(
                line, server_hostname=parts.hostname
            ) as secured:
                return _answers(secured)
    except OSError:
        return False


def _answers(line: socket.socket) -> bool:
    line.sendall(b"PING\r\n")
    return line.recv(64).startswith(b"+PONG")


def _unchecked() -> ssl.SSLContext:
    """For a question that tells nothing, whoever it is that answers."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _database_sentence(url: str) -> str:
    return (
        f"The database of PRSNL_DATABASE_URL on {_host(url)} lets anybody in without a "
        "password: have it ask for one (in its pg_hba.conf `scram-sha-256` in the "
        "place of `trust`), and give it in the address."
    )


def _broker_sentence(url: str) -> str:
    if is_amqp(url):
        return (
            f"The broker of PRSNL_BROKER_URL on {_host(url)} lets anybody in as "
            "`guest`: delete that user (`rabbitmqctl delete_user guest`), and make "
            "one of your own."
        )
    return (
        f"The broker of PRSNL_BROKER_URL on {_host(url)} lets anybody in without a "
        "password: have it ask for one (`requirepass`), and give it in the address."
    )


def _host(url: str) -> str:
    return urlsplit(url).hostname or "this machine"
