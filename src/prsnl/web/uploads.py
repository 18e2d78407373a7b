"""A file on its way in: parsed and hashed as it comes, never whole in memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from prsnl.core.errors import BadRequestError
from prsnl.core.incoming import Incoming, UploadLimits, cleaned_name
from prsnl.core.storage import Spooled, Storage, disk_full_is_named

#: The field of the form that carries the file.
FIELD: Final = "file"
_GATHER_BYTES: Final = 1 << 20
#: The disk is asked how full it is after so many bytes.
_LOOK_EVERY_BYTES: Final = 64 << 20
#: What a browser writes in the place of letters that a form's header cannot carry.
_ESCAPED: Final = {"%22": '"', "%0D": " ", "%0A": " "}
_CUT_OFF: Final = "The upload ended before its form did: send it again."
#: What a form needs beside the file itself.
_FORM_BYTES: Final = 64 << 10


@dataclass
class _Form:
    """The parts of a form, as the parser finds them: one file, and nothing else."""

    file_name: str | None = None
    is_whole: bool = False
    _name: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""

    def begin_part(self) -> None:
        self._disposition = b""

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def end_header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def end_headers(self) -> None:
        _, options = parse_options_header(self._disposition.decode("latin-1"))
        field_name = options.get(b"name", b"").decode(errors="replace")
        if field_name != FIELD or b"filename" not in options:
            raise BadRequestError(
                f"The form has a field `{field_name}`: send one file in a field "
                f"called `{FIELD}`, and options in the address."
            )
        if self.file_name is not None:
            raise BadRequestError("The form has two files: send one at a time.")
        given = options[b"filename"].decode(errors="replace")
        for written, meant in _ESCAPED.items():
            given = given.replace(written, meant)
        self.file_name = cleaned_name(given)

    def end(self) -> None:
        self.is_whole = True


@contextmanager
def spool(storage: Storage, limits: UploadLimits) -> Iterator[Spool]:
    """A place for one upload; what was not kept at the end is removed."""
    with storage.incoming() as path, disk_full_is_named(), path.open("xb") as file:
        yield Spool(storage, limits, path, file)


async def receive(request: Request, place: Spool) -> Incoming:
    """Read the one file of a multipart body.

    Raises:
        BadRequestError: The body is no form with one file.
        DiskFullError: There is no room for it.
        TooLargeError: It is over the limit.
    """
    content_type = request.headers.get("content-type", "")
    length = request.headers.get("content-length", "")
    await run_in_threadpool(place.begin, content_type, length)
    gathered: list[bytes] = []
    size = 0
    try:
        async for piece in request.stream():
            gathered.append(piece)
            size += len(piece)
            if size >= _GATHER_BYTES:
                await run_in_threadpool(place.write, b"".join(gathered))
                gathered, size = [], 0
    except ClientDisconnect as error:
        raise BadRequestError(_CUT_OFF) from error
    await run_in_threadpool(place.write, b"".join(gathered))
    return await run_in_threadpool(place.finish)


@dataclass
class Spool:
    """Writes the file of one form to disk. Used by one thread at a time."""

    storage: Storage
    limits: UploadLimits
    path: Path
    file: IO[bytes]
    _parser: MultipartParser | None = None
    _form: _Form = field(default_factory=_Form)
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _size_bytes: int = 0
    _looked_at_bytes: int = 0

    def begin(self, content_type: str, content_length: str) -> None:
        """Look at the headers: refuse early what cannot end well."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not boundary:
            raise BadRequestError(
                f"Send the file as multipart/form-data with one field called `{FIELD}`."
            )
        announced = int(content_length) if content_length.isdecimal() else 0
        self.limits.check_size(announced - _FORM_BYTES)
        self.limits.check_disk(self.storage.free_bytes(), announced)
        with _malformed_is_named():
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._form.begin_part,
                    "on_header_field": self._form.header_name,
                    "on_header_value": self._form.header_value,
                    "on_header_end": self._form.end_header,
                    "on_headers_finished": self._form.end_headers,
                    "on_part_data": self._data,
                    "on_end": self._form.end,
                },
            )

    def write(self, piece: bytes) -> None:
        """Take the next bytes of the body."""
        assert self._parser is not None
        with _malformed_is_named():
            self._parser.write(piece)

    def finish(self) -> Incoming:
        """Make the bytes durable and tell what they are."""
        if not self._form.is_whole:
            raise BadRequestError(_CUT_OFF)
        if self._form.file_name is None:
            raise BadRequestError(
                f"The form has no file: send it in a field called `{FIELD}`."
            )
        self.file.flush()
        os.fsync(self.file.fileno())
        return Incoming(
            self._form.file_name,
            Spooled(self.path, self._size_bytes, self._digest.hexdigest()),
        )

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        self._size_bytes += len(piece)
        self.limits.check_size(self._size_bytes)
        if self._size_bytes - self._looked_at_bytes >= _LOOK_EVERY_BYTES:
            self._looked_at_bytes = self._size_bytes
            self.limits.check_disk(self.storage.free_bytes(), 0)
        self._digest.update(piece)
        self.file.write(piece)


@contextmanager
def _malformed_is_named() -> Iterator[None]:
    try:
        yield
    except FormParserError as error:
        raise BadRequestError(
            "The body is not a well-formed multipart form: send it again."
        ) from error
