"""A document that is an archive of XML: opened and read within limits.

Nothing is ever unpacked to a path: a member's name is a label.
"""

from __future__ import annotations

import os
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final, cast
from urllib.parse import unquote
from xml.etree import ElementTree as ET
from xml.parsers import expat

from prsnl.core.errors import CorruptError, EncryptedError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.documents import LOCKED

_OLE: Final = b"\xd0\xcf\x11\xe0"
_BLOCK_BYTES: Final = 2**16
_END_RECORD: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_END64_LOCATOR: Final = b"PK\x06\x07"
_END64_LOCATOR_BYTES: Final = 20
_END64_RECORD: Final = b"PK\x06\x06"
_END64_RECORD_BYTES: Final = 56
_COMMENT_BYTES: Final = 2**16
_XML_ENDINGS: Final = (".xml", ".rels", ".opf", ".ncx", ".vml")
#: Relationship types and namespaces of the strict variant end alike.
_RELATIONSHIPS: Final = "_rels/"
UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    ValueError,
)


def name_of(element: ET.Element) -> str:
    """An element's name without its namespace; of a comment, nothing."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: ET.Element, name: str) -> str | None:
    """An attribute by its name without a namespace."""
    for key, value in element.items():
        if key.rpartition("}")[2] == name:
            return value
    return None


def child(element: ET.Element | None, *path: str) -> ET.Element | None:
    """The first descendant along a path of names without namespaces."""
    for name in path:
        if element is None:
            return None
        element = next((one for one in element if name_of(one) == name), None)
    return element


def descendants(element: ET.Element | None, name: str) -> Iterator[ET.Element]:
    """Every element of that name below, in document order."""
    for one in element.iter() if element is not None else ():
        if name_of(one) == name:
            yield one


def parsed_xml(blocks: Iterable[bytes], what: str) -> ET.Element:
    """The root of an XML text that declares no entities.

    Args:
        blocks: Its bytes.
        what: What a person calls it, in an error.

    Raises:
        CorruptError: It declares entities.
        ET.ParseError: It is no XML.
    """
    parser = ET.XMLParser()  # noqa: S314 - no entity gets here, see _Guard
    guard = _Guard(what)
    for block in blocks:
        guard.feed(block)
        parser.feed(block)
    root: ET.Element = parser.close()
    return root


@dataclass(frozen=True)
class Related:
    """What a part of an Office document points to."""

    #: The last word of the relationship's type: "slide", "notesSlide", "hyperlink".
    kind: str
    #: The member's name, or the address of a link.
    target: str


@dataclass(frozen=True)
class Package:
    """An open archive.

    Attributes:
        what: What a person calls the document, in an error: "Word document".
        renames: Namespaces, as bytes, that are read as others.
    """

    archive: zipfile.ZipFile
    what: str
    names: frozenset[str]
    #: The member that holds the text.
    main: str
    renames: tuple[tuple[bytes, bytes], ...] = ()

    def chunks(self, name: str) -> Iterator[bytes]:
        """The bytes of a member, block by block.

        Raises:
            TooLargeError: It unpacks to more than is read.
        """
        seen_bytes = 0
        with self.archive.open(name) as file:
            while block := file.read(_BLOCK_BYTES):
                seen_bytes += len(block)
                if seen_bytes > limits.PACKAGE_XML_BYTES:
                    raise _too_large(self.what, seen_bytes)
                for old, new in self.renames:
                    block = block.replace(old, new)
                yield block

    def read(self, name: str) -> bytes | None:
        """A whole member; None if there is no such one, or it is too large."""
        if name not in self.names:
            return None
        with self.archive.open(name) as file:
            data = file.read(limits.PACKAGE_PART_BYTES + 1)
        return data if len(data) <= limits.PACKAGE_PART_BYTES else None

    def tree(self, name: str) -> ET.Element | None:
        """The XML of a member; None if there is no such one."""
        if name not in self.names:
            return None
        return parsed_xml(self.chunks(name), self.what)

    def elements(self, name: str, *parents: str) -> Iterator[tuple[str, ET.Element]]:
        """The children of some elements, each forgotten after its use.

        Yields:
            The parent's name and the child, complete.
        """
        parser: ET.XMLPullParser[ET.Element] = ET.XMLPullParser(("start", "end"))
        guard = _Guard(self.what)
        known: dict[str, bool] = {}  # a tag -> whether it is one of the parents
        opened_at: list[tuple[int, ET.Element]] = []
        depth = 0
        for block in self.chunks(name):
            guard.feed(block)
            parser.feed(block)
            events = cast("Iterator[tuple[str, ET.Element]]", parser.read_events())
            for event, element in events:
                tag = element.tag
                is_parent = known.get(tag)
                if is_parent is None:
                    is_parent = known[tag] = name_of(element) in parents
                if event == "start":
                    depth += 1
                    if is_parent:
                        opened_at.append((depth, element))
                    continue
                depth -= 1
                if is_parent:
                    opened_at.pop()
                if len(opened_at) == 1 and opened_at[0][0] == depth:
                    parent = opened_at[0][1]
                    yield name_of(parent), element
                    parent.remove(element)
        parser.close()

    def related(self, name: str) -> dict[str, Related]:
        """What a part points to, by the id that its XML uses."""
        folder, _, file = name.rpartition("/")
        root = self.tree(posixpath.join(folder, _RELATIONSHIPS, f"{file}.rels"))
        found = {}
        for one in root if root is not None else ():
            target = one.get("Target") or ""
            if one.get("TargetMode") != "External":
                target = self.resolved(folder, target)
            kind = (one.get("Type") or "").rpartition("/")[2]
            found[one.get("Id") or ""] = Related(kind, target)
        return found

    def resolved(self, folder: str, target: str) -> str:
        """The member that a relative address names; it cannot leave the archive."""
        if target.startswith("/"):
            folder = ""
        path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        return path if path in self.names else unquote(path)


@contextmanager
def opened(
    path: Path,
    *,
    what: str,
    main: str,
    renames: tuple[tuple[bytes, bytes], ...] = (),
) -> Iterator[Package]:
    """Open a document; whatever is wrong with it within the block gets a name.

    Args:
        path: The file.
        what: What a person calls it: "Word document".
        main: The member that holds the text, as nearly every writer calls it.
        renames: See `Package`.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: The archive or its XML is damaged, or nested too deeply.
        TooLargeError: It would unpack to more than is read.
    """
    with path.open("rb") as file:
        if file.read(4) == _OLE:
            raise EncryptedError(LOCKED)
        check_directory(file)
    try:
        with zipfile.ZipFile(path) as archive:
            _check(archive.infolist(), what)
            names = frozenset(archive.namelist())
            package = Package(archive, what, names, main, renames)
            if main not in names:
                package = replace(package, main=_declared_main(package))
            yield package
    except UNREADABLE as error:
        raise CorruptError(
            f"The {what} is damaged: its archive cannot be read."
        ) from error
    except RecursionError as error:
        raise CorruptError(
            f"The {what} is damaged: its XML is nested deeper than people write."
        ) from error
    except (ET.ParseError, expat.ExpatError, LookupError) as error:
        raise CorruptError(f"The {what} is damaged: its XML cannot be read.") from error


def _declared_main(package: Package) -> str:
    """The main part of an Office document that calls it otherwise."""
    for one in package.related("").values():
        if one.kind == "officeDocument" and one.target in package.names:
            return one.target
    raise CorruptError(f"The {package.what} is damaged: it has no text part.")


def check_directory(file: BinaryIO) -> None:
    """Refuse an archive whose table of contents would fill the memory.

    Raises:
        TooLargeError: It is larger than is read.
    """
    size_bytes = file.seek(0, os.SEEK_END)
    tail_bytes = min(size_bytes, _COMMENT_BYTES + _END_BYTES + _END64_LOCATOR_BYTES)
    file.seek(size_bytes - tail_bytes)
    tail = file.read()
    place = tail.rfind(_END_RECORD)
    if place < 0 or len(tail) < place + _END_BYTES:
        return
    (directory_bytes,) = struct.unpack_from("<I", tail, place + 12)
    locator = place - _END64_LOCATOR_BYTES
    if locator >= 0 and tail.startswith(_END64_LOCATOR, locator):
        (where,) = struct.unpack_from("<Q", tail, locator + 8)
        file.seek(min(where, size_bytes))
        record = file.read(_END64_RECORD_BYTES)
        if record.startswith(_END64_RECORD) and len(record) == _END64_RECORD_BYTES:
            (directory_bytes,) = struct.unpack_from("<Q", record, 40)
    if min(directory_bytes, size_bytes) > limits.ARCHIVE_DIRECTORY_BYTES:
        raise TooLargeError(
            f"The archive's table of contents has {directory_bytes // limits.MIB} MiB; "
            f"at most {limits.ARCHIVE_DIRECTORY_BYTES // limits.MIB} MiB are read."
        )


def _check(entries: list[zipfile.ZipInfo], what: str) -> None:
    if len(entries) > limits.PACKAGE_MEMBERS:
        raise TooLargeError(
            f"The {what} consists of {len(entries)} parts; at most "
            f"{limits.PACKAGE_MEMBERS} are read."
        )
    if any(entry.flag_bits & 1 for entry in entries):
        raise EncryptedError(LOCKED)
    size_bytes = sum(
        entry.file_size for entry in entries if entry.filename.endswith(_XML_ENDINGS)
    )
    if size_bytes > limits.PACKAGE_XML_BYTES:
        raise _too_large(what, size_bytes)


def _too_large(what: str, size_bytes: int) -> TooLargeError:
    return TooLargeError(
        f"The {what} unpacks to {size_bytes // limits.MIB} MiB of text structure; at "
        f"most {limits.PACKAGE_XML_BYTES // limits.MIB} MiB are read."
    )


class _Guard:
    """Refuses XML that declares things of its own, before anyone else parses it.

    No document has a use for it, and entities could grow in it. It can only stand
    before the first element, so nothing after that is looked at. A document type that
    merely names a file elsewhere is let through: nobody opens that file.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_past = False
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._pass

    def feed(self, block: bytes) -> None:
        """Look at the next bytes.

        Raises:
            CorruptError: They declare entities.
        """
        if not self._is_past:
            self._parser.Parse(block, False)

    def _refuse(
        self, _name: str, _system: str | None, _public: str | None, declares: int
    ) -> None:
        if declares:
            raise CorruptError(
                f"The {self._what} is damaged: its XML declares entities of its own, "
                "as no document does."
            )

    def _pass(self, *_: object) -> None:
        self._is_past = True
        self._parser.StartElementHandler = None
