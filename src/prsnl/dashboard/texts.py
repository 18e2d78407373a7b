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
#: A line is full from this part of a long line's length on, and never below so many
#: characters.
_FULL_LINE: Final = 0.75
_LEAST_FULL: Final = 40


@dataclass(frozen=True)
class ShownPage:
    """One page as it is shown."""

    number: int
    #: As the document prints it: "iv".
    label: str
    text: str
    #: So many characters are left out.
    left: int
    error: str | None
    confidence: float | None

    @classmethod
    def of(cls, page: PageView, *, is_laid_out: bool) -> ShownPage:
        """What is shown of a page."""
        shown = page.text[:CHARACTERS_SHOWN]
        return cls(
            number=page.number,
            label=page.label or str(page.number),
            text=flowing(shown) if is_laid_out else shown,
            left=max(0, len(page.text) - CHARACTERS_SHOWN),
            error=page.error,
            confidence=page.confidence,
        )


@dataclass(frozen=True)
class Excerpt:
    """Some pages of a file."""

    #: What a piece is called: "page", "slide", "part".
    unit: str
    pages: list[ShownPage]
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
    unit = unit_of(file)
    # The ledger has gaps while a file is being read: what is shown is by number.
    last = first + PAGES_SHOWN - 1
    count = file.page_count
    is_more = any(page.number > last for page in found) or (count or 0) > last
    return Excerpt(
        unit=unit,
        pages=[
            ShownPage.of(page, is_laid_out=unit == "page")
            for page in found
            if page.number <= last
        ],
        count=count,
        previous=first - PAGES_SHOWN if first > 1 else None,
        next=last + 1 if is_more else None,
    )


def flowing(text: str) -> str:
    """A laid-out page's text with its full lines joined, so that it fits any screen.

    A line that reaches far to the right was broken by the page's margin; a short one
    ends where its author ended it: a heading, an address, a row of a table.
    """
    lines = text.split("\n")
    full = _FULL_LINE * _usual_width(lines)
    made: list[str] = []
    is_open = False
    for line in lines:
        if is_open and line.strip():
            made[-1] = f"{made[-1].rstrip()} {line.lstrip()}"
        else:
            made.append(line)
        is_open = len(line) >= max(full, _LEAST_FULL)
    return "\n".join(made)


def _usual_width(lines: list[str]) -> int:
    """The length of a long line of the page, but not of its longest one alone."""
    lengths = sorted(len(line) for line in lines if line.strip())
    return lengths[len(lengths) * 9 // 10] if lengths else 0
