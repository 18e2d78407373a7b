"""Files over HTTP: gone on with after a cut, never longer than they should be."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx2

from prsnl.core.errors import CorruptError, NotFoundError, UnavailableError
from prsnl.engines.models.catalogue import ModelFile
from prsnl.engines.models.checking import is_whole

_TIMEOUT: Final = httpx2.Timeout(30.0, connect=10.0)
#: Before each further try that brought nothing, in seconds.
WAITS_S: Final = (1.0, 2.0, 4.0, 8.0)
_REDIRECTS: Final = 5
_LONGEST_WAIT_S: Final = 60.0
_BEGINS: Final = re.compile(r"bytes (\d+)-")
_OK, _PART, _NO_SUCH_RANGE = 200, 206, 416
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})

#: Told how many bytes have come that were not there before; fewer when it begins anew.
OnBytes = Callable[[int], None]


class _CutError(Exception):
    """The connection ended early, or the host asks for patience."""

    def __init__(self, why: str, wait_s: float = 0.0) -> None:
        super().__init__(why)
        self.why = why
        self.wait_s = wait_s


@dataclass(frozen=True)
class Remote:
    """The host that models are fetched from.

    Attributes:
        url: Its address, with what comes before the catalogue's paths.
        waits_s: Before each further try that brought nothing; a try that brought
            something begins them anew.
        sleep: Waits; a test's does not.
    """

    url: str
    waits_s: tuple[float, ...] = WAITS_S
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @property
    def host(self) -> str:
        """Its name, as a person knows it."""
        return urlsplit(self.url).netloc

    def fetch(self, path: str, file: ModelFile, target: Path, told: OnBytes) -> None:
        """Fetch one file to *target*; what is there of it already is kept.

        Raises:
            CorruptError: Twice what came is not the file that the catalogue names.
            NotFoundError: The host has no such file, or does not give it.
            OSError: It cannot be written.
            UnavailableError: The host does not answer, or no longer.
        """
        url = f"{self.url.rstrip('/')}/{path}/{file.name}"
        for _ in range(2):
            if _size(target) > file.size_bytes:
                _drop(target, told)
            self._complete(url, target, file, told)
            if is_whole(target, file):
                return
            # Where it went on in the middle, the part before may be the wrong one.
            _drop(target, told)
        raise _other_file(self.host, file, "its checksum is wrong")

    def _complete(self, url: str, target: Path, file: ModelFile, told: OnBytes) -> None:
        """Ask until the file has its size."""
        waits = iter(self.waits_s)
        with self._client() as client:
            while (had := _size(target)) != file.size_bytes:
                try:
                    _take(client, url, target, file, told)
                except _CutError as cut:
                    if _size(target) > had:
                        waits = iter(self.waits_s)
                    wait_s = next(waits, None)
                    if wait_s is None:
                        raise self._gone(cut.why, target, file) from cut
                    self.sleep(max(wait_s, min(cut.wait_s, _LONGEST_WAIT_S)))

    def _client(self) -> httpx2.Client:
        return httpx2.Client(
            timeout=_TIMEOUT,
            headers={
                "User-Agent": "prsnl",
                # What is packed has another size, and no middle.
                "Accept-Encoding": "identity",
            },
            # A proxy cannot reach this machine's own server.
            trust_env=urlsplit(self.url).hostname not in _LOCAL,
        )

    def _gone(self, why: str, target: Path, file: ModelFile) -> UnavailableError:
        size = _size(target)
        if size:
            share = f"{100 * size // file.size_bytes} % of {file.name} is here"
            return UnavailableError(
                f"{self.host} broke off ({why}); {share}, and the same command goes on "
                "from there."
            )
        return UnavailableError(
            f"{self.host} does not answer ({why}): look at the connection and try "
            "again, or get the files elsewhere and use --from DIR."
        )


def _take(
    client: httpx2.Client, url: str, target: Path, file: ModelFile, told: OnBytes
) -> None:
    """One try: append what comes.

    Raises:
        _CutError: It ended early; what came is kept.
    """
    had = _size(target)
    headers = {"Range": f"bytes={had}-"} if had else {}
    with _cuts_are_named(), _answer(client, url, headers) as answer:
        if answer.status_code == _NO_SUCH_RANGE:
            _drop(target, told)
            raise _CutError("it does not go on from the middle")
        begins = _begin(answer, had)
        _check_size(answer, begins, file)
        if begins != had:
            told(-had)
        # Not mode "a": where the host begins anew, so does the file.
        with target.open("r+b" if begins else "wb") as opened:
            opened.seek(begins)
            left = file.size_bytes - begins
            for piece in answer.iter_raw():
                opened.write(piece[:left])
                told(min(left, len(piece)))
                left -= len(piece)
                if left < 0:
                    break  # longer than it should be: the checksum tells what it is
            opened.flush()
            os.fsync(opened.fileno())
        if left > 0:
            raise _CutError("the connection ended early")


def _begin(answer: httpx2.Response, had: int) -> int:
    """At which byte an answer begins: where it was asked to, or at the first."""
    found = _BEGINS.match(answer.headers.get("content-range", ""))
    is_part = answer.status_code == _PART
    return had if is_part and found and int(found[1]) == had else 0


@contextmanager
def _answer(
    client: httpx2.Client, url: str, headers: dict[str, str]
) -> Iterator[httpx2.Response]:
    """The answer to a question, wherever the host leads."""
    for _ in range(_REDIRECTS):
        with client.stream("GET", url, headers=headers) as answer:
            if not answer.has_redirect_location:
                _check(answer)
                yield answer
                return
            url = _next(answer)
    raise UnavailableError(
        f"{urlsplit(url).netloc} leads from one address to the next."
    )


def _next(answer: httpx2.Response) -> str:
    before, after = answer.url, answer.url.join(answer.headers["location"])
    if after.scheme not in {"https", before.scheme}:
        raise UnavailableError(
            f"{before.host} leads away from https: nothing was fetched."
        )
    return str(after)


def _check(answer: httpx2.Response) -> None:
    status = answer.status_code
    host = answer.url.netloc.decode()
    if status in _PASSING:
        raise _CutError(f"status {status}", _asked_wait_s(answer))
    if status not in {_OK, _PART, _NO_SUCH_RANGE}:
        raise NotFoundError(
            f"{host} does not give the model (status {status}): look at "
            "PRSNL_MODELS_URL, or get the files elsewhere and use --from DIR."
        )


def _check_size(answer: httpx2.Response, begins: int, file: ModelFile) -> None:
    """Tell another file by its length: a page that wants a sign-in, for one."""
    told = answer.headers.get("content-length", "")
    if told.isdigit() and begins + int(told) != file.size_bytes:
        host = answer.url.netloc.decode()
        raise _other_file(host, file, f"{told} bytes, not {file.size_bytes - begins}")


def _other_file(host: str, file: ModelFile, why: str) -> CorruptError:
    return CorruptError(
        f"What {host} sends as {file.name} is not the file that is known under this "
        f"name ({why}): it was thrown away. Try again later, or get the files "
        "elsewhere and use --from DIR."
    )


def _drop(target: Path, told: OnBytes) -> None:
    told(-_size(target))
    target.unlink(missing_ok=True)


def _asked_wait_s(answer: httpx2.Response) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdigit() else 0.0


@contextmanager
def _cuts_are_named() -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise _CutError("it was silent for too long") from error
    except httpx2.TransportError as error:
        raise _CutError(str(error) or type(error).__name__) from error


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
