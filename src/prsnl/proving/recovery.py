"""How long it took until the work went on, by kind of fault."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Final

from prsnl.core.db import Db
from prsnl.proving.faults import Fault
from prsnl.proving.scene import Claim, Hurt

#: When a task that was in the hand of somebody who was hurt was given back, if that
#: hand has lost it: a claim that came to its own end was not hurt.
_GIVEN_BACK: Final = """
select extract(epoch from finished_at)::float8 as at
from celery_task_results
where task_id = %s and claim_no = %s and error_category in ('crash', 'resource')
"""

#: The next claim of any task since then. Which one it is, is the order of the queue:
#: behind others a task waits for its turn, and not for its recovery.
_GOES_ON: Final = """
select extract(epoch from min(started_at))::float8 as at
from celery_task_results where started_at >= to_timestamp(%s)
"""


@dataclass(frozen=True)
class Injected:
    """A fault that was done."""

    fault: Fault
    hurt: Hurt


@dataclass(frozen=True, order=True)
class Took:
    """One recovery, in seconds from its fault on."""

    whole_s: float
    #: Until what the hurt one held was given back, or what was away was there again.
    back_s: float
    #: When the fault was done, in seconds of the epoch.
    at: float


@dataclass(frozen=True)
class Recovery:
    """Of one kind of fault."""

    times: int
    p50_s: float | None
    p95_s: float | None
    #: What the 95th percentile may be; None where nothing is promised.
    limit_s: float | None
    slowest: Took | None = None

    @property
    def is_late(self) -> bool:
        """Whether it took longer than promised."""
        late = self.p95_s is not None and self.limit_s is not None
        return late and (self.p95_s or 0) > (self.limit_s or 0)


def recoveries(
    connection: Db, injected: Iterable[Injected], *, lease_s: float
) -> dict[str, Recovery]:
    """By the name of the fault, in the order of the first."""
    found: dict[str, list[Injected]] = {}
    for one in injected:
        found.setdefault(one.fault.name, []).append(one)
    told = {}
    for name, of_a_kind in found.items():
        each = [took for one in of_a_kind for took in _took(connection, one.hurt)]
        took = [one.whole_s for one in each]
        limit = of_a_kind[0].fault.limit_s
        told[name] = Recovery(
            len(of_a_kind),
            _quantile(took, 50),
            _quantile(took, 95),
            None if limit is None else limit(lease_s),
            max(each, default=None),
        )
    return told


def _took(connection: Db, hurt: Hurt) -> list[Took]:
    if hurt.victims is None:
        backs: list[float | None] = [hurt.back_at or hurt.at]
    else:
        backs = [_given_back(connection, claim) for claim in hurt.victims]
    return [
        Took(end - hurt.at, back - hurt.at, hurt.at)
        for back in backs
        if back is not None and (end := _at(connection, _GOES_ON, [back])) is not None
    ]


def _given_back(connection: Db, claim: Claim) -> float | None:
    return _at(connection, _GIVEN_BACK, [claim.task_id, claim.number])


def _at(connection: Db, statement: str, values: list[object]) -> float | None:
    row = connection.execute(statement, values).fetchone()
    return None if row is None else row["at"]


def _quantile(took: Sequence[float], percent: int) -> float | None:
    if not took:
        return None
    if len(took) == 1:
        return round(took[0], 2)
    return round(quantiles(took, n=100, method="inclusive")[percent - 1], 2)
