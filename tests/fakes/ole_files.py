"""Compound files written by hand, and the older Office and Outlook files in them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_SECTOR, _MINI, _SMALL = 512, 64, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD

#: Name -> a stream's bytes, or a folder of such.
Tree = Mapping[str, "bytes | Tree"]


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    child: int = _FREE
    right: int = _FREE
    start: int = _END


@dataclass
class _Writer:
    entries: list[_Entry] = field(default_factory=list)
    sectors: list[bytes] = field(default_factory=list)
    fat: list[int] = field(default_factory=list)
    mini: bytearray = field(default_factory=bytearray)
    mini_fat: list[int] = field(default_factory=list)

    def folder(self, tree: Tree) -> int:
        """Add the entries of one folder, each the right one of its neighbour."""
        first, last = _FREE, None
        for name, value in sorted(
            tree.items(), key=lambda one: (len(one[0]), one[0].upper())
        ):
            number = len(self.entries)
            is_stream = isinstance(value, bytes)
            self.entries.append(_Entry(name, 2 if is_stream else 1))
            if isinstance(value, bytes):
                self.entries[number].data = value
            else:
                self.entries[number].child = self.folder(value)
            if last is None:
                first = number
            else:
                self.entries[last].right = number
            last = number
        return first

    def chain(self, data: bytes) -> int:
        """Put data into sectors; tell the first."""
        start = len(self.sectors)
        for at in range(0, len(data), _SECTOR):
            self.sectors.append(data[at : at + _SECTOR].ljust(_SECTOR, b"\0"))
            self.fat.append(len(self.sectors))
        if len(self.sectors) == start:
            return _END
        self.fat[-1] = _END
        return start

    def mini_chain(self, data: bytes) -> int:
        """The same for a small stream."""
        start = len(self.mini_fat)
        for at in range(0, len(data), _MINI):
            self.mini += data[at : at + _MINI].ljust(_MINI, b"\0")
            self.mini_fat.append(len(self.mini_fat) + 1)
        if len(self.mini_fat) == start:
            return _END
        self.mini_fat[-1] = _END
        return start

    def entry(self, one: _Entry) -> bytes:
        name = one.name.encode("utf-16-le") + b"\0\0"
        return struct.pack(
            "<64sHBBIII36xIII",
            name,
            len(name),
            one.kind,
            1,
            _FREE,
            one.right,
            one.child,
            one.start,
            len(one.data),
            0,
        )


def ole_file(tree: Tree) -> bytes:
    """A compound file with these streams and folders; at most 100 sectors of table."""
    writer = _Writer()
    root = _Entry("Root Entry", 5)
    writer.entries.append(root)
    root.child = writer.folder(tree)
    for one in writer.entries:
        if one.kind == 2:
            small = len(one.data) < _SMALL
            one.start = (writer.mini_chain if small else writer.chain)(one.data)
    root.data = bytes(writer.mini)
    root.start = writer.chain(root.data)
    mini_fat = b"".join(struct.pack("<I", one) for one in writer.mini_fat)
    mini_start = writer.chain(mini_fat.ljust(-(-len(mini_fat) // 512) * 512, b"\xff"))
    mini_count = -(-len(mini_fat) // _SECTOR)
    directory = b"".join(map(writer.entry, writer.entries))
    directory_start = writer.chain(directory)
    count = 1
    while count * 128 < len(writer.sectors) + count:
        count += 1
    fat_start = len(writer.sectors)
    fat = [*writer.fat, *[_FAT] * count]
    packed = b"".join(struct.pack("<I", one) for one in fat)
    packed = packed.ljust(count * _SECTOR, b"\xff")
    difat = [*range(fat_start, fat_start + count)]
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E,
        3,
        0xFFFE,
        9,
        6,
        0,
        count,
        directory_start,
        0,
        _SMALL,
        mini_start,
        mini_count,
        _END,
        0,
    )
    header += b"".join(struct.pack("<I", one) for one in difat).ljust(436, b"\xff")
    return header + b"".join(writer.sectors) + packed


def doc_file(
    text: str, *, flags: int = 0x0200, parts: Mapping[int, int] | None = None
) -> bytes:
    """A Word 97 document of one piece of UTF-16; its header has no styles.

    Args:
        text: Body and what follows it, each paragraph ended by a carriage return.
        flags: Of the header.
        parts: Number of a part (0 is the body) -> its length in characters.
    """
    units = text.encode("utf-16-le")
    start = 2048
    counts = [0] * 8
    counts[0] = len(units) // 2
    for number, length in (parts or {}).items():
        counts[number] = length
    pieces = struct.pack("<II", 0, len(units) // 2) + struct.pack("<HIH", 0, start, 0)
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    main = bytearray(start)
    struct.pack_into("<HH", main, 0, 0xA5EC, 0xC1)
    struct.pack_into("<H", main, 0x0A, flags)
    struct.pack_into("<8i", main, 0x4C, *counts)
    struct.pack_into("<II", main, 0x1A2, 0, len(clx))
    return ole_file({"WordDocument": bytes(main) + units, "1Table": clx})


def _record(
    kind: int, body: bytes, *, instance: int = 0, container: bool = False
) -> bytes:
    head = instance << 4 | (0xF if container else 0)
    return struct.pack("<HHI", head, kind, len(body)) + body


def ppt_file(slides: list[tuple[str, str, str]], *, token: int = 0xE391C05F) -> bytes:
    """A PowerPoint 97 file: each slide has a title, a body and a text box."""
    lists = b""
    parts: list[bytes] = []
    for number, (title, body, box) in enumerate(slides, 1):
        lists += _record(
            0x03F3, struct.pack("<IIiII", number + 1, 0, 2, 255 + number, 0)
        )
        lists += _record(0x0F9F, struct.pack("<I", 0))
        lists += _record(0x0FA0, title.encode("utf-16-le"))
        lists += _record(0x0F9F, struct.pack("<I", 1))
        lists += _record(0x0FA8, body.encode("latin-1"))
        text = _record(0x0F9F, struct.pack("<I", 4)) + _record(
            0x0FA0, box.encode("utf-16-le")
        )
        drawing = _record(0x040C, _record(0xF00D, text, container=True), container=True)
        parts.append(_record(0x03EE, drawing, container=True))
    document = _record(
        0x03E8, _record(0x0FF0, lists, container=True, instance=0), container=True
    )
    stream = document
    places = [0]
    for part in parts:
        places.append(len(stream))
        stream += part
    directory = len(stream)
    told = struct.pack("<I", 1 | len(places) << 20)
    stream += _record(0x1772, told + b"".join(struct.pack("<I", p) for p in places))
    edit = len(stream)
    stream += _record(0x0FF5, struct.pack("<IIIIIIHH", 0, 0, 0, directory, 1, 9, 0, 0))
    user = struct.pack(
        "<HHIIIIHHBBH", 0, 0x0FF6, 24, 20, token, edit, 0, 0x03F4, 3, 0, 0
    )
    return ole_file({"PowerPoint Document": stream, "Current User": user})


def msg_file(tree: Tree, *, sent_at: int | None = None) -> bytes:
    """An Outlook mail of these streams; `sent_at` in ticks of its clock."""
    fixed = b"\0" * 32
    if sent_at is not None:
        fixed += struct.pack("<HHIQ", 0x0040, 0x0039, 6, sent_at)
    return ole_file({"__properties_version1.0": fixed, **tree})


def msg_text(number: int, text: str) -> dict[str, bytes]:
    """One text of an Outlook mail."""
    return {f"__substg1.0_{number:04X}001F": text.encode("utf-16-le")}


def xls_file(rows: list[list[float | str]], *, name: str = "Sheet") -> bytes:
    """An Excel 97 workbook of one sheet."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    bof = record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    end = record(0x0A, b"")
    title = bytes([len(name), 0]) + name.encode("latin-1")
    at = len(bof) + 4 + 6 + len(title) + len(end)
    sheet = record(0x85, struct.pack("<IBB", at, 0, 0) + title)
    cells = record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            place = struct.pack("<HHH", y, x, 0)
            if isinstance(value, str):
                text = value.encode("utf-16-le")
                told = struct.pack("<HB", len(text) // 2, 1) + text
                cells += record(0x204, place + told)
            else:
                cells += record(0x203, place + struct.pack("<d", value))
    return ole_file({"Workbook": (bof + sheet + end + cells + end).ljust(4096, b"\0")})
