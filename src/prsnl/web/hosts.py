"""Which names this server answers to: a page elsewhere cannot borrow its address.

Checked before anything else, so that a name that was bent to this machine (DNS
rebinding) reaches no route.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from prsnl.core.settings.service import Server
from prsnl.web.errors import response

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
#: A host and a port, and nothing that one reader takes for a name and another does not:
#: no user before it, no path behind it.
_AUTHORITY: Final = re.compile(r"(?:[^\s@/?#\\\[\]:]+|\[[0-9A-Fa-f:.]+\])(?::\d{0,5})?")

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True)
class AllowedHosts:
    """The names that a request may use for us."""

    names: frozenset[str]
    #: We listen on every address: any of them is ours. A name that was bent is none.
    allows_addresses: bool

    @classmethod
    def of(cls, server: Server) -> AllowedHosts:
        """Loopback, the host we listen on, and the public name."""
        public = urlsplit(server.public_url or "").hostname
        names = {*_LOOPBACK, server.host.lower(), *([public] if public else [])}
        return cls(frozenset(names - _EVERY_ADDRESS), server.host in _EVERY_ADDRESS)

    def allow(self, authority: str) -> bool:
        """Whether `host` or `host:port` is one of ours."""
        if _AUTHORITY.fullmatch(authority) is None:
            return False
        try:
            name = urlsplit(f"//{authority}").hostname
        except ValueError:
            return False
        if name is None:
            return False
        return name in self.names or (self.allows_addresses and _is_address(name))


class HostCheck:
    """Refuses requests under other names, and those that another site's page sends."""

    def __init__(self, app: App, allowed: AllowedHosts) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it here."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) > 1:
            refuse = response(
                HTTPStatus.BAD_REQUEST,
                "bad_request",
                "The request names several hosts: send one `Host`.",
            )
        elif not self._allowed.allow("".join(hosts)):
            refuse = response(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown_host",
                "This server is not known by that name: set PRSNL_PUBLIC_URL to the "
                "address that it is reached at.",
            )
        elif not all(map(self._allows_origin, headers.getlist("origin"))):
            refuse = response(
                HTTPStatus.FORBIDDEN,
                "unknown_origin",
                "A page of another site may not call this server: set "
                "PRSNL_PUBLIC_URL to the address that its own page is reached at.",
            )
        else:
            await self._app(scope, receive, send)
            return
        await refuse(scope, receive, send)

    def _allows_origin(self, origin: str) -> bool:
        try:
            authority = urlsplit(origin).netloc
        except ValueError:
            return False
        return self._allowed.allow(authority)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
