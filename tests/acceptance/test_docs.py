"""The README's commands, run as they stand there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fakes.recordings import film, scene, tone

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120.0
#: Would run this very test again.
NOT_HERE = {"test"}


@dataclass
class Reader:
    """Somebody who types what the page says, in a home of his own."""

    home: Path
    env: dict[str, str]
    service: subprocess.Popen | None = field(default=None)

    def type(self, command: str) -> subprocess.CompletedProcess:
        """Run one line; `up` stays."""
        words = shlex.split(command.replace("~", str(self.home)), comments=True)
        assert words[0] == "./prsnl"
        argv = [sys.executable, "-m", "prsnl", *words[1:]]
        if words[1] == "up":
            self.service = subprocess.Popen(argv, cwd=ROOT, env=self.env)
            return self.wait_for_service()
        return subprocess.run(
            argv,
            cwd=self.home,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def wait_for_service(self) -> subprocess.CompletedProcess:
        """The service answers `status`."""
        gives_up_at = time.monotonic() + PATIENCE_S
        while True:
            done = self.type("./prsnl status")
            if done.returncode == 0 or time.monotonic() > gives_up_at:
                return done
            time.sleep(0.2)


@pytest.fixture
def reader(home: Path) -> Iterator[Reader]:
    """A home with a folder of documents, beside the repository's samples."""
    shutil.copytree(ROOT / "samples", home / "Documents")
    shutil.copytree(ROOT / "samples", home / "samples")
    film(home / "talk.mp4", [(scene(1), 1.0), (scene(2), 1.0)], with_sound=tone(2))
    one = Reader(
        home,
        {
            **os.environ,
            "HOME": str(home),
            "PYTHONPATH": str(ROOT / "src"),
            "PRSNL_DATA_DIR": str(home / "data"),
            "PRSNL_PORT": "0",
        },
    )
    yield one
    if one.service is not None:
        one.service.send_signal(signal.SIGINT)
        one.service.wait(timeout=PATIENCE_S)


def commands(page: Path) -> list[str]:
    """The indented lines of a page that begin with our program."""
    return re.findall(r"^    (\./prsnl .+)$", page.read_text(), flags=re.MULTILINE)


def python_of(page: Path) -> str:
    """The page's Python, all of it."""
    found = re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)
    return "\n".join(found)


def test_every_command_of_the_readme_does_what_it_says(reader: Reader) -> None:
    wanted = [
        line
        for line in commands(ROOT / "README.md")
        if shlex.split(line, comments=True)[1] not in NOT_HERE
    ]
    assert len(wanted) >= 5

    done = {line: reader.type(line) for line in wanted}

    failed = {line: one.stderr for line, one in done.items() if one.returncode != 0}
    assert not failed
    first = done[wanted[0]].stdout
    assert "Lease agreement" in first
    assert "6 done, 0 failed" in first
    assert (reader.home / "out/lease-agreement.pdf.txt").is_file()


def test_the_python_of_the_readme_runs_against_a_running_service(
    reader: Reader,
) -> None:
    reader.type("./prsnl up")

    done = subprocess.run(
        [sys.executable, "-c", python_of(ROOT / "README.md")],
        cwd=reader.home,
        env=reader.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert done.stderr == ""
    assert done.stdout == "Lease agreement\n"


def test_what_the_pages_link_to_is_there() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text())
        if not (page.parent / target).exists()
    ]

    assert not broken
