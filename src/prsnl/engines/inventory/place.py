"""Where a host is, told soon: a name service that hangs holds no list up."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from prsnl.engines.reach import Reach, reach_of, resolved

#: Without a network a name takes many seconds to be unknown.
_LIMIT_S: Final = 1.0


@dataclass(frozen=True)
class Place:
    """A host, and how far away it is."""

    #: With its port where it is not the usual one.
    host: str
    reach: Reach


def place_of(base_url: str, *, local_hosts: Iterable[str] = ()) -> Place:
    """Tell where an address leads; of a name that nobody tells soon: the cloud."""
    host = urlsplit(base_url).netloc.rpartition("@")[2] or "unix socket"
    return Place(host, reach_of(base_url, local_hosts=local_hosts, resolve=_soon))


def _soon(host: str, port: int) -> list[str]:
    """The addresses of a host.

    Raises:
        OSError: Nobody knows it, or nobody tells in time.
    """
    told: list[list[str] | OSError] = []

    def ask() -> None:
        try:
            told.append(resolved(host, port))
        except OSError as error:
            told.append(error)

    thread = threading.Thread(target=ask, name="resolver", daemon=True)
    thread.start()
    thread.join(_LIMIT_S)
    answer = told[0] if told else OSError(f"no answer for {host}")
    if isinstance(answer, OSError):
        raise answer
    return answer
