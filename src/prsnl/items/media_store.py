"""What is kept of a recording beside its text: what it is, its chapters, its frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from prsnl.core.db import Db
from prsnl.core.errors import NotFoundError
from prsnl.engines.media.contract import Chapter, MediaInfo
from prsnl.items import store
from prsnl.items.models import FrameView


@dataclass(frozen=True, kw_only=True)
class KeyFrame:
    """A frame on its way to its row; its picture is in the storage."""

    time_s: float
    start_s: float
    end_s: float
    width: int
    height: int
    blob: str


def save_media(connection: Db, attachment_id: UUID, info: MediaInfo) -> None:
    """Keep what a recording is."""
    told = info.model_dump(mode="json", exclude={"kind", "mime_type", "warnings"})
    if not info.chapters:
        del told["chapters"]  # those that its speech told stay
    connection.execute(
        "update attachments set mime_type = %s, kind = %s, "
        "media = coalesce(media, '{}') || %s, metadata = %s where id = %s",
        [
            info.mime_type,
            info.kind,
            Jsonb(told),
            Jsonb(dict(info.tags)),
            attachment_id,
        ],
    )
    if title := info.tags.get("title"):
        connection.execute(
            "update items set title = %s, title_source = 'metadata', "
            "updated_at = now() where title_source = 'file name' and id = "
            "(select item_id from attachments where id = %s)",
            [title, attachment_id],
        )


def save_chapters(
    connection: Db, attachment_id: UUID, chapters: Sequence[Chapter], source: str | None
) -> None:
    """Keep the parts of a recording, and what told them."""
    told = {
        "chapters": [one.model_dump(mode="json") for one in chapters],
        "chapters_from": source,
    }
    connection.execute(
        "update attachments set media = coalesce(media, '{}') || %s where id = %s",
        [Jsonb(told), attachment_id],
    )


def save_lessons(connection: Db, attachment_id: UUID, told: Mapping[str, Any]) -> None:
    """Keep what a recording teaches, and what told it."""
    connection.execute(
        "update attachments set media = coalesce(media, '{}') || %s where id = %s",
        [Jsonb({"lessons": dict(told)}), attachment_id],
    )


def save_frames(
    connection: Db, attachment_id: UUID, frames: Sequence[KeyFrame]
) -> list[str]:
    """Keep key frames in place of older ones; tell the blobs of those."""
    old = connection.execute(
        "delete from attachment_frames where attachment_id = %s returning blob",
        [attachment_id],
    ).fetchall()
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into attachment_frames (attachment_id, number, time_s, start_s, "
            "end_s, width, height, blob) values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                [
                    attachment_id,
                    number,
                    one.time_s,
                    one.start_s,
                    one.end_s,
                    one.width,
                    one.height,
                    one.blob,
                ]
                for number, one in enumerate(frames, start=1)
            ],
        )
    return [row["blob"] for row in old]


def save_frame_text(
    connection: Db, attachment_id: UUID, number: int, text: str
) -> None:
    """Keep what stands on a frame."""
    connection.execute(
        "update attachment_frames set text = %s "
        "where attachment_id = %s and number = %s",
        [text, attachment_id, number],
    )


def frames(connection: Db, attachment_id: UUID, *, owner: str) -> list[FrameView]:
    """The key frames of a file, in the order of time.

    Raises:
        NotFoundError: No such file of this owner.
    """
    store.attachment(connection, attachment_id, owner=owner)
    rows = connection.execute(
        "select number, time_s, start_s, end_s, width, height, text "
        "from attachment_frames where attachment_id = %s order by number",
        [attachment_id],
    ).fetchall()
    return [FrameView(**row) for row in rows]


def frame_blob(connection: Db, attachment_id: UUID, number: int, *, owner: str) -> str:
    """The storage name of one frame.

    Raises:
        NotFoundError: No such file of this owner, or no such frame of it.
    """
    store.attachment(connection, attachment_id, owner=owner)
    row = connection.execute(
        "select blob from attachment_frames where attachment_id = %s and number = %s",
        [attachment_id, number],
    ).fetchone()
    if row is None:
        raise NotFoundError("There is no such frame of this file.")
    return str(row["blob"])
