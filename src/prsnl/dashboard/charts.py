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
_LEFT: Final = 44
_TOP: Final = 8
_BOTTOM: Final = 20
_GAP: Final = 2.0
#: A bar that stands for something is never too low to be seen.
_LEAST: Final = 2.0
_PLOT: Final = HEIGHT - _TOP - _BOTTOM
_STEPS: Final = (1, 2, 5, 10)
_NICE_S: Final = (
    *(1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400),
    *(43200, 86400, 172800, 604800, 2592000),
)


@dataclass(frozen=True)
class Block:
    """A rectangle of a bar."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True)
class Column:
    """One bar, and where its point leads."""

    x: float
    width: float
    blocks: list[Block]
    #: In words: "14:00 to 15:00: 12 done, 1 failed".
    told: str
    href: str


@dataclass(frozen=True)
class Chart:
    """One picture, its scale in numbers, and its rows."""

    title: str
    #: The whole of it in a few words.
    summary: str
    columns: list[Column]
    #: The upper line's number, and the middle one's.
    top: str
    middle: str
    #: Where time is told below: place and words.
    times: list[tuple[float, str]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(column.blocks for column in self.columns)


def charts(bars: Sequence[Bar], span: Span, *, queue: str | None) -> list[Chart]:
    """Throughput with failures, waits, and the age of the backlog."""
    done, failed = sum(b.succeeded for b in bars), sum(b.failed for b in bars)
    worst_wait = max((bar.wait_p95_s or 0.0 for bar in bars), default=0.0)
    oldest = max((bar.age_s or 0.0 for bar in bars), default=0.0)
    return [
        _chart(
            "Done",
            f"{done:,} done, {rate_words(done, span.hours)}",
            bars,
            [("good", lambda bar: bar.succeeded)],
            _Scale.of_counts(max((bar.succeeded for bar in bars), default=0)),
            lambda bar: f"{bar.succeeded:,} done",
            _Links(span, queue, "done"),
        ),
        _chart(
            "Failed",
            counted(failed, "failure"),
            bars,
            [("bad", lambda bar: bar.failed)],
            _Scale.of_counts(max((bar.failed for bar in bars), default=0)),
            lambda bar: counted(bar.failed, "failure"),
            _Links(span, queue, "failed"),
        ),
        _chart(
            "Wait for a worker",
            f"95 of 100 begin within {seconds_words(worst_wait)} at worst"
            if worst_wait
            else "nothing measured",
            bars,
            [("busy", lambda bar: bar.wait_p95_s or 0.0)],
            _Scale.of_seconds(worst_wait),
            lambda bar: (
                "nothing ended"
                if bar.wait_p95_s is None
                else f"95 of 100 waited {seconds_words(bar.wait_p95_s)} at most"
            ),
            _Links(span, queue, "all"),
        ),
        _chart(
            "Age of the backlog",
            f"the oldest had waited {seconds_words(oldest)}"
            if oldest
            else "nothing waited",
            bars,
            [("waiting", lambda bar: bar.age_s or 0.0)],
            _Scale.of_seconds(oldest),
            lambda bar: (
                "nothing waited"
                if bar.age_s is None
                else f"the oldest had waited {seconds_words(bar.age_s)}"
            ),
            _Links(span, queue, "all"),
        ),
    ]


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
                if step * factor >= max(2, most):
                    return cls(step * factor, lambda value: f"{value:,.0f}")
            factor *= 10

    @classmethod
    def of_seconds(cls, most: float) -> _Scale:
        """For times: the next one that reads well."""
        top = next((nice for nice in _NICE_S if nice >= most), most)
        return cls(top, seconds_words)


@dataclass(frozen=True)
class _Links:
    """Where the bars of a picture lead."""

    span: Span
    queue: str | None
    show: str

    def of(self, bar: Bar) -> str:
        """The rows that a bar counts."""
        given = {
            "show": self.show,
            "queue": self.queue,
            "from": _iso(bar.begins_at),
            "to": _iso(bar.ends_at),
        }
        return f"/tasks?{urlencode({k: v for k, v in given.items() if v})}"


def _chart(
    title: str,
    summary: str,
    bars: Sequence[Bar],
    parts: Sequence[tuple[str, Callable[[Bar], float]]],
    scale: _Scale,
    told: Callable[[Bar], str],
    links: _Links,
) -> Chart:
    width = (WIDTH - _LEFT) / max(1, len(bars))
    columns = [
        Column(
            x=round(_LEFT + place * width, 1),
            width=round(width - _GAP, 1),
            blocks=_blocks([(tone, value(bar)) for tone, value in parts], scale.top),
            told=f"{_time_words(bar, links.span)}: {told(bar)}",
            href=links.of(bar),
        )
        for place, bar in enumerate(bars)
    ]
    return Chart(
        title=title,
        summary=summary,
        columns=columns,
        top=scale.words(scale.top),
        middle=scale.words(scale.top / 2),
        times=_times(bars, links.span, width),
    )


def _blocks(values: Sequence[tuple[str, float]], top: float) -> list[Block]:
    """What is stacked in one bar, from below."""
    made = []
    floor = float(_TOP + _PLOT)
    for tone, value in values:
        if value <= 0:
            continue
        height = max(_LEAST, value / top * _PLOT)
        floor -= height
        made.append(Block(tone, round(floor, 1), round(height, 1)))
    return made


def _times(bars: Sequence[Bar], span: Span, width: float) -> list[tuple[float, str]]:
    every = max(1, len(bars) // 4)
    return [
        (round(_LEFT + place * width, 1), _moment(bar.begins_at, span))
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
