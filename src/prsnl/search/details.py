"""What a hit shows of its item, its page and its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from prsnl.core.db import Db
from prsnl.core.storage import Storage
from prsnl.media_processing import captions
from prsnl.search.ranking import Candidate, Key
from prsnl.wire.search import Place, PlaceKind

#: A page that was read with less confidence may be wrong.
_SURE: Final = 0.8
#: A longer text's lines are not counted.
_COUNTED_BYTES: Final = 2**20
_PAGED: Final = frozenset({"pdf", "tiff", "pptx", "ppt", "odp"})
_SLIDES: Final = frozenset({"pptx", "ppt", "odp"})

_ABOUT: Final = """
select w.file as attachment_id, w.page, i.id as item_id, i.title, i.tags, i.category,
       i.document_date, a.file_name, a.kind, a.document_type, a.size_bytes, a.sha256,
       a.page_count, p.label, p.confidence, p.recognition ->> 'warning' as warning,
       coalesce(t.from_s, f.time_s) as time_s, t.phrases, t.quality
from unnest(%(files)s::uuid[], %(pages)s::integer[]) as w (file, page)
join attachments a on a.id = w.file
join items i on i.id = a.item_id
left join attachment_pages p on p.attachment_id = w.file and p.number = w.page
left join transcript_segments t on t.attachment_id = w.file and t.number = w.page
left join attachment_frames f on f.attachment_id = w.file and f.number = w.page
where i.owner = %(owner)s and i.deleted_at is null
"""

_TEXTS: Final = """
select w.file as attachment_id, w.page, coalesce(s.start_offset, 0) as start_at,
       case when s.part > 1 then substr(p.text, s.start_offset + 1, 12000)
            else p.text end as text
from unnest(%(files)s::uuid[], %(pages)s::integer[], %(parts)s::integer[])
     as w (file, page, part)
join attachments a on a.id = w.file and a.owner = %(owner)s
join attachment_pages p on p.attachment_id = w.file and p.number = w.page
left join search_pages s
  on s.attachment_id = w.file and s.page = w.page and s.part = w.part
"""


@dataclass(frozen=True)
class About:
    """A page, its file and its item."""

    item_id: UUID
    title: str
    tags: list[str]
    category: str | None
    document_date: date | None
    file_name: str
    kind: str | None
    document_type: str | None
    size_bytes: int
    sha256: str
    page_count: int | None
    label: str | None
    confidence: float | None
    warning: str | None
    #: Where in a recording it begins, in seconds; None of other files.
    time_s: float | None
    #: What one voice says in one go, with `from_s` and `text`.
    phrases: list[dict[str, Any]] | None
    #: Of a transcript: "draft" or "full".
    quality: str | None

    @property
    def doubt(self) -> str | None:
        """Why its text may be wrong, in a sentence."""
        if self.quality is not None:
            return captions.DRAFT_BANNER if self.quality == "draft" else None
        if self.warning:
            return self.warning
        if self.confidence is not None and self.confidence < _SURE:
            return (
                f"Read from a picture, {100 * self.confidence:.0f} % sure: words may "
                "be wrong."
            )
        return None


def about(
    connection: Db, candidates: Sequence[Candidate], *, owner: str
) -> dict[Key, About]:
    """What is told of each; what went meanwhile, or to the trash, is not there."""
    rows = connection.execute(
        _ABOUT,
        {
            "owner": owner,
            "files": [one.attachment_id for one in candidates],
            "pages": [one.page for one in candidates],
        },
    ).fetchall()
    return {(row.pop("attachment_id"), row.pop("page")): About(**row) for row in rows}


@dataclass(frozen=True)
class PageText:
    """The text of a page, or of a stretch of a long one."""

    text: str
    #: Where it begins in the page.
    start: int


NO_TEXT: Final = PageText("", 0)


def texts(
    connection: Db, candidates: Sequence[Candidate], *, owner: str
) -> dict[Key, PageText]:
    """The text that each one's snippet is cut from."""
    rows = connection.execute(
        _TEXTS,
        {
            "owner": owner,
            "files": [one.attachment_id for one in candidates],
            "pages": [one.page for one in candidates],
            "parts": [one.part for one in candidates],
        },
    ).fetchall()
    return {
        (row["attachment_id"], row["page"]): PageText(row["text"], row["start_at"])
        for row in rows
    }


def first_pages(
    connection: Db, item_ids: Sequence[UUID], *, but: str, owner: str
) -> dict[UUID, Key]:
    """The first page with text of each item; of one without any, its first file's.

    Args:
        connection: For the pages.
        item_ids: The items.
        but: A tsquery that each page of an item fits, or empty.
        owner: Whose items.
    """
    rows = connection.execute(
        """
        select distinct on (a.item_id) a.item_id, a.id as attachment_id,
               coalesce(p.number, 1) as page
        from attachments a
        left join attachment_pages p on p.attachment_id = a.id and p.text <> ''
        where a.item_id = any(%(items)s) and a.owner = %(owner)s
          and (%(but)s = '' or not exists (
              select from search_pages s
              where s.item_id = a.item_id and not s.words @@ %(but)s::tsquery))
        order by a.item_id, p.number is null, a.id, p.number
        """,
        {"items": list(item_ids), "owner": owner, "but": but},
    ).fetchall()
    return {row["item_id"]: (row["attachment_id"], row["page"]) for row in rows}


def place(
    connection: Db, storage: Storage, key: Key, told: About, *, page_offset: int
) -> Place:
    """How the place is told, and where a program opens it.

    Args:
        connection: For the pages before.
        storage: Has the file, whose lines are counted.
        key: Which page of which file.
        told: About it.
        page_offset: In the page's text, in characters.
    """
    number = key[1]
    kind = told.kind or ""
    if told.time_s is not None:
        time_s = _moment(told, page_offset)
        return Place(
            kind=PlaceKind.TIME, text=captions.clock(time_s), page=number, time_s=time_s
        )
    if kind == "text":
        line = _line(connection, storage, key, told, page_offset)
        if line is not None:
            return Place(
                kind=PlaceKind.LINE,
                text=f"{told.file_name}:{line}",
                page=number,
                line=line,
            )
    unit = "slide" if kind in _SLIDES else "page" if kind in _PAGED else "part"
    return Place(
        kind=PlaceKind.PAGE if kind in _PAGED else PlaceKind.PART,
        text=f"{unit} {told.label or number}",
        page=number,
    )


def _moment(told: About, offset: int) -> float:
    """When it is said, by the phrase that an offset of the text is in."""
    found = told.time_s or 0.0
    place = 0
    for phrase in told.phrases or ():
        if place > offset:
            break
        found = float(phrase["from_s"])
        place += len(phrase["text"]) + 1
    return found


def _line(
    connection: Db, storage: Storage, key: Key, told: About, page_offset: int
) -> int | None:
    """The line of the file that a place is in; None if it cannot be told.

    Of a text only what is not a word was changed when it was read: its lines are found
    again in the file, the same line as often as it stood before.
    """
    if told.size_bytes > _COUNTED_BYTES:
        return None
    rows = connection.execute(
        "select number, text from attachment_pages "
        "where attachment_id = %s and number <= %s order by number",
        list(key),
    ).fetchall()
    if not rows or rows[-1]["number"] != key[1]:
        return None
    here: str = rows[-1]["text"]
    wanted = here[here.rfind("\n", 0, page_offset) + 1 :].split("\n", 1)[0].strip()
    if not wanted:
        return None
    before = [line for row in rows[:-1] for line in row["text"].split("\n")]
    before += here[:page_offset].split("\n")[:-1]
    times = sum(line.strip() == wanted for line in before)
    return _nth(_lines(storage, told.sha256), wanted, times)


def _lines(storage: Storage, sha256: str) -> list[str]:
    with storage.open(sha256) as file:
        data: bytes = file.read()
    return data.decode("utf-8", errors="replace").splitlines()


def _nth(lines: Sequence[str], wanted: str, times: int) -> int | None:
    for number, line in enumerate(lines, start=1):
        if line.strip() == wanted:
            if not times:
                return number
            times -= 1
    return None


def address(item_id: UUID, key: Key) -> str:
    """The page of this server that opens a place."""
    return f"/items/{item_id}?file={key[0]}&page={key[1]}#page-{key[1]}"
