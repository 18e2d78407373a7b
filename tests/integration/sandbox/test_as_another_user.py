"""The attack list once more, as an ordinary user, where the tests run as root."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.sandbox import test_attacks

_ROOT = Path(__file__).parents[3]
_NOBODY = 65534

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0,
    reason="these tests do not run as root",
)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """A folder of the ordinary user's, since root's temporary ones are closed."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, _NOBODY, _NOBODY)
        yield Path(folder)


def test_the_attack_list_holds_for_an_ordinary_user(scratch: Path) -> None:
    python, path = _python_for_nobody()
    done = subprocess.run(
        [
            python,
            "-m",
            "pytest",
            str(Path(test_attacks.__file__).relative_to(_ROOT)),
            "-q",
            "--noconftest",
            "-p",
            "no:cacheprovider",
            "-p",
            "pytest_timeout",
            f"--basetemp={scratch / 'own'}",
        ],
        check=False,
        cwd=_ROOT,
        env={
            "PYTHONPATH": path,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PATH": os.defpath,
            "HOME": str(scratch),
            "TMPDIR": str(scratch),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=220,
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=(),
    )

    assert done.returncode == 0, done.stdout


def _python_for_nobody() -> tuple[str, str]:
    """A Python of this version, and a path for it, that an ordinary user can use."""
    installed = [entry for entry in sys.path if entry.endswith("-packages")]
    path = os.pathsep.join([str(_ROOT / "src"), *installed])
    version = "{}.{}".format(*sys.version_info[:2])
    others = (
        shutil.which(name, path="/usr/local/bin:/usr/bin")
        for name in (f"python{version}", "python3")
    )
    for python in (sys.executable, *others):
        if python and _runs(python, path, version):
            return python, path
    pytest.skip(f"no Python {version} with the libraries that another user can run")


def _runs(python: str, path: str, version: str) -> bool:
    ask = f"import sys, pytest, psutil; assert sys.version.startswith('{version}.')"
    try:
        done = subprocess.run(
            [python, "-c", ask],
            check=False,
            cwd="/",
            env={"PYTHONPATH": path},
            capture_output=True,
            user=_NOBODY,
            group=_NOBODY,
            extra_groups=(),
        )
    except OSError:
        return False
    return done.returncode == 0
