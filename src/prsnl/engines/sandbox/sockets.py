"""Blocking frames, for the processes that have nothing else to do."""

from __future__ import annotations

import socket

from prsnl.engines.sandbox.frames import (
    HEADER_BYTES,
    LARGEST_BYTES,
    Frame,
    body_bytes,
    decode,
    encode,
)


class ChannelClosedError(Exception):
    """The other side is gone."""


def send_frame(
    channel: socket.socket, value: Frame, *, maximum: int = LARGEST_BYTES
) -> None:
    """Send one frame, however long the other side takes.

    Raises:
        FrameTooLargeError: It is more than `maximum` bytes; nothing was sent.
    """
    channel.sendall(encode(value, maximum=maximum))


def receive_frame(channel: socket.socket) -> Frame:
    """The next frame, however long it takes.

    Raises:
        ChannelClosedError: The other side is gone.
        FrameError: What came is no frame.
    """
    header = _receive(channel, HEADER_BYTES)
    return decode(_receive(channel, body_bytes(bytes(header), maximum=LARGEST_BYTES)))


def _receive(channel: socket.socket, count: int) -> bytearray:
    data = bytearray()
    while len(data) < count:
        part = channel.recv(min(count - len(data), 1 << 20))
        if not part:
            raise ChannelClosedError
        data += part
    return data
