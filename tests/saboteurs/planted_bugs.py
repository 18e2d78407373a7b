"""Bugs as a careless change would have them: a few characters of the product each.

Each is planted into this process alone, for one block. The tests that must find them
name them; one that nobody finds would show that the tests look at nothing.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

from prsnl.work import (
    beat,
    claim,
    control,
    providers,
    reaper,
    relay,
    run,
    runner,
    slots,
    stages,
    submit,
)


@dataclass(frozen=True)
class Edit:
    """A change of a text: of a statement, or of a function's source."""

    #: The module, or the class, that has it.
    home: Any
    name: str
    before: str
    after: str

    @contextmanager
    def made(self) -> Iterator[None]:
        """Have the text so for the block."""
        was: Any = vars(self.home)[self.name]
        text = textwrap.dedent(inspect.getsource(was)) if callable(was) else str(was)
        where = f"{self.home.__name__}.{self.name}"
        assert self.before in text, f"{where} has no {self.before!r} any more"
        changed: Any = text.replace(self.before, self.after)
        if isinstance(was, FunctionType):
            made: dict[str, Any] = {}
            exec(changed, was.__globals__, made)  # noqa: S102 - the product's own text
            changed = made[was.__name__]
        setattr(self.home, self.name, changed)
        try:
            yield
        finally:
            setattr(self.home, self.name, was)


@dataclass(frozen=True)
class Bug:
    """One bug, by a name that a test's parameter shows."""

    name: str
    edits: tuple[Edit, ...]
    #: The operation that must be cut to see it; empty where a story shows it.
    shows_in: str = ""

    def __str__(self) -> str:
        return self.name

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Have the bug for the block."""
        with ExitStack() as undone:
            for edit in self.edits:
                undone.enter_context(edit.made())
            yield


def bug(name: str, *edits: tuple[Any, str, str, str], shows_in: str = "") -> Bug:
    """A bug of edits of `(home, name, before, after)`."""
    return Bug(name, tuple(Edit(*edit) for edit in edits), shows_in)


#: Found by random stories, compared with the model of the states.
BUGS = (
    bug(
        "no_fence",
        (stages, "FENCE", "claim_no = %s", "claim_no >= %s"),
        (stages, "RAISE", "claim_no = %(claim_no)s", "claim_no >= %(claim_no)s"),
        (claim, "END", "claim_no = %(claim_no)s", "claim_no >= %(claim_no)s"),
    ),
    bug(
        "lease_not_extended",
        (beat, "RENEW", "lease_until = now() + %(lease)s", "seq = t.seq"),
    ),
    bug(
        "checkpoint_key_too_wide",
        (stages.StageStore, "_key", "[part.hex() for part in inputs]", "[]"),
    ),
    bug(
        "checkpoint_key_without_its_unit",
        (stages.StageStore, "_key", "unit,\n        run,", "0,\n        run,"),
    ),
    bug(
        "cancel_not_read_again",
        (stages, "FENCE", "cancel_requested_at is not null", "false"),
        (beat, "RENEW", "t.cancel_requested_at is not null", "false"),
    ),
    bug(
        "attempts_and_crashes_counted_together",
        (claim, "END", "retries + %(retries)s", "retries + %(retries)s + %(crashes)s"),
    ),
    bug(
        "reaper_too_eager",
        (reaper, "_EXPIRED", "lease_until < now()", "lease_until < now() + '2 hours'"),
    ),
    bug(
        "no_guard",
        (
            stages,
            "GUARD",
            "on conflict do nothing",
            "on conflict (task_id, stage, unit, run) do update set run = excluded.run",
        ),
    ),
    bug(
        "token_lowered_by_a_retry",
        (control, "_REQUEUE", "retries = 0,", "retries = 0, claim_no = 0,"),
    ),
    bug(
        "parking_costs_a_try",
        (
            runner,
            "judge",
            "Verdict(Status.PARKED)",
            "Verdict(Status.PARKED, retries=1)",
        ),
    ),
    bug("claimed_before_it_is_due", (claim, "CLAIM", "and due_at <= now()", "")),
    bug(
        "claimed_by_two",
        (claim, "CLAIM", "status = 'queued'", "status in ('queued', 'running')"),
    ),
    bug(
        "last_child_unheard",
        (
            claim,
            "_CHILDREN_ENDED",
            "then 'queued' else status end",
            "then status else status end",
        ),
    ),
    bug("held_child_is_sent", (relay, "PICK", "and not t.held", "")),
    bug("slot_for_two", (slots, "_take", 'row["task_id"] is None', "True")),
    bug(
        "progress_goes_back",
        (stages, "RAISE", "greatest(current, %(current)s)", "%(current)s"),
    ),
    bug("all_that_wait_are_freed", (providers, "_WAKE", "limit r.batch", "")),
    bug(
        "key_stands_for_any_body",
        (
            submit,
            "_as_existing",
            'row["command_hash"] != wanted.command_hash',
            "False",
        ),
    ),
    bug(
        "retry_leaves_its_parent_ended",
        (control, "retry", "_wait_again(connection, parent, count)", "pass"),
    ),
    bug(
        "found_again_ends_a_row_of_crashes",
        (
            stages.StageStore,
            "_commit_gathered",
            "is_commit=bool(new)",
            "is_commit=True",
        ),
    ),
)


#: Found where an operation is cut: each forgets that an answer may be lost, or that
#: what belongs together is one transaction.
CRASH_BUGS = (
    bug(
        "child_and_parent_apart",
        (runner, "end", "with connection.transaction():", "if True:"),
        shows_in="the end of the last child",
    ),
    bug(
        "effects_beside_their_guard",
        (
            stages.StageStore,
            "_commit_gathered",
            "with connection.pipeline(), connection.transaction():",
            "if True:",
        ),
        shows_in="a task from its claim to its end",
    ),
    bug(
        "own_claim_not_known_again",
        (runner.Runner, "_claim", "next(tries, True)", "is_again"),
        shows_in="a task from its claim to its end",
    ),
    bug(
        "own_row_not_known_again",
        (submit, "_keys", "[w.id for w in missing]", "[]"),
        shows_in="submit without a key",
    ),
    bug(
        "children_beside_their_parent",
        (run.TaskRun, "_spawn", "with connection.transaction():", "if True:"),
        shows_in="having children",
    ),
    bug(
        "cancel_in_two_steps",
        (control, "cancel", "with connection.transaction():", "if True:"),
        shows_in="cancel",
    ),
    bug(
        "hint_out_before_it_is_noted",
        (relay.Relay, "_forget", "if lost > 0:", "if False:"),
        shows_in="relay",
    ),
)
