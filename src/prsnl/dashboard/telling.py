"""How long, since when, how many: what templates say of work beside `words`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup

from prsnl.core.errors import Category
from prsnl.core.incoming import told_bytes
from prsnl.dashboard.words import counted, seconds_words
from prsnl.wire.access import Scope
from prsnl.wire.webhooks import Event
from prsnl.work.queues import Queue

#: What is done in a queue, for who does not know its name.
_QUEUES: Final = {
    Queue.AI_PROCESSING: "summaries, categories, passages",
    Queue.FILE_PROCESSING: "documents, scans, archives",
    Queue.MEDIA_PROCESSING: "recordings and videos",
    Queue.CODEMIRROR: "repositories",
    Queue.PACKAGES: "dependency manifests",
    Queue.ANALYSIS: "analyses across items",
    Queue.INSIGHTS: "insights",
}
#: What follows from a failure, by what kind it is.
_CATEGORIES: Final = {
    Category.PERMANENT: "The file or the request is at fault: trying again without a "
    "change fails again.",
    Category.TRANSIENT: "Something was away for a while: it was tried again, and all "
    "tries are used up.",
    Category.PROVIDER_DOWN: "Somebody else's service was away.",
    Category.RESOURCE: "It wanted more memory or time than one task may have here.",
    Category.CRASH: "The process that did it died, again and again.",
    Category.BUG: "A defect of PRSNL: the trace tells where.",
}
#: What a key may do.
_SCOPES: Final = {
    Scope.READ: "see",
    Scope.WRITE: "change",
    Scope.ADMIN: "manage keys and queues",
}
#: When an address is told.
_EVENTS: Final = {
    Event.WORK_ENDED: "once all work has ended",
    Event.TASK_SUCCEEDED: "of each success",
    Event.TASK_FAILED: "of each failure",
    Event.TASK_CANCELLED: "of each that was cancelled",
    Event.PING: "when it is tested",
}
#: What a browser calls itself holds the names of others: the particular ones first.
_BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
_SYSTEMS: Final = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Windows": "Windows",
    "Macintosh": "a Mac",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}


def queue_words(name: str) -> str:
    """What is done in a queue."""
    return _QUEUES.get(Queue(name), "") if name in set(Queue) else ""


def category_words(name: str | None) -> str:
    """What follows from a kind of failure."""
    return _CATEGORIES[Category(name)] if name in set(Category) else ""


def scope_words(scope: Scope) -> str:
    """What a key may do."""
    return _SCOPES[scope]


def event_words(event: Event) -> str:
    """When an address is told."""
    return _EVENTS[event]


def since_words(moment: datetime, now: datetime | None = None) -> str:
    """How long something goes on: "12 s", "3 min 20 s"."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    return seconds_words(max(0, round(seconds)) or 0.0) if seconds >= 1 else "0 s"


def since(moment: datetime) -> Markup:
    """The same, for a script to keep true."""
    return Markup('<time class="since" datetime="{}">{}</time>').format(
        moment.isoformat(timespec="seconds"), since_words(moment)
    )


def age_words(seconds: float | None) -> str:
    """How long something has waited; of nothing "none waits"."""
    if seconds is None:
        return "none waits"
    return seconds_words(seconds) if seconds >= 1 else "under 1 s"


def spent_words(seconds: float | None) -> str:
    """A measured time; where nothing was measured, that."""
    return "not measured" if seconds is None else seconds_words(seconds)


def rate_words(count: int, hours: float) -> str:
    """How much is done in a minute, an hour, a day or a month: "12 an hour"."""
    per_hour = count / hours
    if per_hour >= 600:  # noqa: PLR2004 - from ten a minute on, minutes say more
        return f"{per_hour / 60:,.0f} a minute"
    if per_hour >= 10 or not count:  # noqa: PLR2004 - a tenth more says nothing then
        return f"{per_hour:,.0f} an hour"
    if per_hour >= 1:
        return f"{per_hour:.1f} an hour"
    per_day = per_hour * 24
    return f"{per_day:,.0f} a day" if per_day >= 1 else f"{per_day * 30:,.0f} a month"


def device_words(agent: str) -> str:
    """A browser and its system, as far as it says: "Firefox on Windows"."""
    name = next((told for sign, told in _BROWSERS.items() if sign in agent), "")
    system = next((told for sign, told in _SYSTEMS.items() if sign in agent), "")
    if name and system:
        return f"{name} on {system}"
    return name or system or agent[:60] or "A browser without a name"


def value_words(variable: str, value: str) -> str:
    """A setting's value; of many bytes also as a person counts them."""
    if variable.endswith("_BYTES") and value.isdigit():
        return f"{value} ({told_bytes(int(value))})"
    return value


def coded(text: str) -> Markup:
    """A description, with what stands between backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if place % 2 else part
        for place, part in enumerate(parts)
    )


def listed_words(values: Sequence[str]) -> str:
    """A list as a sentence holds it: "a, b and c"."""
    if len(values) < 2:  # noqa: PLR2004 - of one there is nothing to join
        return "".join(values)
    return f"{', '.join(values[:-1])} and {values[-1]}"


#: What templates may call, by name.
FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "age": age_words,
    "category": category_words,
    "coded": coded,
    "device": device_words,
    "event": event_words,
    "listed": listed_words,
    "queue": queue_words,
    "rate": rate_words,
    "scope": scope_words,
    "since": since,
    "spent": spent_words,
    "setting": value_words,
    "tasks": lambda count: counted(count, "task"),
}
