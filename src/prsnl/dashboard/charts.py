"""Bars over time, drawn by the server: each leads to the rows that it counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from prsnl.dashboard.flow import Bar, Span
from prsnl.dashboard.telling import rate_words
from prsnl.dashboard.words import counted, seconds_words

WIDTH: Final = 480
HEIGHT: Final = 130
_LEFT: Final = 52
_TOP: Final = 8
_BOTTOM: Final = 20
_GAP: Final = 2.0
#: A bar that stands for something is never too low to be seen.
_LEAST: Final = 2.0
_PLOT: Final = HEIGHT - _TOP - _BOTTOM
#: Each has a middle that is a whole number.
_STEPS: Final = (2, 4, 6, 10)
_NICE_S: Final = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400),
    *(43200, 86400, 172800, 604800, 2592000),
)


@dataclass(frozen=True)
class Column:
    """One bar, and where its point leads."""

    x: float
    y: float
    width: float
    height: float
    #: In words: "14:00 to 15:00: 12 done".
    told: str
    href: str


@dataclass(frozen=True)
class Chart:
    """One picture, its scale in numbers, and its rows."""

    title: str
    #: The whole of it in a few words.
    summary: str
    tone: str
    #: Those that stand for something.
    columns: list[Column]
    #: The upper line's number, and the middle one's.
    top: str
    middle: str
    #: Where time is told below: place, moment, words.
    times: list[tuple[float, datetime, str]]


@dataclass(frozen=True)
class _Picture:
    """What one picture shows of each bar."""

    title: str
    summary: str
    tone: str
    value: Callable[[Bar], float]
    scale: _Scale
    told: Callable[[Bar], str]
    #: Which rows a bar leads to.
    show: str


def charts(bars: Sequence[Bar], span: Span, *, queue: str | None) -> list[Chart]:
    """Throughput, failures, waits, and the age of the backlog."""
    return [
        _chart(picture, bars, span, queue)
        for picture in (_done(bars, span), _failed(bars), _waits(bars), _backlog(bars))
    ]


def _done(bars: Sequence[Bar], span: Span) -> _Picture:
    count = sum(bar.succeeded for bar in bars)
    return _Picture(
        title="Done",
        summary=f"{count:,} done, {rate_words(count, span.hours)}",
        tone="good",
        value=lambda bar: bar.succeeded,
        scale=_Scale.of_counts(max((bar.succeeded for bar in bars), default=0)),
        told=lambda bar: f"{bar.succeeded:,} done",
        show="done",
    )


def _failed(bars: Sequence[Bar]) -> _Picture:
    count = sum(bar.failed for bar in bars)
    return _Picture(
        title="Failed",
        summary=counted(count, "failure"),
        tone="bad",
        value=lambda bar: bar.failed,
        scale=_Scale.of_counts(max((bar.failed for bar in bars), default=0)),
        told=lambda bar: counted(bar.failed, "failure"),
        show="failed",
    )


def _waits(bars: Sequence[Bar]) -> _Picture:
    most = max((bar.wait_p95_s or 0.0 for bar in bars), default=0.0)
    worst = f"95 % began within {seconds_words(most)}"
    return _Picture(
        title="Wait for a worker",
        summary=worst if most else "nothing measured",
        tone="busy",
        value=lambda bar: bar.wait_p95_s or 0.0,
        scale=_Scale.of_seconds(most),
        told=lambda bar: f"95 % began within {seconds_words(bar.wait_p95_s or 0)}",
        show="all",
    )


def _backlog(bars: Sequence[Bar]) -> _Picture:
    most = max((bar.age_s or 0.0 for bar in bars), default=0.0)
    return _Picture(
        title="Age of the backlog",
        summary=f"at most {seconds_words(most)}" if most else "nothing waited",
        tone="waiting",
        value=lambda bar: bar.age_s or 0.0,
        scale=_Scale.of_seconds(most),
        told=lambda bar: f"the oldest had waited {seconds_words(bar.age_s or 0)}",
        show="all",
    )


@dataclass(frozen=True)
class _Scale:
    """What the upper line of a picture stands for."""

    top: float
    words: Callable[[float], str]

    @classmethod
    def of_counts(cls, most: int) -> _Scale:
        """For numbers of tasks: the next even number that reads well."""
        factor = 1
        while True:
            for step in _STEPS:
                if step * factor >= most:
                    return cls(step * factor, lambda value: f"{value:,.0f}")
            factor *= 10

    @classmethod
    def of_seconds(cls, most: float) -> _Scale:
        """For times: the next one that reads well."""
        top = next((nice for nice in _NICE_S if nice >= most), most)
        return cls(top, _short)


def _short(seconds: float) -> str:
    """A time at a line of a picture: there is little room."""
    for unit, size_s in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size_s:
            return f"{seconds / size_s:g} {unit}"
    return f"{seconds:g} s"


def _chart(
    picture: _Picture, bars: Sequence[Bar], span: Span, queue: str | None
) -> Chart:
    width = (WIDTH - _LEFT) / max(1, len(bars))
    scale = picture.scale
    columns = [
        Column(
            x=round(_LEFT + place * width, 1),
            width=round(width - _GAP, 1),
            height=(height := _height(picture.value(bar), scale.top)),
            y=round(_TOP + _PLOT - height, 1),
            told=f"{_time_words(bar, span)}: {picture.told(bar)}",
            href=_rows(bar, picture.show, queue),
        )
        for place, bar in enumerate(bars)
    ]
    return Chart(
        title=picture.title,
        summary=picture.summary,
        tone=picture.tone,
        columns=[column for column in columns if column.height],
        top=scale.words(scale.top),
        middle=scale.words(scale.top / 2),
        times=_times(bars, span, width),
    )


def _height(value: float, top: float) -> float:
    return round(max(_LEAST, value / top * _PLOT), 1) if value > 0 else 0.0


def _rows(bar: Bar, show: str, queue: str | None) -> str:
    """Where the rows are that a bar counts."""
    given = {
        "show": show,
        "queue": queue,
        "from": _iso(bar.begins_at),
        "to": _iso(bar.ends_at),
    }
    return (
        f"/tasks?{urlencode({name: value for name, value in given.items() if value})}"
    )


def _times(
    bars: Sequence[Bar], span: Span, width: float
) -> list[tuple[float, datetime, str]]:
    every = max(1, len(bars) // 4)
    return [
        (round(_LEFT + place * width, 1), bar.begins_at, _moment(bar.begins_at, span))
        for place, bar in enumerate(bars)
        if place % every == 0
    ]


def _moment(at: datetime, span: Span) -> str:
    there = at.astimezone(UTC)
    return f"{there:%H:%M}" if span.hours <= 24 else f"{there.day} {there:%b}"  # noqa: PLR2004 - a day


def _time_words(bar: Bar, span: Span) -> str:
    there, until = bar.begins_at.astimezone(UTC), bar.ends_at.astimezone(UTC)
    if span.bucket >= timedelta(days=1):
        return f"{there.day} {there:%b}, {there:%H:%M} to {until:%H:%M} UTC"
    return f"{there.day} {there:%b} {there:%H:%M} to {until:%H:%M} UTC"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
