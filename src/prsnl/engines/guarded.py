"""An HTTP client that connects only as far as the permit of its thread goes.

Whoever asks a provider uses it: the SDK takes it as `http_client`. The address that is
really connected to is looked at, not the name, so that a name that comes to stand for
another machine sends nothing there.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import Any, Final
from urllib.request import getproxies, proxy_bypass

import httpcore2
import httpx2

from prsnl.engines.permit import Permit, held
from prsnl.engines.reach import Reach, of_address, resolved

_CONNECT_S: Final = 5.0
_KEPT: Final = httpx2.Limits(max_connections=8, max_keepalive_connections=2)


def client(*, timeout_s: float, uds: str | None = None) -> httpx2.Client:
    """A client for any number of threads.

    It follows no redirect: the receipt names the host that was asked. A proxy of the
    environment carries what goes to the cloud, and nothing else.

    Args:
        timeout_s: For one read or write; connecting has five seconds at most.
        uds: A Unix socket to connect to in any case.
    """
    return httpx2.Client(
        transport=_PerThread(uds),
        timeout=httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s)),
        follow_redirects=False,
        trust_env=False,
    )


class _PerThread(httpx2.BaseTransport):
    """Connections of each thread's own, so that one can be cut without the others."""

    def __init__(self, uds: str | None) -> None:
        self._uds = uds
        self._own = threading.local()
        self._all: list[httpx2.BaseTransport] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        permit = held()
        transport, guard = self._for(permit.reach, _proxy_for(request.url, permit))
        permit.cut_by(guard.cut)
        return transport.handle_request(request)

    def _for(
        self, reach: Reach, proxy: str | None
    ) -> tuple[httpx2.HTTPTransport, _Guard]:
        """This thread's own. By reach: a kept connection may go farther than asked."""
        kept: dict[tuple[Reach, str | None], tuple[httpx2.HTTPTransport, _Guard]]
        kept = vars(self._own).setdefault("kept", {})
        if (reach, proxy) not in kept:
            transport = httpx2.HTTPTransport(
                verify=_trusted(), limits=_KEPT, proxy=proxy, uds=self._uds
            )
            guard = _Guard()
            # There is no public way to choose what connects.
            transport._pool._network_backend = guard  # noqa: SLF001
            kept[reach, proxy] = transport, guard
            self._all.append(transport)
        return kept[reach, proxy]

    def close(self) -> None:
        for transport in self._all:
            transport.close()


@cache
def _trusted() -> ssl.SSLContext:
    return httpx2.create_ssl_context()


def _proxy_for(url: httpx2.URL, permit: Permit) -> str | None:
    if permit.reach is not Reach.CLOUD or proxy_bypass(url.host):
        return None
    return getproxies().get(url.scheme)


class _Guard(httpcore2.NetworkBackend):
    """Connects one thread's client, and cuts its connections."""

    def __init__(self) -> None:
        self._real = httpcore2.SyncBackend()
        self._open: list[httpcore2.NetworkStream] = []

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        permit = held()
        try:
            addresses = resolved(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        failed: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in addresses:
            reach = of_address(address, host=host, local_hosts=permit.local_hosts)
            permit.require(reach, host)
            try:
                stream = self._real.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failed = error
            else:
                return self._watched(stream, permit)
        raise failed

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        stream = self._real.connect_unix_socket(path, timeout, socket_options)
        return self._watched(stream, held())

    def _watched(
        self, stream: httpcore2.NetworkStream, permit: Permit
    ) -> httpcore2.NetworkStream:
        watched = _Watched(stream, self._open)
        if permit.is_called_back:
            watched.cut()
        return watched

    def cut(self) -> None:
        """End whatever this thread's connections are doing."""
        for stream in list(self._open):
            assert isinstance(stream, _Watched)
            stream.cut()


class _Watched(httpcore2.NetworkStream):
    """A connection that another thread may cut."""

    def __init__(
        self, real: httpcore2.NetworkStream, among: list[httpcore2.NetworkStream]
    ) -> None:
        self._real = real
        self._among = among
        #: What is closed may be another's connection a moment later.
        self._closing = threading.Lock()
        among.append(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._real.read(max_bytes, timeout)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._real.write(buffer, timeout)

    def close(self) -> None:
        with suppress(ValueError):
            self._among.remove(self)
        with self._closing:
            self._real.close()

    def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        self._real = self._real.start_tls(ssl_context, server_hostname, timeout)
        return self

    def get_extra_info(self, info: str) -> Any:
        return self._real.get_extra_info(info)

    def cut(self) -> None:
        """Shut the connection, which wakes whoever reads from it.

        By a descriptor of its own: the reader's, and its TLS, stay as they are.
        """
        with self._closing, suppress(OSError, ValueError):
            descriptor = os.dup(self._real.get_extra_info("socket").fileno())
            with socket.socket(fileno=descriptor) as connection:
                connection.shutdown(socket.SHUT_RDWR)
