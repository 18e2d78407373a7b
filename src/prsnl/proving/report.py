"""What came of a run, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from rich.table import Table

from prsnl.proving.audit import Audit
from prsnl.proving.recovery import Recovery

#: What is told of the books, in words.
_WORDS: Final = {
    "lost": "lost",
    "doubled": "doubled",
    "missing": "missing",
    "spoiled": "spoiled",
    "stuck": "stuck",
    "failed": "failed",
    "stages_run_again": "stages run again",
    "stale_writes": "stale writes",
    "progress_back": "progress back",
    "opened_pickles": "opened pickles",
}


@dataclass(frozen=True, kw_only=True)
class Report:
    """What came of a run.

    Attributes:
        faults: How often each kind was done.
        asked_again: Tasks that failed with a reason, as where a provider lied, and
            were retried as a person would.
        unfinished: Some tasks that failed or are stuck, each with why.
        database_starts: The most starts of the database while its disk was full.
    """

    seed: int
    seconds: float
    #: In seconds of the epoch.
    began_at: float = 0.0
    lease_s: float
    audit: Audit
    recovery: Mapping[str, Recovery] = field(default_factory=dict)
    asked_again: Mapping[str, int] = field(default_factory=dict)
    database_starts: int = 0
    unfinished: Sequence[str] = ()

    @property
    def faults(self) -> dict[str, int]:
        """How often each kind was done."""
        return {name: one.times for name, one in self.recovery.items()}

    @property
    def late(self) -> list[str]:
        """Kinds of faults from which recovery took longer than promised."""
        return [name for name, one in self.recovery.items() if one.is_late]

    @property
    def is_clean(self) -> bool:
        """Whether every promise was kept, those of time too."""
        return self.audit.is_clean and not self.late

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "seed": self.seed,
            "seconds": round(self.seconds, 1),
            "lease_s": self.lease_s,
            "clean": self.is_clean,
            **asdict(self.audit),
            "faults": self.faults,
            "recovery": {
                name: {
                    "p50_s": one.p50_s,
                    "p95_s": one.p95_s,
                    "limit_s": one.limit_s,
                }
                for name, one in self.recovery.items()
            },
            "late": self.late,
            "asked_again": dict(self.asked_again),
            "unfinished": list(self.unfinished),
            "database_starts_while_full": self.database_starts,
        }

    def as_json(self) -> str:
        """One JSON object."""
        return json.dumps(self.told())


def fault_table(report: Report) -> Table:
    """A row a kind of fault."""
    table = Table("fault", "times", "recovery p50", "p95", "promised", box=None)
    for name, one in sorted(report.recovery.items()):
        late = "  LATE" if one.is_late else ""
        table.add_row(
            name,
            str(one.times),
            _seconds(one.p50_s),
            _seconds(one.p95_s) + late,
            _seconds(one.limit_s),
        )
    return table


def books_table(report: Report) -> Table:
    """A row a promise."""
    table = Table("books", "", box=None)
    table.add_row("tasks", str(report.audit.tasks))
    table.add_row("files and notes", str(report.audit.items))
    told = asdict(report.audit)
    for name, word in _WORDS.items():
        table.add_row(word, str(told[name]))
    return table


def sentences(report: Report) -> list[str]:
    """What the tables do not say."""
    said: list[str] = []
    if report.asked_again:
        causes = ", ".join(f"{n} {code}" for code, n in report.asked_again.items())
        said.append(f"Failed with a reason, retried, and done: {causes}.")
    if report.database_starts:
        said.append(
            "While its disk was full the database was started "
            f"{report.database_starts} times at the most."
        )
    said += report.unfinished
    said += [_slowest(report, name) for name in report.late]
    verdict = "Every promise was kept" if report.is_clean else "PROMISES WERE BROKEN"
    broken = [f"{n} {_WORDS[name]}" for name, n in report.audit.broken.items()]
    broken += [f"late after: {name}" for name in report.late]
    said.append(
        f"{verdict}: {report.audit.tasks} tasks, {sum(report.faults.values())} faults "
        f"of {len(report.faults)} kinds in {report.seconds:.0f} s "
        f"(seed {report.seed}, lease {report.lease_s:g} s)"
        + (f": {', '.join(broken)}." if broken else ".")
    )
    return said


def _slowest(report: Report, name: str) -> str:
    took = report.recovery[name].slowest
    assert took is not None
    since_s = int(took.at - report.began_at)
    return (
        f"The slowest recovery after: {name}, at {since_s // 60}:{since_s % 60:02}, "
        f"took {took.whole_s:.1f} s: what was held came back after {took.back_s:.1f} s."
    )


def _seconds(told: float | None) -> str:
    return "-" if told is None else f"{told:.1f} s"
