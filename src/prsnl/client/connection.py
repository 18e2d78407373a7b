"""One server, reached over HTTP; what every call is made with."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from prsnl.client.streams import Streams, problem_of
from prsnl.core.errors import BadRequestError, PrsnlError, UnavailableError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer

_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")
TIMEOUT_S: Final = 30.0
CONNECT_TIMEOUT_S: Final = 5.0
_KEY_FILE: Final = "api-key"

B = TypeVar("B", bound=BaseModel)


class Connection:
    """Asks one server, and tells its refusals as the errors that they name."""

    def __init__(self, server: str, key: str | None = None) -> None:
        """Connects at the first call.

        Args:
            server: The address, e.g. "http://127.0.0.1:8000".
            key: The key; without one only `health` answers.

        Raises:
            BadRequestError: The address or the key is none.
        """
        key = key.strip() if key else ""
        if not (key.isascii() and key.isprintable()):
            raise BadRequestError(
                "What is given as the API key is none: look at PRSNL_API_KEY."
            )
        if not _is_address(server):
            raise BadRequestError(
                f"{server} is no address of a server: it begins with http:// or "
                "https://."
            )
        self.server = server.rstrip("/")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(
            base_url=self.server,
            headers=headers,
            timeout=httpx2.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            # A proxy cannot reach this machine's own server.
            trust_env=not is_local(server),
        )
        self._streams = Streams(
            self.server, headers, self._http, is_local=is_local(server)
        )

    @classmethod
    def local(cls, data_dir: Path | None = None) -> Self:
        """A client for the server that runs on this machine.

        Args:
            data_dir: The server's data folder; by default the one that
                `PRSNL_DATA_DIR` sets.

        Raises:
            UnavailableError: None runs there.
        """
        folder = data_dir or Settings.read().storage.folder
        running = RunningServer.find(folder)
        if running is None:
            raise UnavailableError(
                f"No server runs on {folder}: start one with ./prsnl up."
            )
        return cls(running.url, local_key(folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    def _told(self, kind: type[B], method: str, path: str, **request: Any) -> B:
        return parsed(kind, self._ask(method, path, **request))

    def _ask(self, method: str, path: str, **request: Any) -> httpx2.Response:
        with self._outages_are_named():
            answer = self._http.request(method, path, **request)
        if answer.is_error:
            raise error_of(answer)
        return answer

    def _download(self, path: str, target: Path) -> None:
        """Write an answer's bytes to *target*, streamed; it appears whole."""
        with self._outages_are_named(), self._http.stream("GET", path) as answer:
            if answer.is_error:
                answer.read()
                raise error_of(answer)
            new = target.with_name(f"{target.name}.part")
            try:
                with new.open("wb") as file:
                    file.writelines(answer.iter_bytes())
                new.replace(target)
            finally:
                new.unlink(missing_ok=True)

    @contextmanager
    def _outages_are_named(self) -> Iterator[None]:
        try:
            yield
        except httpx2.TransportError as error:
            refused = _refused_line(error)
            if isinstance(refused, ssl.SSLCertVerificationError):
                raise BadRequestError(
                    f"The certificate of {self.server} is not trusted here "
                    f"({refused.verify_message.rstrip('.')}): correct the address, or "
                    "name the file of its authority in SSL_CERT_FILE."
                ) from error
            if refused is not None:
                raise BadRequestError(
                    f"What answers at {self.server} does not speak https: correct the "
                    "address (without a proxy of yours it begins with http://)."
                ) from error
            raise self._streams.away() from error


def local_key(data_dir: Path) -> str | None:
    """The first key of the server on a data folder; None if it cannot be read."""
    try:
        return (data_dir / _KEY_FILE).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def is_local(server: str) -> bool:
    """Whether an address is this machine's own."""
    return _is_address(server) and urlsplit(server).hostname in _LOOPBACK


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        _ = parts.port  # out of range, or no number
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _refused_line(error: BaseException | None) -> ssl.SSLError | None:
    """What https itself ran into; None if it is not that."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return error
        error = error.__cause__ or error.__context__
    return None


def parsed(kind: type[B], answer: httpx2.Response) -> B:
    """An answer as its model.

    Raises:
        UnavailableError: What answers is no server of this version.
    """
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError as error:
        raise _foreign(answer) from error


def error_of(answer: httpx2.Response) -> PrsnlError:
    """The error that a problem document tells, as the class with its code."""
    return problem_of(answer.content) or _foreign(answer)


def _foreign(answer: httpx2.Response) -> UnavailableError:
    return UnavailableError(
        f"What answers at {answer.url.copy_with(path='/', query=None)} (status "
        f"{answer.status_code}) is not a PRSNL server of this version: correct the "
        "address, or update."
    )
