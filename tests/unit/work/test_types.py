"""What the type checker refuses: a spec of one command with the command of another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[3] / "src"

SPECS = """
from prsnl.work.queues import Queue
from prsnl.work.run import TaskRun
from prsnl.work.specs import Catalogue, Command, Result, TaskSpec
from prsnl.work.submit import submission

class Fold(Command):
    times: int

class Cut(Command):
    times: int

class Folded(Result):
    layers: int

class Snippets(Result):
    count: int

FOLD = TaskSpec(name="fold", queue=Queue.ANALYSIS, command=Fold, result=Folded)
TASKS = Catalogue()
"""

RIGHT = """
submission(FOLD, Fold(times=2), owner="ada")

@TASKS.handles(FOLD)
def fold(run: TaskRun, command: Fold) -> Folded:
    return Folded(layers=2**command.times)
"""

WRONG = {
    "another command": 'submission(FOLD, Cut(times=2), owner="ada")',
    "a dictionary": 'submission(FOLD, {"times": 2}, owner="ada")',
    "a handler of another command": """
@TASKS.handles(FOLD)
def cut(run: TaskRun, command: Cut) -> Folded:
    return Folded(layers=1)
""",
    "a handler with another result": """
@TASKS.handles(FOLD)
def tear(run: TaskRun, command: Fold) -> Snippets:
    return Snippets(count=2)
""",
    "a queue by its name": """
TaskSpec(name="x", queue="analysis", command=Fold, result=Folded)
""",
}


def test_the_checker_tells_right_from_wrong(tmp_path: Path) -> None:
    """One run over all files: a spec that is only covariant lets the first through."""
    (tmp_path / "right.py").write_text(SPECS + RIGHT)
    for name, wrong in WRONG.items():
        (tmp_path / f"{name.replace(' ', '_')}.py").write_text(SPECS + wrong)
    files = sorted(tmp_path.glob("*.py"))

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--follow-imports=silent",
            "--config-file=",
            "--no-error-summary",
            f"--cache-dir={tmp_path / 'cache'}",
            *map(str, files),
        ],
        env={"MYPYPATH": str(SOURCE), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    refused = {Path(line.split(":")[0]).stem for line in done.stdout.splitlines()}
    assert refused == {name.replace(" ", "_") for name in WRONG}, done.stdout
