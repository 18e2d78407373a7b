"""What a person wants to know of a file, in a few lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final

from prsnl.engines.taxonomy.contract import UNCATEGORISED
from prsnl.items.models import ItemView, PageView
from prsnl.terminal import media, speech
from prsnl.terminal.outcome import Outcome

#: Kinds that have pages.
_PAGED: Final = frozenset({"pdf", "tiff"})
_TAGS: Final = 6
_AMOUNTS: Final = 4
_SENTENCES: Final = 2
_SENTENCE_CHARACTERS: Final = 140
_SUMMARY_CHARACTERS: Final = 400
_MONTHS: Final = (
    "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads as a row
)


def lines(outcome: Outcome) -> list[str]:
    """A head line, then what was learned, or why nothing was."""
    told = [_head(outcome)]
    if outcome.is_cancelled:
        told.append("  cancelled")
    elif outcome.error is not None:
        told.append(f"  failed: {outcome.error.message}")
    elif outcome.item is not None:
        told.extend(f"  {line}" for line in _learned(outcome, outcome.item) if line)
    if outcome.task is not None and outcome.is_success:
        notes = [*outcome.task.warnings, *outcome.later]
        told.extend(f"  note: {warning}" for warning in notes)
    return told


def clock(seconds: float) -> str:
    """Minutes and seconds: "0:07"."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}"


def count(number: int, thing: str) -> str:
    """A number with its noun: "1 page", "2 pages"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def day(value: date) -> str:
    """A date as one reads it: "12 May 2024"."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def one_line(text: str, *, characters: int) -> str:
    """Text on one line, with nothing in it that a terminal would obey.

    What is longer than so many characters is cut after a word, and ends with "…".
    """
    plain = "".join(c if c.isprintable() else " " for c in text)
    words = " ".join(plain.split())
    if len(words) <= characters:
        return words
    cut = words[:characters].rpartition(" ")[0]
    # One long word, such as a file's name, is cut within.
    kept = cut if len(cut) > characters // 2 else words[: characters - 1]
    return kept.rstrip(" ,;:.") + "…"


def _head(outcome: Outcome) -> str:
    parts = [one_line(outcome.file.shown, characters=200)]
    attachment = outcome.attachment
    if attachment is not None and attachment.kind in _PAGED and attachment.page_count:
        parts.append(_pages(attachment.page_count, outcome.pages))
    if attachment is not None:
        parts.extend(media.head(attachment, outcome.frames))
    parts.append("(already there)" if outcome.is_known else clock(outcome.seconds))
    return "   ".join(parts)


def _pages(number: int, pages: Sequence[PageView]) -> str:
    """Their number, how many were scanned, and how many are without text."""
    scanned = sum(bool(page.recognition and page.text) for page in pages)
    empty = sum(page.status == "empty" for page in pages)
    told = ", ".join(
        f"{some} {what}"
        for some, what in ((scanned, "scanned"), (empty, "without text"))
        if some
    )
    return f"{count(number, 'page')} ({told})" if told else count(number, "page")


def _learned(outcome: Outcome, item: ItemView) -> Iterator[str]:
    attachment = outcome.attachment
    facts = (
        one_line(item.title, characters=100),
        item.document_date and day(item.document_date),
        attachment and attachment.document_type,
        item.category if item.category != UNCATEGORISED else None,
        item.language,
    )
    yield " · ".join(fact for fact in facts if fact)
    yield from speech.lines(outcome.transcript)
    if item.summary:
        yield "Summary: " + one_line(item.summary, characters=_SUMMARY_CHARACTERS)
    else:
        yield _sentences(item.key_sentences)
    tags = ", ".join(item.tags[:_TAGS])
    amounts = ", ".join(islice(_amounts(item.entities), _AMOUNTS))
    yield " · ".join(
        part
        for part in (tags and f"tags {tags}", amounts and f"amounts {amounts}")
        if part
    )


def _sentences(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return ""
    quoted = [
        f'"{one_line(str(one["text"]), characters=_SENTENCE_CHARACTERS)}"'
        for one in found[:_SENTENCES]
    ]
    return "Key sentences: " + " ".join(quoted)


def _amounts(entities: Iterable[dict[str, Any]]) -> Iterator[str]:
    told = (
        str(entity["value"] or entity["text"])
        for entity in entities
        if entity["kind"] == "amount"
    )
    return iter(dict.fromkeys(told))
