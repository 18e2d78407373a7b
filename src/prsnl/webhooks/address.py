"""Where a webhook may lead: never where only this machine or its network can go.

Whoever may add a webhook could else have this server ask what its firewall hides. A
name is resolved once, every address that it stands for is judged, and the connection
goes to one of those that were judged.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urlsplit

from prsnl.core.errors import BadRequestError, ForbiddenError, ProviderFailedError
from prsnl.engines.reach import (
    Ip,
    Reach,
    Resolve,
    farthest,
    is_named,
    of_address,
    resolved,
)

_PORTS: Final = {"http": 80, "https": 443}
_SHARED: Final = ipaddress.ip_network("100.64.0.0/10")
_THIS_NETWORK: Final = ipaddress.ip_network("0.0.0.0/8")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Target:
    """A judged address, to connect to."""

    is_https: bool
    host: str
    port: int
    #: Path and query.
    path: str
    #: The IP address.
    ip: str
    #: The farthest of what the name stands for.
    reach: Reach

    @property
    def netloc(self) -> str:
        """Host, and port where it is not the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.is_https else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


@dataclass(frozen=True)
class AddressBook:
    """Judges addresses.

    Attributes:
        allowed: Private hosts, addresses and networks that webhooks may reach.
        local_hosts: Those of them that count as this machine.
        resolve: The name service.
    """

    allowed: tuple[str, ...] = ()
    local_hosts: tuple[str, ...] = ()
    resolve: Resolve = field(default=resolved)

    def target(self, url: str, *, is_operators: bool = False) -> Target:
        """Where a message to *url* goes now.

        Args:
            url: Of the webhook.
            is_operators: It stands in the settings: private addresses are meant.

        Raises:
            BadRequestError: It is no address for a webhook.
            ForbiddenError: It leads where no webhook may.
            ProviderFailedError: Nobody knows the name now.
        """
        parts, port = parsed(url)
        host = parts.hostname or ""
        try:
            found = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise ProviderFailedError(
                f"Nobody knows the name {host} now; it is tried again."
            ) from error
        for ip in found:
            self._judge(ip, host, is_operators=is_operators)
        told = [of_address(ip, host=host, local_hosts=self.local_hosts) for ip in found]
        path = parts.path or "/"
        return Target(
            is_https=parts.scheme == "https",
            host=host,
            port=port,
            path=f"{path}?{parts.query}" if parts.query else path,
            ip=found[0],
            reach=farthest(told),
        )

    def _judge(self, ip: str, host: str, *, is_operators: bool) -> None:
        address = _unwrapped(ip)
        if _is_nowhere(address):
            raise ForbiddenError(f"{_led(host, address)}, which no webhook may reach.")
        is_private = not address.is_global or address in _SHARED
        if (
            is_private
            and not is_operators
            and not is_named(address, host, self.allowed)
        ):
            raise ForbiddenError(
                f"{_led(host, address)}, a private address. Whoever runs this server "
                "may allow it: PRSNL_WEBHOOK_HOSTS names hosts and networks."
            )


def parsed(url: str) -> tuple[SplitResult, int]:
    """The parts of an address, and its port.

    Raises:
        BadRequestError: It is no address for a webhook.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        (parts.hostname or "").encode("idna")
        is_one_line = url.isascii() and url.isprintable() and " " not in url
    except (ValueError, UnicodeError):
        is_one_line = False
    if not is_one_line or parts.scheme not in _PORTS or not parts.hostname or not port:
        raise BadRequestError(
            "This is no address for a webhook: give https://HOST/PATH, in ASCII."
        )
    if parts.username is not None or parts.password is not None:
        raise BadRequestError(
            "A webhook's address holds no user and no password: messages are signed "
            "with the secret instead."
        )
    return parts, port


def _is_nowhere(address: Ip) -> bool:
    """Clouds answer on link-local addresses with the keys of the machine."""
    if isinstance(address, ipaddress.IPv6Address) and address.is_loopback:
        return False
    return (
        address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address in _THIS_NETWORK
    )


def _led(host: str, address: Ip) -> str:
    is_same = host == str(address)
    return f"This is {address}" if is_same else f"{host} leads to {address}"


def _unwrapped(ip: str) -> Ip:
    """The address that is meant: of one that carries another, the other."""
    address = ipaddress.ip_address(ip.partition("%")[0])
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
