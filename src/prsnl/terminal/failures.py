"""Failures by reason, each with the command that tries again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prsnl.terminal.outcome import Outcome
from prsnl.terminal.summary import count

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
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.error is not None and not outcome.is_success:
            reason = (outcome.error.code, outcome.error.message)
            groups.setdefault(reason, []).append(outcome)
    told = []
    for (code, message), failed in groups.items():
        told.append(f"{count(len(failed), 'file')} failed ({code}): {message}")
        told.extend(f"  {outcome.file.shown}" for outcome in failed[:_SHOWN])
        if len(failed) > _SHOWN:
            told.append(f"  and {len(failed) - _SHOWN} more")
        told.append(f"  Again: {_command(failed, paths, options)}")
    return told


def _command(
    failed: Sequence[Outcome], paths: Sequence[Path], options: Sequence[str]
) -> str:
    named = [str(outcome.file.path) for outcome in failed]
    chosen = named if len(named) <= _NAMED else [str(path) for path in paths]
    return shlex.join(["./prsnl", "process", *chosen, *options])
