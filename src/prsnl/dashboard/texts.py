"""A document's text, a few pages at a time: a long one must not burden the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from prsnl.core.db import Db
from prsnl.core.errors import BadRequestError
from prsnl.dashboard.marking import Span, rendered, signed, unsigned
from prsnl.dashboard.words import unit_of
from prsnl.items import store
from prsnl.items.models import AttachmentView, PageView
from prsnl.search import snippets
from prsnl.search import words as search_words
from prsnl.search.query import parse

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
    text: Markup
    #: So many characters are left out.
    left: int
    error: str | None
    confidence: float | None
    #: How it was read: "text layer", "a picture".
    reason: str
    is_recognized: bool
    #: Places that OCR is not sure of.
    doubts: int
    #: How often a person has had it read again.
    run: int

    @classmethod
    def of(
        cls, page: PageView, *, is_laid_out: bool, found: Sequence[Span] = ()
    ) -> ShownPage:
        """What is shown of a page, with what was looked for in it."""
        doubts = _doubts(page)
        spans = [span for span in (*doubts, *found) if span.end <= CHARACTERS_SHOWN]
        shown = signed(page.text[:CHARACTERS_SHOWN], spans)
        return cls(
            number=page.number,
            label=page.label or str(page.number),
            text=rendered(flowing(shown) if is_laid_out else shown, spans),
            left=max(0, len(page.text) - CHARACTERS_SHOWN),
            error=page.error,
            confidence=page.confidence,
            reason=page.reason,
            is_recognized=page.recognition is not None,
            doubts=len(doubts),
            run=page.run,
        )


def _doubts(page: PageView) -> list[Span]:
    told = (page.recognition or {}).get("doubts", ())
    return [
        Span(
            int(one["start"]),
            int(one["end"]),
            f"{100 * float(one['confidence']):.0f} % sure",
        )
        for one in told
    ]


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
    connection: Db, file: AttachmentView, *, owner: str, number: int, q: str = ""
) -> Excerpt:
    """The pages around page *number*; the last ones if it is beyond the end.

    Args:
        connection: The database's.
        file: Whose text it is.
        owner: Who asks.
        number: Which page is wanted.
        q: What was looked for: it is marked.
    """
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
    shown = [page for page in found if page.number <= last]
    marks = found_in(connection, [page.text for page in shown], q, owner=owner)
    return Excerpt(
        unit=unit,
        pages=[
            ShownPage.of(page, is_laid_out=unit == "page", found=spans)
            for page, spans in zip(shown, marks, strict=True)
        ],
        count=count,
        previous=first - PAGES_SHOWN if first > 1 else None,
        next=last + 1 if is_more else None,
    )


def found_in(
    connection: Db, texts: Sequence[str], q: str, *, owner: str
) -> list[list[Span]]:
    """Where each of some texts holds what was looked for, in any of its forms."""
    nothing: list[list[Span]] = [[] for _ in texts]
    if not q.strip():
        return nothing
    languages = search_words.languages(connection, owner)
    try:
        terms = parse(q).meaningful(languages)
    except BadRequestError:
        return nothing
    read = [snippets.read(text) for text in texts]
    asked = [term.words[0] for term in terms if term.is_plain]
    alike = snippets.alike(read, terms) if asked else []
    stems = search_words.stems_of(connection, [*asked, *alike], languages)
    return [
        [Span(mark.start, mark.end) for mark in snippets.marks_of(one, terms, stems)]
        for one in read
    ]


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
        is_open = len(unsigned(line)) >= max(full, _LEAST_FULL)
    return "\n".join(made)


def _usual_width(lines: list[str]) -> int:
    """The length of a long line of the page, but not of its longest one alone."""
    lengths = sorted(len(unsigned(line)) for line in lines if line.strip())
    return lengths[len(lengths) * 9 // 10] if lengths else 0
