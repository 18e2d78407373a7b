"""What a task has made, as a person reads it: counts, texts, and what became of each.

A result is JSON of many shapes; what is told of each is said here by the names of its
fields, so that a new one needs a line and not a page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from prsnl.dashboard.words import language_words, seconds_words
from prsnl.engines.inventory.jobs import TITLES, Job
from prsnl.work.ledger import TaskView

_TEXTS_SHOWN: Final = 12
_ROWS_SHOWN: Final = 100
_NUMBERS_SHOWN: Final = 20

#: Field -> its name, in the order in which they are told.
_FACTS: Final = {
    "engine": "Made by",
    "model": "Model",
    "language": "Language",
    "document_type": "Type",
    "category": "Category",
    "duration_s": "Length",
    "speech_s": "Speech in it",
    "quality": "Quality",
    "pages": "Pages",
    "segments": "Segments",
    "frames": "Key frames",
    "words": "Words",
    "characters": "Letters",
    "passages": "Passages",
    "texts": "Texts",
    "unique": "Different ones",
    "cached": "Known before",
    "embedded": "Embedded now",
    "dimensions": "Dimensions",
    "batches": "Requests",
    "tokens": "Tokens",
    "cut": "Read in part",
    "files": "Files",
    "videos": "Recordings",
    "categorized": "Categorised",
    "uncategorized": "Not sure enough",
    "succeeded": "Succeeded",
    "done": "Done",
    "unchanged": "Unchanged",
    "not_found": "Not there",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "failed_pages": "Not readable",
    "empty_pages": "Without text",
    "scanned_pages": "Read from pictures",
    "failed_segments": "Not understood",
    "not_transcribed": "In another language",
    "speakers": "Speakers",
    "categories": "Categories",
    "tags": "Tags",
}
#: Counts that say nothing when they are none.
_ONLY_SOME: Final = frozenset(
    {"cut", "failed", "cancelled", "not_found", "cached", "unchanged", "uncategorized"}
)
_SECONDS: Final = frozenset({"duration_s", "speech_s"})
#: What the numbers of a list count.
_UNITS: Final = {
    "failed_pages": "page",
    "empty_pages": "page",
    "scanned_pages": "page",
    "failed_segments": "segment",
    "not_transcribed": "segment",
}
_TEXTS: Final = {
    "said": "What it said",
    "summary": "Summary",
    "key_points": "Key points",
    "insights": "Insights",
    "facts": "Facts",
    "key_sentences": "Key sentences",
    "entities": "Named in it",
    "topics": "Topics",
}
_ROWS: Final = {
    "failures": "What failed",
    "members": "Files in it",
    "items": "What was found",
    "results": "What became of each",
}
_ENGINES: Final = {"extractive": "this machine, without a language model"}


@dataclass(frozen=True)
class Row:
    """What became of one thing."""

    title: str
    href: str | None
    word: str
    said: str


@dataclass(frozen=True)
class Outcome:
    """A result for the eye."""

    facts: list[tuple[str, str]]
    #: A heading, its texts, and how many more there are.
    texts: list[tuple[str, list[str], int]]
    rows: list[tuple[str, list[Row], int]]
    #: What would be needed for more.
    needs: str | None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not (self.facts or self.texts or self.rows)


def outcome(task: TaskView) -> Outcome | None:
    """What a task has made; None while there is nothing."""
    if not task.result:
        return None
    told = task.result
    made = Outcome(
        facts=list(_tried(told) if "works" in told else _facts(told)),
        texts=list(_texts(told)),
        rows=list(_rows(told)),
        needs=_needs(told),
    )
    return None if made.is_empty else made


def _facts(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, title in _FACTS.items():
        value = told.get(name)
        if value is None or value in ("", [], ()) or isinstance(value, dict):
            continue
        if name in _ONLY_SOME and not value:
            continue
        yield title, _told(name, value)


def _tried(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What came of the test of an engine."""
    yield "Tested", TITLES[Job(told["job"])]
    yield "Engine", str(told["engine"])
    yield "Works", "yes" if told["works"] else "no"
    yield "Took", seconds_words(float(told["milliseconds"]) / 1000)


def _told(name: str, value: Any) -> str:
    if name in _SECONDS:
        return seconds_words(float(value))
    if isinstance(value, list):
        shown = ", ".join(str(_name_of(one)) for one in value[:_NUMBERS_SHOWN])
        left = len(value) - _NUMBERS_SHOWN
        unit = _UNITS.get(name, "")
        prefix = f"{unit}{'' if len(value) == 1 else 's'} " if unit else ""
        return prefix + (f"{shown} and {left} more" if left > 0 else shown)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    if name == "language":
        return language_words(text)
    return _ENGINES.get(text, text) if name == "engine" else text


def _name_of(value: Any) -> Any:
    return value.get("name", "") if isinstance(value, dict) else value


def _texts(told: Mapping[str, Any]) -> Iterator[tuple[str, list[str], int]]:
    for name, title in _TEXTS.items():
        value = told.get(name)
        if isinstance(value, str) and value:
            yield title, [value], 0
        elif isinstance(value, list) and value:
            lines = list(dict.fromkeys(filter(None, map(_line, value))))
            if lines:
                yield title, lines[:_TEXTS_SHOWN], max(0, len(lines) - _TEXTS_SHOWN)


def _line(value: Any) -> str:
    """A sentence, a fact with where it stands, a point with its kind."""
    if not isinstance(value, dict):
        return str(value)
    point = value.get("point")
    text = str(value.get("text") or value.get("name") or _line(point or "") or "")
    context = value.get("context")
    if context and context != text:
        return f"{value.get('value') or text}: {context}"
    kind = value.get("kind")
    plain = kind in (None, "key_sentence", "candidate")
    return text if plain else f"{str(kind).replace('_', ' ')}: {text}"


def _rows(told: Mapping[str, Any]) -> Iterator[tuple[str, list[Row], int]]:
    for name, title in _ROWS.items():
        value = told.get(name)
        if isinstance(value, list) and value and isinstance(value[0], dict):
            shown = [_row(one) for one in value[:_ROWS_SHOWN]]
            yield title, shown, max(0, len(value) - _ROWS_SHOWN)


def _row(one: Mapping[str, Any]) -> Row:
    item = one.get("item_id") or (one.get("id") if "outcome" in one else None)
    task = one.get("task_id") or next(iter(one.get("task_ids") or ()), None)
    href = f"/items/{item}" if item else f"/tasks/{task}" if task else None
    title = one.get("file_name") or one.get("name") or _numbered(one) or item or "It"
    said = (
        one.get("message")
        or one.get("error")
        or one.get("problem")
        or one.get("reason")
        or ""
    )
    word = one.get("category") or one.get("outcome") or one.get("status") or ""
    sure = one.get("confidence")
    if sure is not None and one.get("category"):
        word = f"{word}, {100 * float(sure):.0f} % sure"
    return Row(str(title), href, str(word).replace("_", " "), str(said))


def _numbered(one: Mapping[str, Any]) -> str | None:
    return f"Text {one['number']}" if "number" in one else None


def _needs(told: Mapping[str, Any]) -> str | None:
    if told.get("needs") != "llm":
        return None
    return (
        "A summary, points and insights in words of its own need a language model: "
        "./prsnl engines tells which could be used."
    )
