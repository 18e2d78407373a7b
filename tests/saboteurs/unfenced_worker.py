"""A worker whose fence has a hole: one character, as a careless change would have it.

"Not older than mine" in place of "mine": a worker that lost its task goes on writing.
The clock that would stop it is off too, or it would hide the hole most of the time.
"""

from __future__ import annotations

import sys

from prsnl import worker
from prsnl.proving.worker import proving_wiring
from prsnl.work import beat, claim, stages
from prsnl.work.queues import Queue

_HOLES = {
    "claim_no = %(claim_no)s": "claim_no >= %(claim_no)s",
    "claim_no = %s": "claim_no >= %s",
    "t.claim_no = mine.claim_no": "t.claim_no >= mine.claim_no",
}


def _holed(statement: str) -> str:
    for tight, loose in _HOLES.items():
        statement = statement.replace(tight, loose)
    return statement


def open_the_fence() -> None:
    """Put a hole into every fenced statement of this process."""
    for module, names in (
        (stages, ("FENCE", "RAISE")),
        (claim, ("END",)),
        (beat, ("RENEW", "LOOK")),
    ):
        for name in names:
            before = vars(module)[name]
            vars(module)[name] = _holed(before)
            assert vars(module)[name] != before
    vars(beat)["_GIVE_UP_AT"] = float("inf")


if __name__ == "__main__":
    open_the_fence()
    worker.main(proving_wiring(), [Queue(name) for name in sys.argv[1:]])
