"""States, kinds, times and sizes in the words of a person."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from prsnl.core.incoming import told_bytes
from prsnl.dashboard.names import LANGUAGES, STAGES, TASKS
from prsnl.engines.inventory.jobs import TITLES, Job
from prsnl.items.models import AttachmentView, ProcessingStatus
from prsnl.work.ledger import TaskView
from prsnl.work.specs import ENDED, Status


class Tone(StrEnum):
    """How a state is coloured; its word says the same."""

    BUSY = "busy"
    WAITING = "waiting"
    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"


@dataclass(frozen=True)
class State:
    """How something is, in a word or two."""

    word: str
    tone: Tone


CANCELLING: Final = State("Cancelling", Tone.WAITING)
_STATES: Final = {
    Status.QUEUED: State("Waiting", Tone.WAITING),
    Status.RUNNING: State("In progress", Tone.BUSY),
    Status.PARKED: State("Waiting", Tone.WAITING),
    Status.WAITING: State("Waiting", Tone.WAITING),
    Status.SUCCESS: State("Done", Tone.GOOD),
    Status.FAILURE: State("Failed", Tone.BAD),
    Status.DEAD: State("Failed", Tone.BAD),
    Status.REVOKED: State("Cancelled", Tone.QUIET),
}
_FILE_STATES: Final = {
    ProcessingStatus.PENDING: State("Kept, not read", Tone.QUIET),
    ProcessingStatus.PROCESSING: State("In progress", Tone.BUSY),
    ProcessingStatus.COMPLETED: State("Done", Tone.GOOD),
    ProcessingStatus.FAILED: State("Failed", Tone.BAD),
    ProcessingStatus.CANCELLED: State("Cancelled", Tone.QUIET),
}

KINDS: Final = {
    "pdf": "PDF",
    "text": "Text",
    "markdown": "Markdown",
    "html": "Web page",
    "docx": "Word document",
    "doc": "Word document",
    "odt": "Text document",
    "rtf": "Text document",
    "pptx": "Slides",
    "ppt": "Slides",
    "odp": "Slides",
    "xlsx": "Spreadsheet",
    "xls": "Spreadsheet",
    "ods": "Spreadsheet",
    "xlsb": "Spreadsheet",
    "csv": "Table",
    "eml": "E-mail",
    "msg": "E-mail",
    "epub": "Book",
    "zip": "Archive",
    "office-encrypted": "Protected document",
}
_MIME_GROUPS: Final = {
    "image": "Picture",
    "audio": "Recording",
    "video": "Video",
    "text": "Text",
}
_PART: Final = "part"
#: Kinds whose pages a reader could turn to; of others the text comes in parts.
_UNITS: Final = {
    "pdf": "page",
    "tiff": "page",
    "pptx": "slide",
    "ppt": "slide",
    "odp": "slide",
}
ENTITY_GROUPS: Final = {
    "date": "Dates",
    "amount": "Amounts",
    "reference": "Reference numbers",
    "email": "E-mail addresses",
    "url": "Web addresses",
    "phone": "Phone numbers",
    "iban": "Bank accounts",
    "person": "People",
    "organization": "Organisations",
    "place": "Places",
    "product": "Products",
    "event": "Events",
    "work": "Works",
    "other": "Other names",
    "candidate": "Perhaps names",
}
#: What a person may say that a name is.
NAME_KINDS: Final = {
    "person": "a person",
    "organization": "an organisation",
    "place": "a place",
    "product": "a product",
    "event": "an event",
    "work": "a work",
    "other": "another name",
}
#: The facts that a person may have to act upon, and their names.
_FACTS: Final = {
    "due_date": "To be paid by",
    "deadline": "Deadline",
    "period": "From and to",
    "term": "Time to act",
}
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86400
_MONTH_S: Final = 30 * _DAY_S
#: Characters that turn the direction of what follows them: a name could lie by them.
_TURNING: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def state_of(task: TaskView | None, file: AttachmentView | None = None) -> State:
    """How a task is; without one, how its file is."""
    if task is None:
        status = ProcessingStatus.PENDING if file is None else file.processing_status
        return _FILE_STATES[status]
    return CANCELLING if task.is_cancelling else _STATES[task.status]


def state_of_status(status: Status) -> State:
    """How a task of a status is."""
    return _STATES[status]


def is_open(task: TaskView | None) -> bool:
    """Whether it has not ended."""
    return task is not None and task.status not in ENDED


def can_cancel(task: TaskView | None) -> bool:
    """Whether a cancel would change something."""
    return task is not None and is_open(task) and not task.is_cancelling


def can_try_now(task: TaskView | None) -> bool:
    """Whether it waits for a time or a provider, rather than for its turn."""
    if task is None:
        return False
    return task.status is Status.PARKED or (
        task.status is Status.QUEUED and task.error is not None
    )


def task_words(name: str) -> str:
    """What a task does; one that has no words of ours is told by its name."""
    plain = name.removesuffix("_task").replace("_", " ")
    return TASKS.get(name, plain[:1].upper() + plain[1:])


def stage_words(name: str) -> str:
    """What a stage does."""
    return STAGES.get(name, name[:1].upper() + name[1:])


def task_title(task: TaskView) -> str:
    """What a task does; of a test that has ended, of which engine."""
    told = task.result or {}
    if "works" not in told:
        return task_words(task.name)
    return f"{task_words(task.name)}: {TITLES[Job(told['job'])]}"


def error_words(task: TaskView) -> str:
    """Why a task has failed, and what a person does about it here."""
    told = task.error or {}
    message = told.get("message") or "It failed, and said nothing of why."
    if told.get("code") == "encrypted" and "--password-file" in message:
        return "A password protects the file: give it, and it is read."
    return message


def kind_words(file: AttachmentView) -> str:
    """What a file is."""
    if file.kind in KINDS:
        return KINDS[file.kind]
    return _MIME_GROUPS.get((file.mime_type or "").partition("/")[0], "File")


def unit_of(file: AttachmentView) -> str:
    """What a piece of the file's text is called."""
    return _UNITS.get(file.kind or "", _PART)


def extent_words(file: AttachmentView) -> str:
    """How long a file is, where a reader could turn its pages."""
    unit = unit_of(file)
    if file.page_count is None or unit == _PART:
        return ""
    return counted(file.page_count, unit)


def language_words(code: str) -> str:
    """A language by its name."""
    return LANGUAGES.get(code, code)


def counted(count: int, unit: str, units: str | None = None) -> str:
    """A number with its unit: "1 page", "1,200 pages"."""
    return f"{count:,} {unit}" if count == 1 else f"{count:,} {units or unit + 's'}"


def size_words(size_bytes: int) -> str:
    """A size: "1.2 MiB"."""
    return told_bytes(size_bytes)


def seconds_words(seconds: float) -> str:
    """How long something took: "12 ms", "0.4 s", "3 min 20 s"."""
    if 0 < seconds < 0.0005:  # noqa: PLR2004 - rounded it would be none
        return "under 1 ms"
    if seconds < 0.1:  # noqa: PLR2004 - shorter than this, milliseconds say more
        return f"{1000 * seconds:.0f} ms"
    if seconds < 10:  # noqa: PLR2004 - a tenth of a second matters below
        return f"{seconds:.1f} s"
    if seconds < _MINUTE_S:
        return f"{seconds:.0f} s"
    if seconds < _HOUR_S:
        return f"{seconds // _MINUTE_S:.0f} min {seconds % _MINUTE_S:.0f} s"
    return f"{seconds // _HOUR_S:.0f} h {seconds % _HOUR_S // _MINUTE_S:.0f} min"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long something is past: "just now", "3 minutes ago", "on 12 May 2024"."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < _MINUTE_S:
        return "just now"
    for unit_s, limit_s, unit in (
        (_MINUTE_S, _HOUR_S, "minute"),
        (_HOUR_S, _DAY_S, "hour"),
        (_DAY_S, _MONTH_S, "day"),
    ):
        if seconds < limit_s:
            return f"{counted(int(seconds // unit_s), unit)} ago"
    return f"on {day(moment)}"


def day(value: date) -> str:
    """A date that nobody takes for another: "12 May 2024"."""
    return f"{value.day} {value:%b} {value.year}"


def moment(value: datetime) -> str:
    """A date and time, and of which zone."""
    there = value.astimezone(UTC)
    return f"{day(there)}, {there:%H:%M} UTC"


def name_words(given: str) -> str:
    """A name as it stands, without what would turn its direction."""
    return "".join(c for c in given if c not in _TURNING).strip() or "unnamed"


def initials(file: AttachmentView | None) -> str:
    """The ending of a file's name, where there is no picture of it."""
    if file is None:
        return ""
    _, dot, ending = file.file_name.rpartition(".")
    is_word = bool(dot) and ending.isalnum() and len(ending) <= 5  # noqa: PLR2004 - longer ones are no endings
    return unicodedata.normalize("NFC", ending).upper() if is_word else "FILE"


@dataclass(frozen=True)
class Found:
    """One thing that a text names, and where."""

    text: str
    pages: tuple[int, ...]


def entity_groups(
    entities: Iterable[dict[str, Any]], *, most: int
) -> list[tuple[str, list[Found], int]]:
    """By kind: each thing once, at most so many, and how many more there are."""
    found: dict[str, dict[str, list[int]]] = {}
    for entity in entities:
        shown = _entity_words(entity)
        pages = found.setdefault(str(entity.get("kind")), {}).setdefault(shown, [])
        if (page := entity.get("page")) and page not in pages:
            pages.append(int(page))
    groups = []
    for kind, title in ENTITY_GROUPS.items():
        if values := found.get(kind):
            listed = [Found(text, tuple(pages[:5])) for text, pages in values.items()]
            groups.append((title, listed[:most], max(0, len(listed) - most)))
    return groups


@dataclass(frozen=True)
class Fact:
    """One thing to act upon, in the document's words, and where it stands."""

    name: str
    text: str
    context: str
    page: int
    #: A rule found it that is often wrong.
    is_candidate: bool


def facts(insights: Iterable[dict[str, Any]], *, most: int) -> list[Fact]:
    """The facts to act upon, the certain ones first, each once."""
    found = [
        Fact(
            name=_FACTS[fact["kind"]],
            text=_entity_words({**fact, "kind": "date"})
            if fact["kind"] in ("due_date", "deadline")
            else str(fact["text"]),
            context=str(fact.get("context") or ""),
            page=int(fact["page"]),
            is_candidate=bool(fact.get("is_candidate")),
        )
        for fact in insights
        if fact.get("kind") in _FACTS
    ]
    unique = {(fact.name, fact.text): fact for fact in reversed(found)}
    ordered = [fact for fact in found if unique.get((fact.name, fact.text)) is fact]
    return sorted(ordered, key=lambda fact: fact.is_candidate)[:most]


def _entity_words(entity: dict[str, Any]) -> str:
    value = str(entity.get("value") or entity.get("text") or "")
    if entity.get("kind") != "date":
        return value
    try:
        return day(date.fromisoformat(value))
    except ValueError:
        return str(entity.get("text") or value)  # a month, in the document's words


#: What templates may call, by name.
FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "ago": ago,
    "counted": counted,
    "day": day,
    "initials": initials,
    "kind": kind_words,
    "language": language_words,
    "extent": extent_words,
    "moment": moment,
    "name": name_words,
    "seconds": seconds_words,
    "size": size_words,
    "stage": stage_words,
    "task": task_words,
    "unit": unit_of,
}
