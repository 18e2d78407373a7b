"""The list of models of one language model server: all that a choice asks for.

No text is sent, no redirect is followed, and a server's own words are not repeated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from prsnl.core.errors import BadRequestError, PrsnlError, UnavailableError
from prsnl.engines.inventory.nearby import rows_of
from prsnl.engines.reach import Reach, reach_of

if TYPE_CHECKING:  # loaded by who asks: most processes never do
    import httpx2

Provider: TypeAlias = Literal["openai", "azure", "compatible"]

OPENAI_URL: Final = "https://api.openai.com/v1"
AZURE_API_VERSION: Final = "2024-10-21"
_TIMEOUT_S: Final = 15.0
_CONNECT_TIMEOUT_S: Final = 5.0
_MOST_BYTES: Final = 8 << 20
_REFUSED: Final = frozenset({401, 403})
_OK: Final = 200


class KeyWantedError(Exception):
    """The server wants a key, or another one; who can asks for it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        #: A sentence, for who cannot.
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where the list is asked for, and with which key."""

    provider: Provider
    #: As the settings have it: with what the protocol's paths begin; of Azure the
    #: resource.
    base_url: str
    key: str = field(default="", repr=False)
    api_version: str | None = None

    @property
    def host(self) -> str:
        """Its name, and its port where it is not the usual one."""
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    def requests(self) -> Iterator[tuple[str, str]]:
        """What may be asked: a URL, and the base address that it proves right."""
        base = self.base_url.rstrip("/")
        if self.provider == "azure":
            version = self.api_version or AZURE_API_VERSION
            yield f"{base}/openai/models?api-version={version}", base
            return
        yield f"{base}/models", base
        if not urlsplit(base).path.strip("/"):
            yield f"{base}/v1/models", f"{base}/v1"

    @property
    def headers(self) -> dict[str, str]:
        """The key as the protocol wants it."""
        told = {"User-Agent": "prsnl", "Accept": "application/json"}
        if self.key and self.provider == "azure":
            return {**told, "api-key": self.key}
        return {**told, "Authorization": f"Bearer {self.key}"} if self.key else told


@dataclass(frozen=True)
class Listed:
    """What a server has."""

    #: The address under which it answered.
    base_url: str
    models: tuple[str, ...]


def listed(address: Address) -> Listed:
    """Ask a server which models it has.

    Raises:
        BadRequestError: What answers there is no such server.
        KeyWantedError: It wants a key, or another one.
        UnavailableError: Nothing answers there.
    """
    import httpx2  # noqa: PLC0415 - see above

    error: PrsnlError | None = None
    with httpx2.Client(
        timeout=httpx2.Timeout(_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
        headers=address.headers,
        follow_redirects=False,
        # A proxy of the environment cannot reach what is near.
        trust_env=reach_of(address.base_url) is Reach.CLOUD,
    ) as client:
        for url, base_url in address.requests():
            try:
                return Listed(base_url, _models(client, url, address))
            except KeyWantedError:
                raise
            except BadRequestError as refused:
                error = error or refused
    assert error is not None
    raise error


def _models(client: httpx2.Client, url: str, address: Address) -> tuple[str, ...]:
    import httpx2  # noqa: PLC0415 - see above

    try:
        with client.stream("GET", url) as answer:
            _check(answer, address)
            body = bytearray()
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _MOST_BYTES:
                    raise _foreign(address, "its answer has no end")
        return _ids(json.loads(body), address)
    except httpx2.TransportError as error:
        raise UnavailableError(
            f"Nothing answers at {address.host} ({_why(error)}): start the server "
            "there, or correct the address."
        ) from error
    except httpx2.InvalidURL as error:
        raise BadRequestError(f"{address.base_url} is no address.") from error
    except ValueError as error:
        raise _foreign(address, "its answer is no JSON") from error


def _check(answer: httpx2.Response, address: Address) -> None:
    status = answer.status_code
    if status in _REFUSED:
        told = "wants a key"
        if address.key:
            told = "does not accept the key: give another with --key-file FILE"
        raise KeyWantedError(f"{address.host} {told} (status {status}).")
    if status != _OK:
        raise _foreign(address, f"status {status}")


def _ids(told: Any, address: Address) -> tuple[str, ...]:
    rows = rows_of(told)
    if rows is None:
        raise _foreign(address, "its answer is no list of models")
    return tuple(str(row["id"]) for row in rows)


def _foreign(address: Address, why: str) -> BadRequestError:
    return BadRequestError(
        f"What answers at {address.host} does not speak OpenAI's protocol ({why}): "
        "correct the address (of most servers it ends with /v1)."
    )


def _why(error: httpx2.TransportError) -> str:
    import httpx2  # noqa: PLC0415 - see above

    if isinstance(error, httpx2.TimeoutException):
        return "it is silent"
    return str(error) or type(error).__name__
