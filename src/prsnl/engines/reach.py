"""How far away an address is: this machine, another one nearby, or the cloud."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias
from urllib.parse import urlsplit

Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
#: Gives the addresses of a host and port, as they would be connected to.
Resolve: TypeAlias = Callable[[str, int], Sequence[str]]


class Reach(StrEnum):
    """How far away a host is."""

    #: This machine, by loopback or a Unix socket.
    LOCAL = "local"
    #: A private address of another machine.
    LAN = "lan"
    CLOUD = "cloud"


@dataclass(frozen=True)
class Endpoint:
    """Where one model of a provider is asked."""

    #: What people call it, and what goes down as one: `openai`, `azure`, or the host
    #: of a compatible server.
    provider: str
    #: Host, and port where it is not the usual one; never a path or a key.
    host: str
    reach: Reach
    #: The model, or of Azure the deployment.
    model: str

    @property
    def name(self) -> str:
        """What has a limit of its own: `openai/gpt-5`."""
        return f"{self.provider}/{self.model}"


def reach_of(
    base_url: str, *, local_hosts: Iterable[str] = (), resolve: Resolve | None = None
) -> Reach:
    """Tell how far away an address is, from what its name stands for now.

    Args:
        base_url: `http://`, `https://` or `unix:` and a path.
        local_hosts: Private addresses, networks or names that count as this machine.
        resolve: The name service; the system's unless given.

    Returns:
        The farthest of what the name stands for; of a name that nobody knows now
        `CLOUD`, for nothing is known of where it leads.
    """
    parts = urlsplit(base_url)
    if parts.scheme in {"unix", "http+unix"}:
        return Reach.LOCAL
    host = parts.hostname or ""
    port = parts.port or (80 if parts.scheme == "http" else 443)
    try:
        found = (resolve or resolved)(host, port)
    except OSError:
        return Reach.CLOUD
    told = [of_address(ip, host=host, local_hosts=local_hosts) for ip in found]
    return farthest(told)


def of_address(ip: str, *, host: str = "", local_hosts: Iterable[str] = ()) -> Reach:
    """How far away one IP address is; *host* is the name that led to it."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return Reach.LOCAL
    if address.is_global or address.is_multicast:
        return Reach.CLOUD
    if is_named(address, host, local_hosts):
        return Reach.LOCAL
    return Reach.LAN


def farthest(told: Iterable[Reach]) -> Reach:
    """The farthest of several; `CLOUD` of none."""
    order = list(Reach)
    return max(told, key=order.index, default=Reach.CLOUD)


def endpoint(
    provider: str, base_url: str, model: str, *, local_hosts: Iterable[str] = ()
) -> Endpoint:
    """Where a model is asked: *provider* is `openai`, `azure` or `compatible`."""
    parts = urlsplit(base_url)
    host = parts.netloc.rpartition("@")[2] or "unix socket"
    name = host if provider == "compatible" else provider
    return Endpoint(name, host, reach_of(base_url, local_hosts=local_hosts), model)


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a host, by the system's name service.

    Raises:
        OSError: Nobody knows the name now.
    """
    told = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in told))


def is_named(address: Ip, host: str, names: Iterable[str]) -> bool:
    """Whether one of the names, addresses or networks of a setting means this host."""
    return any(_means(named, address, host) for named in names)


def _means(named: str, address: Ip, host: str) -> bool:
    if named.casefold() == host.casefold():
        return True
    try:
        return address in ipaddress.ip_network(named, strict=False)
    except ValueError:
        return False
