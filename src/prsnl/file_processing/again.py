"""Pages once more: from the request to a task, if no other works on the file."""

from __future__ import annotations

from typing import Any, Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator

from prsnl.core.db import Db
from prsnl.core.errors import ConflictError, NotFoundError
from prsnl.core.shapes import shape
from prsnl.file_processing.specs import (
    PROCESS_DOCUMENT,
    DocumentOptions,
    ProcessDocument,
    Rerun,
    RerunStage,
)
from prsnl.items import store
from prsnl.items.cleaning import newest_run
from prsnl.web.dependencies import Shared
from prsnl.work import secrets
from prsnl.work.repeating import refuse_while_open, run_of_key
from prsnl.work.specs import Command
from prsnl.work.submit import Submitted, submission, submit

_PAGES_MAX: Final = 100_000
_PAGES: Final = {"const": str(RerunStage.PAGES)}
_INTEGER: Final = {"type": "integer"}
#: How pages are named: all together, one by one, or by one end or both of a range.
_WAYS: Final = (
    shape("pages", "from", "to", stage={"const": str(RerunStage.CLEANING)}),
    shape("from", "to", stage=_PAGES, pages={"type": "array"}),
    shape("pages", stage=_PAGES, **{"from": _INTEGER}),
    shape("pages", "from", stage=_PAGES, to=_INTEGER),
)


class RerunRequest(Command):
    """Which stage is done again, and for which pages."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [*_WAYS],
            "examples": [{"stage": "pages", "pages": [2, 3]}],
        }
    )

    stage: RerunStage
    pages: tuple[int, ...] | None = Field(
        None, min_length=1, max_length=_PAGES_MAX, description="Numbers, from 1."
    )
    first: int | None = Field(None, alias="from", ge=1, description="Or a first page,")
    last: int | None = Field(None, alias="to", ge=1, description="and a last one.")
    options: DocumentOptions | None = Field(
        None, description="Default: those that the file was processed with."
    )

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        """Check that pages are named in one way, and only where a stage has some.

        Raises:
            ValueError: They are not.
        """
        has_range = self.first is not None or self.last is not None
        if self.stage is not RerunStage.PAGES:
            if has_range or self.pages is not None:
                raise ValueError(f"{self.stage} is done for all pages together")
        elif self.pages is None and not has_range:
            raise ValueError("name the pages: as pages, or by from and to")
        elif self.pages is not None and has_range:
            raise ValueError("give either pages, or from and to")
        return self

    def numbers(self, page_count: int) -> tuple[int, ...]:
        """The pages in order.

        Raises:
            NotFoundError: The file has none of such a number.
        """
        if self.stage is not RerunStage.PAGES:
            return ()
        first, last = self.first or 1, self.last or page_count
        numbers = self.pages if self.pages is not None else range(first, last + 1)
        wanted = tuple(sorted(set(numbers)))
        if not wanted or wanted[0] < 1 or max(wanted[-1], last) > page_count:
            raise NotFoundError(
                f"pages: this file has pages 1 to {page_count}: name some of them."
            )
        return wanted


def submit_rerun(
    parts: Shared,
    attachment_id: UUID,
    request: RerunRequest,
    *,
    owner: str,
    idempotency_key: str | None,
) -> Submitted:
    """Queue the pages again.

    Raises:
        NotFoundError: No such file of this owner.
        NotFoundError: It has no such pages.
        ConflictError: A task of this file has not ended.
    """
    password = request.options.password if request.options else None

    def work(connection: Db) -> Submitted:
        with connection.transaction():
            # One at a time: two at once would give one number to two runs.
            connection.execute(
                "select 1 from attachments where id = %s for update", [attachment_id]
            )
            file = store.attachment(connection, attachment_id, owner=owner)
            known = run_of_key(connection, owner, idempotency_key)
            if known is None:
                refuse_while_open(connection, attachment_id, then="run pages again")
            if file.page_count is None:
                raise ConflictError(
                    "This file has not been read yet: process it, then run its pages "
                    "again."
                )
            wanted = submission(
                PROCESS_DOCUMENT,
                ProcessDocument(
                    file_id=attachment_id,
                    options=request.options or _options(connection, attachment_id),
                    rerun=Rerun(
                        stage=request.stage,
                        pages=request.numbers(file.page_count),
                        run=known or newest_run(connection, attachment_id) + 1,
                    ),
                ),
                owner=owner,
                idempotency_key=idempotency_key,
                attachment_id=attachment_id,
            )
            if password is not None:
                plain = password.get_secret_value()
                secrets.seal(connection, parts.storage, wanted.id, plain)
            return submit(connection, [wanted])[0]

    return parts.database.run(work)


def _options(connection: Db, attachment_id: UUID) -> DocumentOptions:
    """How the file was processed last; as usual, where that is no longer known."""
    row: dict[str, Any] | None = connection.execute(
        "select command from tasks where attachment_id = %s and name = %s "
        "order by id desc limit 1",
        [attachment_id, PROCESS_DOCUMENT.name],
    ).fetchone()
    if row is None:
        return DocumentOptions()
    return PROCESS_DOCUMENT.decode(row["command"]).options
