"""At which address a phone finds this server, if at any."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from prsnl.core.settings.service import Server

_EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
#: Of the documentation's network: no packet is sent there, a route is looked up.
_SOMEWHERE: Final = ("192.0.2.1", 9)
_LOOPBACK_ONLY: Final = (
    "This server listens on this machine alone ({host}), where no phone reaches it. "
    "Set PRSNL_HOST=0.0.0.0 to let the devices of your network in, without "
    "encryption; or put a proxy with https before it and set PRSNL_PUBLIC_URL to the "
    "proxy's address. Then start it again."
)
_PUBLIC_IS_LOOPBACK: Final = (
    "PRSNL_PUBLIC_URL is an address of this machine alone ({host}), where no phone "
    "reaches it: set it to the address that others use."
)
_NO_NETWORK: Final = (
    "This machine has no address in a network that a phone could use: connect it, or "
    "set PRSNL_PUBLIC_URL to the address that others use."
)


@dataclass(frozen=True)
class Reach:
    """The address for a phone, or why there is none."""

    url: str | None
    because: str | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def for_a_phone(server: Server, port: int, *, address: str | None = None) -> Reach:
    """Where a phone finds a server.

    Args:
        server: Where it listens, and how it is called.
        port: The port that it really has.
        address: This machine's in its network; by default it is looked up.
    """
    if server.public_url is not None:
        host = urlsplit(server.public_url).hostname or ""
        if is_loopback(host):
            return Reach(None, _PUBLIC_IS_LOOPBACK.format(host=host))
        return Reach(server.public_url.rstrip("/"))
    if is_loopback(server.host):
        return Reach(None, _LOOPBACK_ONLY.format(host=server.host))
    host = server.host
    if host in _EVERY_ADDRESS:
        found = address or own_address()
        if found is None:
            return Reach(None, _NO_NETWORK)
        host = found
    return Reach(f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}")


def own_address() -> str | None:
    """This machine's address in the network that its packets leave by."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return None
        found = str(probe.getsockname()[0])
    return None if is_loopback(found) else found
