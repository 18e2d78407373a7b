"""Plain text, also a log of a hundred megabytes: never in memory as a whole."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prsnl.core.errors import CorruptError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import tidy, without_controls
from prsnl.engines.contracts import (
    ChildFiles,
    DocumentInfo,
    JsonObject,
    PageStatus,
    PageText,
)
from prsnl.engines.documents.decoding import charset
from prsnl.engines.documents.parts import (
    PART_CHARACTERS,
    Block,
    blocks_of,
    document,
)

ENGINE: Final = "plain text"
_REASON: Final = "the file is text"
_PROSE: Final = "text/plain"
_TICKS: Final = re.compile(r"`+")
#: A text that is larger is read in blocks, and its parts grow with it.
_LARGE_BYTES: Final = 4 * limits.MIB
_BLOCK_BYTES: Final = 2**20
#: A large text has about so many parts.
_PARTS: Final = 1000


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield the document in parts that end at paragraphs; of a large one, at lines.

    Raises:
        CorruptError: The bytes are no text.
        TooLargeError: It is larger than a text that is read.
    """
    path = files.inputs / params["path"]
    size_bytes = path.stat().st_size
    if size_bytes > limits.TEXT_BYTES:
        raise TooLargeError(
            f"A text of more than {limits.TEXT_BYTES // limits.MIB} MiB is not read: "
            "divide the file, and process its parts."
        )
    with path.open("rb") as file:
        data = file.read(_LARGE_BYTES)
    is_whole = size_bytes <= len(data)
    encoding = charset(data, whole=is_whole)
    if encoding is None:
        raise CorruptError("The file is no text: it holds bytes that no text has.")
    skip = params.get("skip_pages") or ()
    if is_whole:
        text = data.decode(encoding, errors="replace")
        is_prose = params.get("mime_type") in {None, _PROSE}
        yield from document(
            blocks_of(tidy(text)) if is_prose else list(_code(text)),
            metadata={"encoding": encoding},
            engine=ENGINE,
            reason=_REASON,
            skip_parts=skip,
        )
    else:
        yield from _large(path, encoding, size_bytes // _PARTS, frozenset(skip))


def _code(text: str) -> Iterator[Block]:
    """A program or a list of settings: every space of it counts."""
    rest = without_controls(text).strip("\n")
    while rest.strip():
        cut = len(rest)
        if cut > 2 * PART_CHARACTERS:
            cut = rest.rfind("\n", PART_CHARACTERS // 2, PART_CHARACTERS) + 1
            cut = cut or PART_CHARACTERS
        piece, rest = rest[:cut].rstrip("\n"), rest[cut:]
        fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(piece)), default=0))
        yield Block(text=piece, markdown=f"{fence}\n{piece}\n{fence}")


def _large(
    path: Path, encoding: str, characters: int, skip: frozenset[int]
) -> Iterator[JsonObject]:
    characters = max(characters, PART_CHARACTERS)
    count = sum(1 for _ in _parts(path, encoding, characters))
    yield DocumentInfo(page_count=count, metadata={"encoding": encoding}).model_dump(
        mode="json"
    )
    for number, part in enumerate(_parts(path, encoding, characters), 1):
        if number not in skip:
            began = time.perf_counter()
            text = tidy(part)
            yield PageText(
                number=number,
                status=PageStatus.OK if text else PageStatus.EMPTY,
                text=text,
                engine=ENGINE,
                reason=_REASON,
                milliseconds=round((time.perf_counter() - began) * 1000, 2),
            ).model_dump(mode="json")


def _parts(path: Path, encoding: str, characters: int) -> Iterator[str]:
    """Pieces of about so many characters, cut at a line where there is one."""
    rest = ""
    for text in _decoded(path, encoding):
        rest += text
        while len(rest) > 2 * characters:
            cut = rest.rfind("\n", characters // 2, characters) + 1
            cut = cut or rest.rfind(" ", characters // 2, characters) + 1 or characters
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            yield decoder.decode(block)
    yield decoder.decode(b"", final=True)
