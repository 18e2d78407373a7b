"""Pages as they were read, and as they are shown once running lines are left out."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from prsnl.core.db import Db
from prsnl.engines.contracts import PageText


def read_pages(
    connection: Db, attachment_id: UUID, *, but: frozenset[int] = frozenset()
) -> dict[int, PageText]:
    """The pages of a file as they were read, by number, in order.

    Args:
        connection: Where they are.
        attachment_id: The file; its owner was proved before.
        but: Numbers of pages that are left out.
    """
    rows = connection.execute(
        "select number, status, coalesce(read_text, text) as text, raw_text, "
        "coalesce(read_markdown, markdown) as markdown, engine, reason, confidence, "
        "milliseconds, error, label, edges, links, recognition from attachment_pages "
        "where attachment_id = %s and not number = any(%s) order by number",
        [attachment_id, sorted(but)],
    ).fetchall()
    return {row["number"]: PageText.model_validate(row) for row in rows}


def newest_run(connection: Db, attachment_id: UUID) -> int:
    """How often pages of a file were done again."""
    row = connection.execute(
        "select coalesce(max(run), 0) as run from attachment_pages "
        "where attachment_id = %s",
        [attachment_id],
    ).fetchone()
    return int(row["run"]) if row else 0


def save_cleaned(
    connection: Db, attachment_id: UUID, changed: Mapping[int, PageText]
) -> None:
    """Show pages without their running lines; all others as they were read."""
    connection.execute(
        "update attachment_pages set text = read_text, markdown = read_markdown, "
        "read_text = null, read_markdown = null "
        "where attachment_id = %s and read_text is not null",
        [attachment_id],
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            "update attachment_pages set read_text = text, read_markdown = markdown, "
            "text = %s, markdown = %s where attachment_id = %s and number = %s",
            [
                [page.text, page.markdown, attachment_id, number]
                for number, page in changed.items()
            ],
        )
