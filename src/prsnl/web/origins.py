"""Where a request comes from: its origin, its cookie's name, who sent it."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_COOKIE: Final = "prsnl_session"
#: A home or a phone is given so many bits; those behind them are one client.
_CLIENT_BITS: Final = 64


def is_safe(connection: HTTPConnection) -> bool:
    """Whether a request can change nothing, so that nobody gains by forging it."""
    return connection.scope.get("method") in SAFE_METHODS


def origin_of(url: str) -> str | None:
    """Scheme, host and port of an address, as a browser's `Origin` writes them."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or host is None:
        return None
    shown = f"[{host}]" if ":" in host else host
    standard = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{shown}" + (
        "" if port in (None, standard) else f":{port}"
    )


def is_own_page(connection: HTTPConnection, public_url: str | None) -> bool:
    """Whether a page of this very server sends the request: same host, same port.

    A cookie goes along with requests of other pages, too; those of other ports of
    this machine among them.
    """
    told = connection.headers.get("origin")
    origin = None if told is None else origin_of(told)
    if origin is None:
        return False
    host = connection.headers.get("host", "")
    ours = {origin_of(f"{scheme}://{host}") for scheme in ("http", "https")}
    return origin in ours or (
        public_url is not None and origin == origin_of(public_url)
    )


def is_secure(connection: HTTPConnection, public_url: str | None) -> bool:
    """Whether the browser came by https, so that its cookie may stay on https."""
    if connection.scope.get("scheme") in ("https", "wss"):
        return True
    public = urlsplit(public_url or "")
    host = urlsplit(f"//{connection.headers.get('host', '')}").hostname
    return public.scheme == "https" and host == public.hostname


def cookie_name(connection: HTTPConnection) -> str:
    """The session's cookie; by port, for a browser keeps one jar for all of a host."""
    try:
        port = urlsplit(f"//{connection.headers.get('host', '')}").port
    except ValueError:
        port = None
    return SESSION_COOKIE if port is None else f"{SESSION_COOKIE}_{port}"


def client_of(connection: HTTPConnection) -> str:
    """Who sends it, as far as a count of wrong keys tells people apart."""
    host = connection.client.host if connection.client else ""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _CLIENT_BITS), strict=False))
    return str(address)
