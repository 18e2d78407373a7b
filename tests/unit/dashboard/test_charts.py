"""Bars over time: their heights, their scale, and where each leads."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from prsnl.dashboard.charts import Chart, charts
from prsnl.dashboard.flow import BARS, Bar, Span

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def bars(span: Span = Span.DAY) -> list[Bar]:
    """A time in which nothing was done."""
    first = NOW - BARS * span.bucket
    return [
        Bar(first + n * span.bucket, first + (n + 1) * span.bucket, 0, 0, None, None)
        for n in range(BARS)
    ]


def drawn(changed: Bar, *rest: Bar, queue: str | None = None) -> list[Chart]:
    return charts([changed, *rest], Span.DAY, queue=queue)


def test_of_nothing_nothing_is_drawn_and_that_is_said() -> None:
    for chart in charts(bars(), Span.DAY, queue=None):
        assert chart.columns == []
        assert chart.summary
        assert "None" not in chart.summary


def test_what_was_done_is_as_high_as_it_is_many() -> None:
    first, second, *rest = bars()
    done, *_ = drawn(replace(first, succeeded=5), replace(second, succeeded=10), *rest)
    low, high = done.columns

    assert (done.top, done.middle) == ("10", "5")
    assert high.height == pytest.approx(2 * low.height, abs=0.2)
    assert low.y + low.height == pytest.approx(high.y + high.height)
    assert high.told.endswith("UTC: 10 done")
    assert done.summary == "15 done, 15 a day"


@pytest.mark.parametrize(
    ("count", "top", "middle"),
    [
        (1, "2", "1"),
        (3, "4", "2"),
        (7, "10", "5"),
        (41, "60", "30"),
        (7000, "10,000", "5,000"),
    ],
)
def test_a_scale_is_of_whole_numbers(count: int, top: str, middle: str) -> None:
    first, *rest = bars()
    done, *_ = drawn(replace(first, succeeded=count), *rest)

    assert (done.top, done.middle) == (top, middle)


def test_one_among_many_is_seen() -> None:
    first, second, *rest = bars()
    _, failed, *_ = drawn(replace(first, failed=1), replace(second, failed=9000), *rest)

    assert failed.columns[0].height >= 2


def test_times_are_told_in_a_unit_that_has_room() -> None:
    first, *rest = bars()
    *_, waits, backlog = drawn(replace(first, wait_p95_s=59.5, age_s=5000.0), *rest)

    assert (waits.top, waits.middle) == ("1 min", "30 s")
    assert (backlog.top, backlog.middle) == ("2 h", "1 h")
    assert backlog.columns[0].told.endswith("the oldest had waited 1 h 23 min")


def test_a_bar_leads_to_the_rows_of_its_time_and_queue() -> None:
    first, *rest = bars()
    done, *_ = drawn(replace(first, succeeded=1), *rest, queue="insights")
    asked = parse_qs(urlsplit(done.columns[0].href).query)

    assert asked["queue"] == ["insights"]
    assert asked["show"] == ["done"]
    begins, ends = (datetime.fromisoformat(asked[name][0]) for name in ("from", "to"))
    assert (begins, ends) == (first.begins_at, first.ends_at)


@pytest.mark.parametrize("span", Span)
def test_every_span_is_told_in_words(span: Span) -> None:
    assert span.bucket == timedelta(hours=span.hours) / BARS
    assert span.words.startswith("last ")
    done, *_ = charts(bars(span), span, queue=None)
    assert len(done.times) == 4
