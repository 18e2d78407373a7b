"""`./prsnl test` and `bench`: what a developer runs; both need the repository."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import prsnl
from prsnl.core.errors import BadRequestError
from prsnl.embedded.machine import cores
from prsnl.terminal.live import print_lines

_REPOSITORY: Final = Path(prsnl.__file__).parents[2]
_FULL: Final = "--full"
#: How much is asked by the tests that ask at random; each says what that is.
_EXAMPLES: Final = ("PRSNL_TEST_EXAMPLES", "10")
#: The checks before the tests: a name, and what follows the Python.
_CHECKS: Final = (
    ("ruff check", ("-m", "ruff", "check", "--quiet")),
    ("ruff format", ("-m", "ruff", "format", "--check", "--quiet")),
    ("mypy", ("-m", "mypy", "--no-error-summary")),
    (
        "import-linter",
        ("-c", "from importlinter.cli import lint_imports_command as run; run()"),
    ),
)


def test(arguments: Sequence[str]) -> int:
    """Check and test everything; with arguments pytest alone, with these.

    `--full` has those that ask at random ask much more, and adds the tests that take
    ten minutes each, one after the other.

    Raises:
        BadRequestError: This is no repository.
    """
    _require("tests")
    is_full = _FULL in arguments
    arguments = [one for one in arguments if one != _FULL]
    if is_full:
        os.environ.setdefault(*_EXAMPLES)
    if arguments:
        return _run(["-m", "pytest", *arguments, *(["-m", ""] if is_full else [])])
    is_clean = True
    for name, command in _CHECKS:
        done = subprocess.run(
            [sys.executable, *command],
            cwd=_REPOSITORY,
            check=False,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        is_ok = done.returncode == 0
        print_lines(*([] if is_ok else [done.stdout.rstrip()]))
        print_lines(f"{name}: {'ok' if is_ok else 'FAILED'}")
        is_clean = is_clean and is_ok
    # Two more than cores: many tests wait for processes, leases and disks.
    hands = str(cores() + 2)
    status = _run(["-m", "pytest", "-n", hands, "--dist", "worksteal", "tests"])
    if is_full:
        status = _run(["-m", "pytest", "-m", "full", "tests"]) or status
    return status or (0 if is_clean else 1)


def bench(name: str | None, arguments: Sequence[str]) -> int:
    """Run one measurement, or list them.

    Raises:
        BadRequestError: There is no such measurement, or this is no repository.
    """
    folder = _require("bench")
    names = benches(folder)
    if name in (None, "--help"):
        print_lines("Measurements, run by ./prsnl bench NAME:", *_indented(names))
        return 0
    if name not in names:
        raise BadRequestError(
            f"There is no measurement {name}: there are {', '.join(names)}."
        )
    path = folder / f"{name.replace('-', '_')}.py"
    sys.argv = [str(path), *arguments]
    sys.path.insert(0, str(folder))
    runpy.run_path(str(path), run_name="__main__")
    return 0


def benches(folder: Path) -> list[str]:
    """The measurements of a folder: modules that can be run as programs."""
    return sorted(
        path.stem.replace("_", "-")
        for path in folder.glob("*.py")
        if _is_program(path.read_text(encoding="utf-8"))
    )


def _is_program(source: str) -> bool:
    return "\n    raise SystemExit(main(" in source


def _indented(names: Sequence[str]) -> list[str]:
    return [f"  {name}" for name in names]


def _require(folder: str) -> Path:
    found = _REPOSITORY / folder
    if not found.is_dir():
        raise BadRequestError(
            f"There is no folder {found}: this needs the repository, not the package."
        )
    return found


def _run(arguments: Sequence[str]) -> int:
    sys.stdout.flush()
    done = subprocess.run([sys.executable, *arguments], cwd=_REPOSITORY, check=False)
    return done.returncode
