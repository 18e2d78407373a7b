"""Bugs as a careless change would have them: a few characters in a statement each.

Each is planted into this process alone, for one block. The tests that must find them
name them; one that nobody finds would show that the tests look at nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from prsnl.work import (
    beat,
    claim,
    control,
    failures,
    limits,
    providers,
    reaper,
    relay,
    run,
    slots,
    stages,
    submit,
)

Edit = tuple[str, str]


@dataclass(frozen=True)
class Bug:
    """One bug.

    Attributes:
        told: What it does, as its author would have it said of him.
        edits: Module, name, and what of its text is replaced by what.
    """

    name: str
    told: str
    edits: tuple[tuple[ModuleType, str, tuple[Edit, ...]], ...]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug for the block."""
        with ExitStack() as undone:
            for module, name, edits in self.edits:
                undone.enter_context(edited(module, name, edits))
            yield


@contextmanager
def edited(module: ModuleType, name: str, edits: tuple[Edit, ...]) -> Iterator[None]:
    """Have another text under a name of a module for the block."""
    before: Any = vars(module)[name]
    after = before
    for old, new in edits:
        assert old in after, f"{module.__name__}.{name} says no more: {old}"
        after = after.replace(old, new)
    vars(module)[name] = after
    try:
        yield
    finally:
        vars(module)[name] = before


_LOOSE: tuple[tuple[ModuleType, str, tuple[Edit, ...]], ...] = (
    (stages, "FENCE", (("claim_no = %s", "claim_no >= %s"),)),
    (stages, "RAISE", (("claim_no = %(claim_no)s", "claim_no >= %(claim_no)s"),)),
    (claim, "END", (("claim_no = %(claim_no)s", "claim_no >= %(claim_no)s"),)),
)

BUGS = (
    Bug("no_fence", "A worker that lost its task goes on writing.", _LOOSE),
    Bug(
        "lease_not_extended",
        "The beat asks, and renews nothing.",
        ((beat, "RENEW", (("lease_until = now() + %(lease)s", "seq = t.seq"),)),),
    ),
)
