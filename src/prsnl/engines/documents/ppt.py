"""PPT: the slides of PowerPoint 97 to 2003, with titles and notes ([MS-PPT])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from prsnl.core.errors import CorruptError, EncryptedError, TooLargeError
from prsnl.engines import limits
from prsnl.engines.cleaning import tidy
from prsnl.engines.contracts import ChildFiles, JsonObject
from prsnl.engines.documents import LOCKED
from prsnl.engines.documents.ole import VERSION, Compound, opened
from prsnl.engines.documents.parts import Block, paged

ENGINE: Final = f"ppt by {VERSION}"
_WHAT: Final = "presentation"
_HEAD_BYTES: Final = 8
_CONTAINER: Final = 0xF
_LOCKED_TOKEN: Final = 0xF3D1C4DF
# Records, by the numbers of [MS-PPT].
_DOCUMENT, _SLIDE, _NOTES, _NOTES_ATOM = 0x03E8, 0x03EE, 0x03F0, 0x03F1
_LIST, _LIST_ENTRY, _EDIT, _DIRECTORY = 0x0FF0, 0x03F3, 0x0FF5, 0x1772
_HEADER, _UTF16, _LATIN, _OUTLINE = 0x0F9F, 0x0FA0, 0x0FA8, 0x0F9E
_TEXT_BOX, _PLACEHOLDER = 0xF00D, 0x0BC3
_SLIDES, _NOTES_PAGES = 0, 2
#: Kinds of text that are a title; and what is no text of its author.
_TITLES: Final = frozenset({0, 6})
_BODY: Final = frozenset({1, 5, 7, 8})
_NOTES_TEXT: Final = 2
_EDITS: Final = 1000


def read(files: ChildFiles, params: JsonObject) -> Iterator[JsonObject]:
    """Yield one page a slide; its notes follow what it shows.

    Raises:
        EncryptedError: It is protected by a password.
        CorruptError: It is damaged.
        TooLargeError: Its records are nested too deeply.
    """
    with opened(files.inputs / params["path"], what=_WHAT) as compound:
        pages = _Deck.of(compound).pages()
        metadata = compound.metadata()
    yield from paged(
        pages,
        metadata=metadata,
        engine=ENGINE,
        reason="the file is PPT",
        skip_parts=params.get("skip_pages") or (),
    )


@dataclass(frozen=True)
class _Record:
    """One record: a container of others, or an atom."""

    kind: int
    instance: int
    is_container: bool
    start: int
    end: int


@dataclass(frozen=True)
class _Text:
    """One text and what kind it is, where that is told."""

    kind: int | None
    words: str


@dataclass(frozen=True)
class _Entry:
    """What the document's list says of one slide: where it is, and its outline."""

    reference: int
    slide_id: int
    texts: list[_Text]


@dataclass(frozen=True)
class _Deck:
    """The stream of a presentation, and where its parts are."""

    data: bytes
    places: dict[int, int]
    document: int

    @classmethod
    def of(cls, compound: Compound) -> _Deck:
        """Follow the edits of a file, the newest first."""
        data = compound.stream("PowerPoint Document")
        user = compound.stream("Current User")
        if data is None or user is None or len(user) < 20:  # noqa: PLR2004
            raise CorruptError(f"The {_WHAT} is damaged: it has no slides.")
        (token, edit) = struct.unpack_from("<II", user, 12)
        if token == _LOCKED_TOKEN:
            raise EncryptedError(LOCKED)
        places: dict[int, int] = {}
        document = None
        for _ in range(_EDITS):
            kind, body = _atom(data, edit)
            if kind != _EDIT or len(body) < 20:  # noqa: PLR2004
                break
            if len(body) >= 32:  # noqa: PLR2004 - it names a session's key
                raise EncryptedError(LOCKED)
            (last, directory, first) = struct.unpack_from("<III", body, 8)
            document = first if document is None else document
            for number, place in _directory(data, directory):
                places.setdefault(number, place)
            if last == 0 or last >= edit:
                break
            edit = last
        if document is None:
            raise CorruptError(f"The {_WHAT} is damaged: its slides cannot be found.")
        return cls(data, places, document)

    def pages(self) -> list[list[Block]]:
        """The blocks of each slide."""
        notes = self._notes()
        return [
            [*self._slide(entry), *notes.get(entry.slide_id, [])]
            for entry in self._entries(_SLIDES)
        ]

    def _records(self, start: int, end: int) -> Iterator[_Record]:
        place = start
        while place + _HEAD_BYTES <= end:
            head, kind, length = struct.unpack_from("<HHI", self.data, place)
            place += _HEAD_BYTES
            last = min(place + length, end)
            yield _Record(kind, head >> 4, head & 0xF == _CONTAINER, place, last)
            place = last

    def _record(self, reference: int) -> _Record | None:
        place = self.places.get(reference)
        if place is None:
            return None
        return next(self._records(place, len(self.data)), None)

    def _entries(self, instance: int) -> Iterator[_Entry]:
        document = self._record(self.document)
        if document is None:
            return
        entry: _Entry | None = None
        kind: int | None = None
        for one in self._records(document.start, document.end):
            if one.kind != _LIST or one.instance != instance:
                continue
            for atom in self._records(one.start, one.end):
                body = self.data[atom.start : atom.end]
                if atom.kind == _LIST_ENTRY and len(body) >= 16:  # noqa: PLR2004
                    if entry is not None:
                        yield entry
                    reference, _, _, slide_id = struct.unpack_from("<IIiI", body)
                    entry = _Entry(reference, slide_id, [])
                elif atom.kind == _HEADER and len(body) >= 4:  # noqa: PLR2004
                    (kind,) = struct.unpack_from("<I", body)
                elif entry is not None and (words := _words(atom.kind, body)):
                    entry.texts.append(_Text(kind, words))
        if entry is not None:
            yield entry

    def _slide(self, entry: _Entry) -> Iterator[Block]:
        record = self._record(entry.reference)
        drawn = []
        if record is not None and record.kind == _SLIDE:
            drawn = list(self._texts(record, entry.texts))
        texts = drawn
        known = {one.words for one in drawn}
        texts = [one for one in entry.texts if one.words not in known] + drawn
        titles = [one for one in texts if one.kind in _TITLES]
        for one in titles:
            if words := " ".join(tidy(one.words).split()):
                yield Block(text=words, markdown=f"# {words}", level=1)
        for one in texts:
            if one not in titles and (words := tidy(one.words)):
                yield _points(words) if one.kind in _BODY else Block(text=words)

    def _texts(
        self, record: _Record, outline: list[_Text], depth: int = 0
    ) -> Iterator[_Text]:
        """The texts that are drawn; some only refer to the outline, by number."""
        if depth > limits.NESTING:
            raise TooLargeError(
                f"The {_WHAT} is nested deeper than any that people make."
            )
        kind: int | None = None
        for one in self._records(record.start, record.end):
            body = self.data[one.start : one.end]
            if one.is_container or one.kind == _TEXT_BOX:
                yield from self._texts(one, outline, depth + 1)
            elif one.kind == _HEADER and len(body) >= 4:  # noqa: PLR2004
                (kind,) = struct.unpack_from("<I", body)
            elif one.kind == _OUTLINE and len(body) >= 4:  # noqa: PLR2004
                (number,) = struct.unpack_from("<I", body)
                if number < len(outline):
                    yield outline[number]
            elif words := _words(one.kind, body):
                yield _Text(kind, words)

    def _notes(self) -> dict[int, list[Block]]:
        """Slide -> what its speaker has noted."""
        found: dict[int, list[Block]] = {}
        for entry in self._entries(_NOTES_PAGES):
            record = self._record(entry.reference)
            if record is None or record.kind != _NOTES:
                continue
            slide = None
            for one in self._records(record.start, record.end):
                if one.kind == _NOTES_ATOM and one.end - one.start >= 4:  # noqa: PLR2004
                    (slide,) = struct.unpack_from("<I", self.data, one.start)
            texts = self._texts(record, entry.texts)
            told = [tidy(one.words) for one in texts if one.kind == _NOTES_TEXT]
            if slide is not None and (text := "\n".join(filter(None, told))):
                found[slide] = [
                    Block(text=f"Notes:\n{text}", markdown=f"**Notes:**\n\n{text}")
                ]
        return found


def _atom(data: bytes, place: int) -> tuple[int, bytes]:
    if place + _HEAD_BYTES > len(data):
        return 0, b""
    _, kind, length = struct.unpack_from("<HHI", data, place)
    return kind, data[place + _HEAD_BYTES :][:length]


def _directory(data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Number of a part -> its place in the stream."""
    kind, body = _atom(data, place)
    at = 0
    while kind == _DIRECTORY and at + 4 <= len(body):
        (told,) = struct.unpack_from("<I", body, at)
        first, count = told & 0xF_FFFF, told >> 20
        at += 4
        for number in range(min(count, (len(body) - at) // 4)):
            yield first + number, struct.unpack_from("<I", body, at + 4 * number)[0]
        at += 4 * count


def _words(kind: int, body: bytes) -> str:
    if kind == _UTF16:
        text = body[: len(body) // 2 * 2].decode("utf-16-le", errors="replace")
    elif kind == _LATIN:
        text = body.decode("latin-1")
    else:
        return ""
    return text.replace("\r", "\n").replace("\x0b", "\n")


def _points(words: str) -> Block:
    lines = [line for line in words.split("\n") if line]
    return Block(text=words, markdown="\n".join(f"- {line}" for line in lines))
