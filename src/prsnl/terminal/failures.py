"""Failures by reason, and the one command that tries again what may end better."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prsnl.core.errors import Category
from prsnl.terminal.outcome import UNREADABLE, Outcome
from prsnl.terminal.summary import count, one_line

#: What a code means for one file and for several; each file's own sentence is above.
_REASONS: Final = {
    "unsupported": (
        "is of a kind that this version does not read (unsupported)",
        "are of a kind that this version does not read (unsupported)",
    ),
    "encrypted": ("is protected by a password", "are protected by a password"),
    "corrupt": (
        "is damaged: get it again from where it came",
        "are damaged: get them again from where they came",
    ),
    "empty": ("has no text", "have no text"),
    "too_large": ("is larger than the server takes",) * 2,
    "disk_full": ("found no room on the disk",) * 2,
    "out_of_memory": ("needed more memory than a task may have",) * 2,
    "time_limit": ("needed more time than a task may have",) * 2,
    "child_crashed": ("crashed what read it", "crashed what read them"),
    "unavailable": ("found no server that answers",) * 2,
    "cancelled": ("was cancelled", "were cancelled"),
    UNREADABLE: ("could not be opened here",) * 2,
}
#: More files than this are named by the paths of the command itself.
_NAMED: Final = 3
_SHOWN: Final = 10
_NAME_CHARACTERS: Final = 80


def grouped(
    outcomes: Sequence[Outcome], *, paths: Sequence[Path], options: Sequence[str]
) -> list[str]:
    """Lines that tell what failed and why, by the codes of the errors.

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
        told += [f"{count(len(failed), 'file')} {_reason(code, len(failed))}:"]
        told += [f"  {_names(failed)}"]
    hopeful = [one for group in groups.values() for one in group if _may_end_well(one)]
    if hopeful:
        told.append(f"Try again: {_command(hopeful, paths, options)}")
    return told


def _code(outcome: Outcome) -> str:
    return outcome.error.code if outcome.error else "cancelled"


def _reason(code: str, number: int) -> str:
    one, several = _REASONS.get(code, (f"failed ({code})",) * 2)
    return one if number == 1 else several


def _names(failed: Sequence[Outcome]) -> str:
    shown = [
        one_line(outcome.file.shown, characters=_NAME_CHARACTERS)
        for outcome in failed[:_SHOWN]
    ]
    more = len(failed) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _may_end_well(outcome: Outcome) -> bool:
    """Whether the same file can have another end: a damaged one stays damaged."""
    return outcome.error is None or outcome.error.category != Category.PERMANENT


def _command(
    failed: Sequence[Outcome], paths: Sequence[Path], options: Sequence[str]
) -> str:
    named = [outcome.file.path for outcome in failed]
    chosen = named if len(named) <= _NAMED else paths
    arguments = [*map(_quoted, chosen), *map(_quoted, options)]
    return " ".join(["./prsnl process", *arguments])


def _quoted(argument: Path | str) -> str:
    """For a shell; with nothing in it that a terminal would obey."""
    text = str(argument)
    if text.isprintable():
        return shlex.quote(text)
    return f"$'{''.join(map(_escaped, os.fsencode(text)))}'"


def _escaped(byte: int) -> str:
    letter = chr(byte)
    is_plain = letter.isascii() and letter.isprintable() and letter not in "\\'"
    return letter if is_plain else f"\\x{byte:02x}"
