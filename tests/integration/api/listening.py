"""Clients that follow progress over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

PATIENCE_S = 30.0
#: So long nothing more may come.
SILENCE_S = 0.3
FEED = "/api/background/ws/progress"

Event = dict[str, Any]


@contextmanager
def socket(
    url: str, key: str, path: str = FEED, *, is_slow: bool = False, **query: object
) -> Iterator[ClientConnection]:
    """A WebSocket, as long as the block runs; a slow one reads no more than it must."""
    address = f"{url.replace('http://', 'ws://')}{path}"
    with connect(
        f"{address}?{urlencode(query)}",
        additional_headers={"Authorization": f"Bearer {key}"},
        proxy=None,
        max_queue=1 if is_slow else None,
        close_timeout=2,
    ) as opened:
        yield opened


def heard(opened: ClientConnection) -> Event:
    """The next event."""
    told: Event = json.loads(opened.recv(timeout=PATIENCE_S))
    return told


def heard_messages(opened: ClientConnection, number: int) -> list[str]:
    """The messages of the next events of tasks."""
    return [heard(opened)["progress"]["message"] for _ in range(number)]


def is_silent(opened: ClientConnection) -> bool:
    """Whether nothing comes for a while."""
    try:
        opened.recv(timeout=SILENCE_S)
    except TimeoutError:
        return True
    return False


def end_of(opened: ClientConnection) -> tuple[int, str]:
    """The code and the reason with which the server closes."""
    with pytest.raises(ConnectionClosed) as closed:
        _drain(opened)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def _drain(opened: ClientConnection) -> None:
    while True:
        opened.recv(timeout=PATIENCE_S)
