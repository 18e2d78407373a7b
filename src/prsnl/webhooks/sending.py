"""One POST to an address that was judged: no proxy, no redirect, no second look-up."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from prsnl.core.errors import (
    ProviderFailedError,
    ProviderRejectedError,
    ProviderSilentError,
    PrsnlError,
)
from prsnl.webhooks.address import Target

_CONNECT_S: Final = 5.0
_WHOLE_S: Final = 15.0
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_TRY_AGAIN: Final = frozenset({408, 425, 429})
_SERVERS: Final = 500
GONE: Final = 410


@dataclass
class Post:
    """A message on its way; `stop` may be called from another thread."""

    target: Target
    connect_s: float = _CONNECT_S
    whole_s: float = _WHOLE_S
    #: Whether a byte of it may have gone.
    is_begun: bool = False
    #: What was answered.
    status: int | None = None
    _socket: socket.socket | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_stopped: bool = False

    def send(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Send; tell the HTTP status, which is of the two hundreds.

        Raises:
            ProviderFailedError: It did not arrive, or the receiver failed; try again.
            ProviderRejectedError: The receiver does not want it.
        """
        timer = threading.Timer(self.whole_s, self.stop)
        timer.daemon = True
        timer.start()
        try:
            self.status = self._send(body, headers)
        except ssl.SSLCertVerificationError as error:
            raise ProviderRejectedError(
                f"The certificate of {self.target.host} is not good "
                f"({error.verify_message}): mend it, or set the right name. One of an "
                "authority of your own is known to workers that start with its file in "
                "SSL_CERT_FILE."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            raise self._silent() from error
        finally:
            timer.cancel()
            self._close()
        if self.status not in _OK:
            raise self._refusal(self.status)
        return self.status

    def stop(self) -> None:
        """Cut the connection; whoever reads from it is told at once."""
        with self._lock:
            self._is_stopped = True
            if self._socket is not None:
                _cut(self._socket)

    def _close(self) -> None:
        with self._lock:
            found, self._socket = self._socket, None
        if found is not None:
            found.close()

    def _send(self, body: bytes, headers: Mapping[str, str]) -> int:
        target = self.target
        plain = socket.create_connection((target.ip, target.port), self.connect_s)
        self._hold(plain)
        if target.is_https:
            context = ssl.create_default_context()
            plain = context.wrap_socket(plain, server_hostname=target.host)
            self._hold(plain)
        plain.settimeout(self.whole_s)
        connection = http.client.HTTPConnection(target.host, target.port)
        connection.sock = plain
        self.is_begun = True
        connection.request(
            "POST", target.path, body, {**headers, "Host": target.netloc}
        )
        return connection.getresponse().status

    def _hold(self, made: socket.socket) -> None:
        with self._lock:
            self._socket = made
            if self._is_stopped:
                _cut(made)

    def _silent(self) -> PrsnlError:
        if not self.is_begun:
            return ProviderFailedError(f"{self.target.netloc} takes no connection.")
        return ProviderSilentError(
            f"{self.target.netloc} gave no answer within {self.whole_s:.0f} s."
        )

    def _refusal(self, status: int) -> PrsnlError:
        told = f"{self.target.netloc} answered {status}"
        if status in _TRY_AGAIN or status >= _SERVERS:
            return ProviderFailedError(f"{told}.")
        if status in _REDIRECTS:
            return ProviderRejectedError(
                f"{told}, a redirect, which is not followed: set the address that it "
                "leads to."
            )
        return ProviderRejectedError(f"{told}: it does not want the message.")


def _cut(made: socket.socket) -> None:
    """End both directions below any encryption, which another thread may be in."""
    with suppress(OSError):
        socket.socket.shutdown(made, socket.SHUT_RDWR)
