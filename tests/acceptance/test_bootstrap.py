"""`./prsnl` as a new user meets it: fake Pythons, a fake uv, and no network.

The script is copied into a clone of its own beside a program that tells how it was
called; a fake uv makes a bare environment and notes what it was asked to install.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
TOOLS = ("sh", "cat", "cmp", "dirname", "readlink", "sleep", "touch")
PROGRAM = """
import json, os, sys
print(json.dumps({"cwd": os.getcwd(), "argv": sys.argv[1:], "path": sys.path}))
"""
SHIM = """#!/bin/sh
echo "shim: $0: command not found" >&2
exit 127
"""
OLD = """#!/bin/sh
echo 3.9
"""
NO_VENV = """#!/bin/sh
case $* in *ensurepip*) exit 1 ;; *) echo 3.12 ;; esac
"""
WHOLE = """#!/bin/sh
case $* in
    *set_up.py*) echo "set-up reached with 3.13" >&2; exit 1 ;;
    *) echo 3.13 ;;
esac
"""
UV = """#!/bin/sh
case $1 in
    venv) exec "$4" -m venv --without-pip "$5" ;;
    pip) for lock; do :; done; echo "${lock##*/}" >> "$NOTES/installed" ;;
esac
"""
#: Waits inside the install until the file `go` is there.
SLOW_UV = UV.replace(
    "pip) ",
    'pip) touch "$NOTES/inside"; while [ ! -e "$NOTES/go" ]; do sleep 0.05; done; ',
)


@dataclass(frozen=True)
class Clone:
    """A clone of the script, and the only programs that it finds."""

    folder: Path
    programs: Path
    notes: Path

    @property
    def venv(self) -> Path:
        """Where the set-up puts the packages."""
        return self.folder / ".venv"

    def offer(self, name: str, text: str) -> None:
        """Put a program on the path."""
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def offer_python(self) -> None:
        """Put the Python that runs this test on the path, under its version."""
        text = f"#!/bin/sh\nexec '{sys.executable}' \"$@\"\n"
        self.offer(f"python{VERSION}", text)

    def environment(self, **more: str) -> dict[str, str]:
        """What the script is called with."""
        return {"PATH": str(self.programs), "NOTES": str(self.notes), **more}

    def run(
        self, *arguments: str, cwd: Path = ROOT, program: Path | None = None, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Call the script and wait for its end."""
        return subprocess.run(
            [str(program or self.folder / "prsnl"), *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            env=self.environment(**env),
            timeout=PATIENCE_S,
            check=False,
        )

    def begin(self) -> subprocess.Popen[str]:
        """Call the script in a session of its own, as a terminal would."""
        return subprocess.Popen(
            [str(self.folder / "prsnl"), "status"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(),
            start_new_session=True,
        )

    def installed(self) -> list[str]:
        """The locks that the fake uv was asked to install, in order."""
        notes = self.notes / "installed"
        return notes.read_text().split() if notes.exists() else []


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    made = Clone(tmp_path / "a clone", tmp_path / "programs", tmp_path / "notes")
    for folder in (made.folder / "scripts", made.programs, made.notes):
        folder.mkdir(parents=True)
    shutil.copy(ROOT / "prsnl", made.folder)
    shutil.copy(ROOT / "scripts" / "set_up.py", made.folder / "scripts")
    for lock in ("requirements.lock", "requirements-test.lock"):
        (made.folder / lock).write_text("tiny==1.0 \\\n    --hash=sha256:00\n")
    package = made.folder / "src" / "prsnl"
    package.mkdir(parents=True)
    (package / "__main__.py").write_text(PROGRAM)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (made.programs / tool).symlink_to(found)
    return made


@pytest.fixture
def ready(clone: Clone) -> Clone:
    clone.offer_python()
    clone.offer("uv", UV)
    return clone


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def until(condition: Callable[[], bool]) -> None:
    """Wait for a condition that must come true."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true"
        time.sleep(0.02)


def test_the_first_start_says_what_it_will_do_and_does_it(ready: Clone) -> None:
    done = ready.run("status", "--watch")

    assert told(done)["argv"] == ["status", "--watch"]
    assert "Setting up, once: 1 packages, about " in done.stderr
    assert "MB to download" in done.stderr
    assert "MB on disk in" in done.stderr
    assert "without a network afterwards" in done.stderr


def test_the_second_start_sets_nothing_up(ready: Clone) -> None:
    ready.run("status")
    (ready.programs / "uv").unlink()
    (ready.programs / f"python{VERSION}").unlink()

    done = ready.run("status")

    assert told(done)
    assert done.stderr == ""
    assert ready.installed() == ["requirements.lock"]


def test_a_changed_lock_sets_up_anew(ready: Clone) -> None:
    ready.run("status")
    (ready.venv / "of-the-old-one").touch()
    (ready.folder / "requirements.lock").write_text("tiny==2.0 --hash=sha256:11\n")

    assert told(ready.run("status"))

    assert ready.installed() == ["requirements.lock"] * 2
    assert not (ready.venv / "of-the-old-one").exists()


def test_another_python_sets_up_anew(ready: Clone) -> None:
    ready.run("status")
    (ready.venv / "python-version").write_text("3.10\n")

    assert told(ready.run("status"))

    assert ready.installed() == ["requirements.lock"] * 2


def test_the_tests_own_packages_come_with_the_first_test(ready: Clone) -> None:
    ready.run("status")
    assert ready.installed() == ["requirements.lock"]

    for _ in range(2):
        assert told(ready.run("test", "-k", "x"))["argv"] == ["test", "-k", "x"]

    assert ready.installed() == ["requirements.lock", "requirements-test.lock"]


def test_the_working_folder_is_the_callers_and_shadows_nothing(
    ready: Clone, tmp_path: Path
) -> None:
    here = tmp_path / "my papers"
    here.mkdir()
    (here / "json.py").write_text("raise SystemExit('the wrong json')")

    answer = told(ready.run("process", "a b.pdf", cwd=here))

    assert answer["cwd"] == str(here)
    assert answer["argv"] == ["process", "a b.pdf"]
    assert str(ready.folder / "src") in answer["path"]


def test_it_is_found_through_a_symbolic_link(ready: Clone, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    link = tmp_path / "bin" / "prsnl"
    link.symlink_to("../a clone/prsnl")

    assert told(ready.run("status", program=link))

    assert ready.venv.is_dir()


def test_a_closed_standard_input_is_no_hindrance(ready: Clone) -> None:
    done = subprocess.run(
        [
            str(ready.programs / "sh"),
            "-c",
            'exec "$0" status <&-',
            str(ready.folder / "prsnl"),
        ],
        capture_output=True,
        text=True,
        env=ready.environment(),
        timeout=PATIENCE_S,
        check=False,
    )

    assert told(done)["argv"] == ["status"]


def test_a_shim_that_leads_nowhere_is_passed_over_in_silence(ready: Clone) -> None:
    for name in {"python3.14", "python3.13", "python3.12"} - {f"python{VERSION}"}:
        ready.offer(name, SHIM)

    done = ready.run("status")

    assert told(done)
    assert "command not found" not in done.stderr


def test_a_python_that_is_too_old_is_named(clone: Clone) -> None:
    clone.offer("python3", OLD)

    done = clone.run("status")

    assert done.returncode == 1
    assert done.stderr.startswith(
        "PRSNL needs Python 3.11 to 3.14, and this one is 3.9"
    )
    assert done.stderr.count("\n") == 1


def test_a_missing_python_is_told(clone: Clone) -> None:
    done = clone.run("status")

    assert done.returncode == 1
    assert "and there is none: install one of them" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_missing_venv_module_is_told_with_its_package(clone: Clone) -> None:
    clone.offer("python3.12", NO_VENV)
    clone.offer("python3", OLD)

    done = clone.run("status")

    assert done.returncode == 1
    assert "PRSNL needs the venv module of Python 3.12" in done.stderr
    assert "apt install python3.12-venv" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_python_without_venv_is_passed_over_for_one_that_has_it(
    clone: Clone,
) -> None:
    clone.offer("python3.14", NO_VENV)
    clone.offer("python3", WHOLE)

    done = clone.run("status")

    assert "set-up reached with 3.13" in done.stderr


def test_a_folder_that_cannot_be_written_is_told(ready: Clone, tmp_path: Path) -> None:
    """A file in the way refuses root as well."""
    (tmp_path / "file").touch()

    done = ready.run("status", PRSNL_VENV=str(tmp_path / "file" / "venv"))

    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "set PRSNL_VENV to a folder of yours" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_folder_can_be_named(ready: Clone, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where" / "venv"

    assert told(ready.run("status", PRSNL_VENV=str(elsewhere)))

    assert (elsewhere / "bin" / "python").exists()
    assert not ready.venv.exists()


def test_ctrl_c_in_the_install_leaves_nothing_broken(ready: Clone) -> None:
    ready.offer("uv", SLOW_UV)
    with ready.begin() as started:
        until((ready.notes / "inside").exists)
        os.killpg(started.pid, signal.SIGINT)
        _, errors = started.communicate(timeout=PATIENCE_S)

    assert started.returncode in {130, -signal.SIGINT}
    assert "Stopped. Nothing is broken; the next start goes on" in errors
    assert not ready.venv.exists()

    (ready.notes / "go").touch()
    assert told(ready.run("status"))


def test_a_kill_in_the_install_leaves_nothing_broken(ready: Clone) -> None:
    """The installer that outlives its start is waited for, not run against."""
    ready.offer("uv", SLOW_UV)
    with ready.begin() as started:
        until((ready.notes / "inside").exists)
        os.kill(started.pid, signal.SIGKILL)
        os.killpg(started.pid, signal.SIGKILL)

    assert not ready.venv.exists()
    (ready.notes / "go").touch()
    assert told(ready.run("status"))


def test_a_stop_while_packages_are_added_sets_up_anew(ready: Clone) -> None:
    ready.run("status")
    (ready.venv / "unfinished").touch()

    assert told(ready.run("status"))

    assert not (ready.venv / "unfinished").exists()
    assert ready.installed() == ["requirements.lock"] * 2


def test_a_second_start_waits_for_the_first_and_says_so(ready: Clone) -> None:
    ready.offer("uv", SLOW_UV)
    with ready.begin() as first:
        until((ready.notes / "inside").exists)
        with ready.begin() as second:
            assert second.stderr is not None
            line = second.stderr.readline()
            (ready.notes / "go").touch()
            answers = [
                process.communicate(timeout=PATIENCE_S)[0]
                for process in (first, second)
            ]

    assert "Another start (pid " in line
    assert "is setting up; waiting for it" in line
    assert all(json.loads(answer)["argv"] == ["status"] for answer in answers)
    assert ready.installed() == ["requirements.lock"]


def test_an_install_that_fails_shows_its_last_words(clone: Clone) -> None:
    """Both uv and pip fail: pip at the lock's first line, before any network."""
    clone.offer_python()
    clone.offer("uv", "#!/bin/sh\necho the disk hums >&2\nexit 2\n")
    (clone.folder / "requirements.lock").write_text("not a requirement ==\n")

    done = clone.run("status")

    assert done.returncode == 1
    assert "uv could not; trying with pip." in done.stderr
    assert "The set-up failed in `" in done.stderr
    assert not clone.venv.exists()
