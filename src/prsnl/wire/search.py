"""What goes over HTTP for searching: a query, hits with their places, facets."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, Self, TypeAlias
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prsnl.core.texts import Day, ShortText, StorableText, Tag
from prsnl.wire.base import Body

LONGEST_QUERY = 500
#: The best of them are found again; the others are not ranked.
MOST_HITS = 200


class SearchFilter(BaseModel):
    """Among which items; what is not given does not narrow."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: StorableText | None = Field(
        None, max_length=50, description="Files of this kind: `pdf`, `docx` ..."
    )
    document_type: StorableText | None = Field(
        None, max_length=100, description="Files of this type: `contract` ..."
    )
    tag: list[Tag] = Field(
        default_factory=list, max_length=20, description="With all of these tags."
    )
    category: StorableText | None = Field(
        None, max_length=200, description="Items of this category."
    )
    dated_from: Day | None = Field(
        None, alias="from", description="Document date, from this day."
    )
    dated_to: Day | None = Field(
        None, alias="to", description="Document date, to this day."
    )
    item: UUID | None = Field(None, description="In this item alone.")


class SavedSearch(SearchFilter):
    """What is looked for, and among which items."""

    q: StorableText = Field(
        min_length=1,
        max_length=LONGEST_QUERY,
        description='Words, "phrases", -words, codes and numbers as printed, wor*.',
    )


class SearchQuery(SavedSearch):
    """One page of a search."""

    limit: int = Field(20, ge=1, le=50, description="Most hits in one answer.")
    cursor: str | None = Field(
        None, max_length=4000, description="`next` of the answer before."
    )


class PlaceKind(StrEnum):
    """How a place in a file is told."""

    PAGE = "page"
    #: Of a document without pages: a few kB of it.
    PART = "part"
    LINE = "line"
    TIME = "time"


class Place(Body):
    """Where in a file."""

    kind: PlaceKind
    #: For the eye: "page 3", "12:05", "notes.py:40".
    text: str
    #: The page or part in the page ledger, from 1.
    page: int
    #: From 1; of a text file.
    line: int | None = None
    #: From the beginning, in seconds; of a recording.
    time_s: float | None = None


class Snippet(Body):
    """Some words around what was found: plain text, and which of it to mark."""

    text: str
    #: Pairs of offsets into `text`, in characters, growing, none over another.
    marks: list[tuple[int, int]]


class FoundBy(StrEnum):
    """Why something is a hit."""

    WORDS = "words"
    MEANING = "meaning"


class Hit(Body):
    """One place that answers."""

    item_id: UUID
    attachment_id: UUID
    title: str
    file_name: str
    kind: str | None
    document_type: str | None
    document_date: date | None
    tags: list[str]
    category: str | None
    place: Place
    #: Opens the item at the place, on this server's own page.
    url: str
    snippet: Snippet
    found_by: list[FoundBy]
    #: Why its text may be wrong, in a sentence; null where it is sure.
    doubt: str | None
    #: Further places of the same item that are left out: ask with `item=`.
    more_in_item: int
    #: Of this answer alone: higher is better.
    score: float


class FacetValue(Body):
    """How many items of the answer have a value."""

    value: str
    items: int


class Correction(Body):
    """A word that nothing holds, and the known one that was looked for instead."""

    typed: str
    used: str


class SearchAnswer(Body):
    """One page of what was found."""

    #: Best first.
    hits: list[Hit]
    #: All of them; beyond 200 they are not ranked.
    total: int
    #: Give it as `cursor` for more; null at the end.
    next: str | None
    #: Null when hits were looked for by meaning, too; else why not, in a sentence.
    only_words_because: str | None
    #: Ask again soon, and meaning counts, too.
    is_starting: bool
    corrections: list[Correction]
    #: By `kind`, `document_type`, `tag`, `category`, `year`: the most frequent.
    facets: dict[str, list[FacetValue]]
    took_ms: float


class SimilarAnswer(Body):
    """Items that say something like an item."""

    hits: list[Hit]


class CollectionBody(Body):
    """A named search, or a named list of items."""

    name: str
    #: What is looked for each time; null where the items are listed.
    search: SavedSearch | None
    #: Items of a list outside the trash; null for a search.
    items: int | None


def _one_part(name: str) -> str:
    if "/" in name:
        raise ValueError("a collection's name holds no slash")
    return name


CollectionName: TypeAlias = Annotated[
    ShortText,
    Field(json_schema_extra={"pattern": r"^[^/\u0000]*[^\s/\u0000][^/\u0000]*$"}),
    AfterValidator(_one_part),
]


class NewCollection(BaseModel):
    """A search to keep, or items to list; neither: an empty list."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra={
            "not": {"required": ["search", "ids"]},
            "examples": [{"name": "Flat", "search": {"q": "rent"}}],
        },
    )

    name: CollectionName
    search: SavedSearch | None = Field(None, description="Looked for each time.")
    ids: list[UUID] | None = Field(
        None, max_length=500, description="Or these items; a list grows with each call."
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if self.search is not None and self.ids is not None:
            raise ValueError("give search or ids, not both")
        return self
