"""Items, files and their pages: what is read carries the owner.

What is saved belongs to a file whose owner the task has proved before, and is saved
in the transaction of a stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db, Row
from prsnl.core.errors import NotFoundError
from prsnl.core.ids import new_id
from prsnl.engines.contracts import (
    Chunk,
    DocumentInfo,
    FileType,
    PageStatus,
    PageText,
    TextAnalysis,
    Value,
)
from prsnl.items import naming
from prsnl.items.models import AttachmentView, ItemView, PageView
from prsnl.items.vectors import content_of

_ATTACHMENT: Final = """
select id, item_id, file_name, size_bytes, sha256, mime_type, kind, page_count,
       thumbnail is not null as has_thumbnail, processing_status, processed_at,
       document_type, document_type_confidence, document_type_reason, metadata,
       headings, media, created_at
from attachments
"""

#: What an item shows of itself.
ITEM_COLUMNS: Final = """
id, title, title_source, language, document_date, tags, keywords, entities,
key_sentences, summary, summary_engine, key_points, metadata, ai_enhancement_status,
last_processed_at, created_at, updated_at, deleted_at, user_fields, local_only,
category, category_confidence, category_source, category_reason
"""
_ITEM: Final = f"select {ITEM_COLUMNS} from items"


@dataclass(frozen=True)
class NewFile:
    """A file whose bytes are in the storage."""

    owner: str
    file_name: str
    size_bytes: int
    sha256: str


def add_file(connection: Db, file: NewFile) -> tuple[AttachmentView, bool]:
    """Make an item with one file, or find the owner's same bytes; was it new?

    Two uploads of the same bytes at once end with one item: the second waits for the
    first's commit and finds it. What is found is not emptied from the trash before the
    transaction ends; if it just went, the file is new.
    """
    item_id, attachment_id = new_id(), new_id()
    with connection.transaction():
        connection.execute(
            "select pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"{file.owner}/{file.sha256}"],
        )
        known = find_file(connection, file.sha256, owner=file.owner)
        if known is not None and _is_held(connection, known.item_id):
            return known, False
        connection.execute(
            "insert into items (id, owner, title, title_source) "
            "values (%s, %s, %s, 'file name')",
            [item_id, file.owner, PurePath(file.file_name).stem or file.file_name],
        )
        connection.execute(
            "insert into attachments (id, item_id, owner, file_name, size_bytes, "
            "sha256) values (%s, %s, %s, %s, %s, %s)",
            [
                attachment_id,
                item_id,
                file.owner,
                file.file_name,
                file.size_bytes,
                file.sha256,
            ],
        )
        return attachment(connection, attachment_id, owner=file.owner), True


def _is_held(connection: Db, item_id: UUID) -> bool:
    row = connection.execute(
        "select 1 from items where id = %s for key share", [item_id]
    ).fetchone()
    return row is not None


def find_file(connection: Db, sha256: str, *, owner: str) -> AttachmentView | None:
    """The owner's uploaded file with these bytes."""
    row = connection.execute(
        f"{_ATTACHMENT} where owner = %s and sha256 = %s and origin = 'upload'",
        [owner, sha256],
    ).fetchone()
    return None if row is None else AttachmentView(**row)


def attachment(connection: Db, attachment_id: UUID, *, owner: str) -> AttachmentView:
    """One file.

    Raises:
        NotFoundError: No such file of this owner.
    """
    row = connection.execute(
        f"{_ATTACHMENT} where id = %s and owner = %s", [attachment_id, owner]
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such file.")
    return AttachmentView(**row)


def thumbnail(connection: Db, attachment_id: UUID, *, owner: str) -> str:
    """The storage name of a file's picture.

    Raises:
        NotFoundError: No such file of this owner, or it has no picture.
    """
    row = connection.execute(
        "select thumbnail from attachments where id = %s and owner = %s",
        [attachment_id, owner],
    ).fetchone()
    if row is None or row["thumbnail"] is None:
        raise NotFoundError("There is no picture of this file.")
    return str(row["thumbnail"])


def item(connection: Db, item_id: UUID, *, owner: str) -> ItemView:
    """One item with its files.

    Raises:
        NotFoundError: No such item of this owner.
    """
    found = _items(
        connection, f"{_ITEM} where id = %s and owner = %s", [item_id, owner]
    )
    if not found:
        raise NotFoundError("There is no such item.")
    return found[0]


def items(
    connection: Db, *, owner: str, before: UUID | None = None, limit: int = 50
) -> list[ItemView]:
    """The owner's items, newest first; the next page begins *before* the last id."""
    return _items(
        connection,
        f"{_ITEM} where owner = %s and (%s::uuid is null or id < %s) "
        "and deleted_at is null order by id desc limit %s",
        [owner, before, before, limit],
    )


def items_of(connection: Db, ids: list[UUID], *, owner: str) -> list[ItemView]:
    """The owner's items of these ids, in any order."""
    return _items(
        connection, f"{_ITEM} where id = any(%s) and owner = %s", [ids, owner]
    )


def _items(connection: Db, statement: str, values: list[Any]) -> list[ItemView]:
    return with_files(connection, connection.execute(statement, values).fetchall())


def with_files(connection: Db, rows: list[Row]) -> list[ItemView]:
    """Rows of items, each with its files."""
    files = connection.execute(
        f"{_ATTACHMENT} where item_id = any(%s) order by id",
        [[row["id"] for row in rows]],
    ).fetchall()
    views = [AttachmentView(**file) for file in files]
    return [
        ItemView(
            **row
            | {
                "entities": naming.laid_over(row["entities"], row["metadata"]),
                "attachments": [v for v in views if v.item_id == row["id"]],
            }
        )
        for row in rows
    ]


def pages(connection: Db, attachment_id: UUID, *, owner: str) -> list[PageView]:
    """The page ledger of a file, with the texts.

    Raises:
        NotFoundError: No such file of this owner.
    """
    return page_range(connection, attachment_id, owner=owner, after=0, limit=None)


def page_range(
    connection: Db,
    attachment_id: UUID,
    *,
    owner: str,
    after: int,
    limit: int | None,
) -> list[PageView]:
    """The pages that follow page *after*, at most *limit* of them.

    Raises:
        NotFoundError: No such file of this owner.
    """
    attachment(connection, attachment_id, owner=owner)
    rows = connection.execute(
        "select number, status, text, markdown, engine, reason, confidence, "
        "milliseconds, error, label, run, links, recognition from attachment_pages "
        "where attachment_id = %s and number > %s order by number limit %s",
        [attachment_id, after, limit],
    ).fetchall()
    return [PageView(**row) for row in rows]


def text(connection: Db, attachment_id: UUID, *, owner: str) -> str:
    """All pages' text, a blank line between pages; there while the job still runs."""
    return "\n\n".join(
        page.text for page in pages(connection, attachment_id, owner=owner) if page.text
    )


def save_type(connection: Db, attachment_id: UUID, told: FileType) -> None:
    """Keep what a file is."""
    connection.execute(
        "update attachments set mime_type = %s, kind = %s where id = %s",
        [told.mime_type, told.kind, attachment_id],
    )


def save_info(connection: Db, attachment_id: UUID, info: DocumentInfo) -> None:
    """Keep what a document says of itself."""
    connection.execute(
        "update attachments set page_count = %s, metadata = %s, headings = %s "
        "where id = %s",
        [
            info.page_count,
            Jsonb(info.metadata),
            Jsonb([heading.model_dump() for heading in info.headings]),
            attachment_id,
        ],
    )
    connection.execute(
        "delete from attachment_pages where attachment_id = %s and number > %s",
        [attachment_id, info.page_count],
    )


def save_pages(
    connection: Db, attachment_id: UUID, read: Iterable[PageText], *, run: int = 0
) -> None:
    """Keep pages; one that was read again takes the old one's place."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            insert into attachment_pages (attachment_id, number, status, text, raw_text,
                markdown, engine, reason, confidence, milliseconds, error, label, run,
                edges, links, recognition)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (attachment_id, number) do update set
                status = excluded.status, text = excluded.text,
                raw_text = excluded.raw_text, markdown = excluded.markdown,
                engine = excluded.engine, reason = excluded.reason,
                confidence = excluded.confidence,
                milliseconds = excluded.milliseconds, error = excluded.error,
                label = excluded.label, run = excluded.run, edges = excluded.edges,
                links = excluded.links, recognition = excluded.recognition,
                read_text = null, read_markdown = null
            """,
            [
                [
                    attachment_id,
                    page.number,
                    str(page.status),
                    page.text,
                    page.raw_text,
                    page.markdown,
                    page.engine,
                    page.reason,
                    page.confidence,
                    page.milliseconds,
                    page.error,
                    page.label,
                    run,
                    Jsonb([edge.model_dump() for edge in page.edges]),
                    Jsonb([link.model_dump() for link in page.links]),
                    _json(page.recognition),
                ]
                for page in read
            ],
        )


def _json(value: Value | None) -> Jsonb | None:
    return None if value is None else Jsonb(value.model_dump(mode="json"))


def save_text(connection: Db, attachment_id: UUID, plain: str) -> None:
    """Keep the whole text; from here on the file counts as processed."""
    connection.execute(
        "update attachments set extracted_text = %s, processing_status = 'completed', "
        "processed_at = now() where id = %s",
        [plain, attachment_id],
    )
    connection.execute(
        "update items set last_processed_at = now(), updated_at = now() "
        "where id = (select item_id from attachments where id = %s)",
        [attachment_id],
    )


def save_thumbnail(connection: Db, attachment_id: UUID, name: str) -> None:
    """Keep the storage name of a picture."""
    connection.execute(
        "update attachments set thumbnail = %s where id = %s", [name, attachment_id]
    )


def save_analysis(
    connection: Db,
    attachment_id: UUID,
    analysis: TextAnalysis,
    on_item: bool = True,  # noqa: FBT001, FBT002 - one shape for every kind of result
) -> None:
    """Keep an analysis on the file and its item."""
    told = analysis.model_dump(mode="json")
    connection.execute(
        "update attachments set ai_analysis = %s where id = %s",
        [Jsonb(told), attachment_id],
    )
    if not on_item:
        return
    # What a person has set stays as it is.
    connection.execute(
        """
        update items
        set title = case when 'title' = any(user_fields) then title
                         else %(title)s end,
            title_source = case when 'title' = any(user_fields) then title_source
                                else %(source)s end,
            language = case when 'language' = any(user_fields) then language
                            else %(language)s end,
            document_date = case when 'document_date' = any(user_fields)
                                 then document_date else %(date)s end,
            tags = case when 'tags' = any(user_fields) then tags else %(tags)s end,
            keywords = %(keywords)s, entities = %(entities)s,
            ai_enhancement_status = %(engine)s, last_processed_at = now(),
            updated_at = now()
        where id = (select item_id from attachments where id = %(id)s)
        """,
        {
            "id": attachment_id,
            "title": analysis.title,
            "source": analysis.title_source,
            "language": analysis.language,
            "date": analysis.document_date,
            "tags": list(analysis.tags),
            "keywords": Jsonb(told["keywords"]),
            "entities": Jsonb(told["entities"]),
            "engine": analysis.engine,
        },
    )


def save_passages(connection: Db, attachment_id: UUID, chunks: Sequence[Chunk]) -> None:
    """Keep a file's chunks, and no others; vectors stand beside, by the text's hash."""
    connection.execute(
        "delete from chunks where attachment_id = %s and number > %s",
        [attachment_id, len(chunks)],
    )
    connection.execute(
        """
        insert into chunks (attachment_id, number, item_id, owner, text, content,
            page_from, page_to, start_offset, end_offset)
        select a.id, c.number, a.item_id, a.owner, c.text, c.content, c.page_from,
               c.page_to, c.start_offset, c.end_offset
        from attachments a,
             unnest(%(numbers)s::integer[], %(texts)s::text[], %(contents)s::bytea[],
                    %(from)s::integer[], %(to)s::integer[], %(starts)s::integer[],
                    %(ends)s::integer[])
                 as c (number, text, content, page_from, page_to, start_offset,
                       end_offset)
        where a.id = %(attachment)s
        on conflict (attachment_id, number) do update set
            text = excluded.text, content = excluded.content,
            page_from = excluded.page_from, page_to = excluded.page_to,
            start_offset = excluded.start_offset, end_offset = excluded.end_offset
        """,
        {
            "attachment": attachment_id,
            "numbers": [chunk.number for chunk in chunks],
            "texts": [chunk.text for chunk in chunks],
            "contents": [content_of(chunk.text) for chunk in chunks],
            "from": [chunk.page_from for chunk in chunks],
            "to": [chunk.page_to for chunk in chunks],
            "starts": [chunk.start for chunk in chunks],
            "ends": [chunk.end for chunk in chunks],
        },
    )


def readable_pages(
    connection: Db, attachment_id: UUID, *, owner: str
) -> list[dict[str, Any]]:
    """Number and text of the pages that have some: what an analysis reads."""
    return [
        {"number": page.number, "text": page.text}
        for page in pages(connection, attachment_id, owner=owner)
        if page.status == PageStatus.OK
    ]
