"""`./prsnl mcp`: the tools for a language model, on standard input or over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvicorn

from prsnl.client import Client
from prsnl.core.errors import BadRequestError
from prsnl.core.settings import Settings
from prsnl.mcp_server.access import KeyRequired
from prsnl.mcp_server.server import Connect, Tools, http_app
from prsnl.terminal import servers

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_GRACE_S: Final = 5


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was typed."""

    http_port: int | None = None
    host: str = "127.0.0.1"
    folders: Sequence[Path] = ()
    server: str | None = None


def main(wanted: Wanted) -> int:
    """Serve until the other side has gone, or Ctrl-C.

    Raises:
        BadRequestError: A folder is none, or is named where callers have no files here.
    """
    for folder in wanted.folders:
        if not folder.is_dir():
            raise BadRequestError(f"{folder} is no folder.")
    if wanted.http_port is None:
        tools = Tools(_local(wanted.server), is_remote=False, folders=wanted.folders)
        tools.server().run("stdio")
        return 0
    if wanted.folders:
        raise BadRequestError(
            "--files goes with standard input alone: who comes over HTTP sends the "
            "content."
        )
    _serve(wanted, wanted.http_port)
    return 0


def _serve(wanted: Wanted, port: int) -> None:
    settings = Settings.read()
    connect = _with_key(settings, wanted.server)
    names = [*_LOOPBACK, wanted.host]
    hosts = [f"{name}:{port}" for name in dict.fromkeys(names)]
    if settings.server.public_url:
        hosts.append(urlsplit(settings.server.public_url).netloc)
    app = http_app(Tools(connect, is_remote=True), hosts=hosts, host=wanted.host)
    sys.stderr.write(f"The tools are at http://{wanted.host}:{port}/mcp\n")
    uvicorn.Server(
        uvicorn.Config(
            KeyRequired(app, connect),
            host=wanted.host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
        )
    ).run()


def _local(server: str | None) -> Connect:
    """Reaches this machine's server with its user's own key, whenever it runs."""

    def connect(key: str | None) -> Client:
        del key
        return servers.required(Settings.read(), server)

    return connect


def _with_key(settings: Settings, server: str | None) -> Connect:
    """Reaches the server with the key of who asks, and no other."""

    def connect(key: str | None) -> Client:
        with servers.required(settings, server) as found:
            url = found.server
        return Client(url, key)

    return connect
