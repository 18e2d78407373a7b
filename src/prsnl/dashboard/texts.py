"""A document's text, a few pages at a time: a long one must not burden the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from prsnl.core.db import Db
from prsnl.dashboard.words import unit_of
from prsnl.items import store
from prsnl.items.models import AttachmentView, PageView

#: So many pages stand on one page of ours.
PAGES_SHOWN: Final = 5
#: And so much of each; the rest is in the text to download.
CHARACTERS_SHOWN: Final = 20_000


@dataclass(frozen=True)
class Excerpt:
    """Some pages of a file."""

    #: What a piece is called: "page", "slide", "part".
    unit: str
    pages: list[PageView]
    #: The whole file; None until it is known.
    count: int | None
    #: The first page of the excerpts before and after this one.
    previous: int | None
    next: int | None

    @property
    def is_all(self) -> bool:
        """Whether nothing is left out."""
        return self.previous is None and self.next is None


def excerpt(
    connection: Db, file: AttachmentView, *, owner: str, number: int
) -> Excerpt:
    """The pages around page *number*; the last ones if it is beyond the end."""
    if file.page_count:
        number = min(number, file.page_count)
    first = (number - 1) // PAGES_SHOWN * PAGES_SHOWN + 1
    found = store.page_range(
        connection, file.id, owner=owner, after=first - 1, limit=PAGES_SHOWN + 1
    )
    # The ledger has gaps while a file is being read: what is shown is by number.
    last = first + PAGES_SHOWN - 1
    count = file.page_count
    is_more = any(page.number > last for page in found) or (count or 0) > last
    return Excerpt(
        unit=unit_of(file),
        pages=[page for page in found if page.number <= last],
        count=count,
        previous=first - PAGES_SHOWN if first > 1 else None,
        next=last + 1 if is_more else None,
    )
