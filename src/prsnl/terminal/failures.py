"""Failures by reason, each with the command that tries again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prsnl.terminal.outcome import UNREADABLE, Outcome
from prsnl.terminal.summary import count

#: What a code means for several files at once; each file's own sentence is above.
_REASONS: Final = {
    "unsupported": "a kind of file that this version cannot read",
    "encrypted": "a password is needed",
    "corrupt": "damaged beyond reading",
    "empty": "no text in it",
    "too_large": "larger than the server takes",
    "disk_full": "no room on the disk",
    "out_of_memory": "more memory was needed than a task may have",
    "time_limit": "more time was needed than a task may have",
    "child_crashed": "the reader crashed on it each time",
    "unavailable": "the server did not answer",
    "cancelled": "cancelled",
    UNREADABLE: "the file could not be opened here",
}
#: More files than this are named by the paths of the command itself.
_NAMED: Final = 3
_SHOWN: Final = 10


def grouped(
    outcomes: Sequence[Outcome], *, paths: Sequence[Path], options: Sequence[str]
) -> list[str]:
    """Lines that tell what failed and why.

    Args:
        outcomes: All of a run.
        paths: As the user gave them: sent again, only what failed is processed.
        options: Of the same command, such as `--output DIR`.
    """
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.is_success:
            groups.setdefault(_code(outcome), []).append(outcome)
    told = []
    for code, failed in groups.items():
        told.append(f"{count(len(failed), 'file')} failed: {_REASONS.get(code, code)}")
        told.extend(f"  {outcome.file.shown}" for outcome in failed[:_SHOWN])
        if len(failed) > _SHOWN:
            told.append(f"  and {len(failed) - _SHOWN} more")
        told.append(f"  Again: {_command(failed, paths, options)}")
    return told


def _code(outcome: Outcome) -> str:
    return outcome.error.code if outcome.error else "cancelled"


def _command(
    failed: Sequence[Outcome], paths: Sequence[Path], options: Sequence[str]
) -> str:
    named = [str(outcome.file.path) for outcome in failed]
    chosen = named if len(named) <= _NAMED else [str(path) for path in paths]
    return shlex.join(["./prsnl", "process", *chosen, *options])
