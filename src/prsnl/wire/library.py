"""What goes over HTTP for the library: notes, tags, the trash, many items at once."""

from __future__ import annotations

from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

from prsnl.core.shapes import exactly_one, wanted_by
from prsnl.core.texts import Day, ShortText, StorableText, Tag
from prsnl.items.editing import MOST_TAGS
from prsnl.items.listing import ItemFilter
from prsnl.items.models import ItemView
from prsnl.wire.base import Body
from prsnl.wire.tasks import TaskBody
from prsnl.work.specs import Command, Result

#: Items that one request may do something to.
MOST_AT_ONCE = 500
LONGEST_NOTE = 1_000_000


class NewNote(BaseModel):
    """A text to keep."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "title": "Boiler",
                    "text": "The boiler was serviced today. Next service in a year.",
                    "tags": ["home"],
                }
            ]
        },
    )

    text: StorableText = Field(
        min_length=1,
        max_length=LONGEST_NOTE,
        description="Plain text or Markdown.",
        json_schema_extra={"pattern": r"^[^\u0000]*[^\s\u0000][^\u0000]*$"},
    )
    title: ShortText | None = Field(
        None, description="Without one it is found in the text."
    )
    tags: list[Tag] = Field(
        default_factory=list,
        max_length=MOST_TAGS,
        description="Without any they are found in the text.",
    )
    document_date: Day | None = Field(None, description="The day it is about.")
    process: StrictBool = Field(True, description="Learn what it is about.")
    local_only: StrictBool = Field(
        False, description="No byte of it may leave this machine, now or later."
    )

    @model_validator(mode="after")
    def _is_not_blank(self) -> Self:
        if not self.text.strip():
            raise ValueError("the text is blank")
        return self


class NoteKept(Body):
    """The answer to a new note."""

    item: ItemView
    #: Null when nothing was asked for but to keep it.
    task: TaskBody | None
    #: False when the idempotency key was used before: it is the same note.
    is_new: bool


class Action(StrEnum):
    """What can be done to many items."""

    TRASH = "trash"
    RESTORE = "restore"
    #: For good, of what is in the trash.
    DELETE = "delete"
    TAG = "tag"
    UNTAG = "untag"
    #: All files of the items anew.
    REPROCESS = "reprocess"


class Bulk(Command):
    """One action for many items: those named, or all that fit."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "allOf": [
                exactly_one("ids", "filter"),
                wanted_by("tag", "action", ["tag", "untag"]),
            ],
            "examples": [
                {"action": "tag", "tag": "2024", "filter": {"title": "invoice"}}
            ],
        },
    )

    action: Action
    ids: list[UUID] | None = Field(
        None, min_length=1, max_length=MOST_AT_ONCE, description="These items."
    )
    filter: ItemFilter | None = Field(
        None, description="Or all that fit when the task begins."
    )
    tag: Tag | None = Field(None, description="For `tag` and `untag`.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.ids is None) == (self.filter is None):
            raise ValueError("give ids or filter, one of both")
        wants_tag = self.action in (Action.TAG, Action.UNTAG)
        if wants_tag != (self.tag is not None):
            raise ValueError("a tag belongs to the actions tag and untag alone")
        return self


class Outcome(StrEnum):
    """What became of one item."""

    DONE = "done"
    #: It was so already, or the action does not fit it.
    UNCHANGED = "unchanged"
    NOT_FOUND = "not_found"


class BulkResult(Result):
    """One item of a bulk request."""

    id: UUID
    outcome: Outcome
    #: In a sentence; null when it was done.
    reason: str | None = None
    #: Of `reprocess`: the tasks that do it.
    task_ids: list[UUID] = Field(default_factory=list)


class BulkDone(Result):
    """What became of a bulk request: the result of its task."""

    action: Action
    done: int
    unchanged: int
    not_found: int
    #: Of the first 500 items.
    results: list[BulkResult]


class TagBody(Body):
    """A tag, and how many items outside the trash have it."""

    name: str
    items: int


class TagRename(BaseModel):
    """The new name of a tag."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"name": "insurance"}]},
    )

    name: Tag = Field(description="One that is there already takes both together.")


class TagChanged(Body):
    """What became of a tag."""

    #: Its name now; null when it is gone.
    name: str | None
    #: So many items had it, in the trash, too.
    items: int


class Emptied(Body):
    """What emptying the trash did."""

    deleted: int
    #: Still in the trash: send the request again.
    left: int
