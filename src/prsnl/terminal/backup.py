"""`./prsnl backup FILE` and `restore FILE`: everything of an installation in one file.

A back-up is a tar: `backup.json`, `database.dump` (pg_dump's own format), `storage/`
with the bytes by their hash, and the small files of the data folder that a person has
made or needs. The dump comes first: bytes that come later are named by no row, and
harmless.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from prsnl import __version__
from prsnl.core import schema
from prsnl.core.db import connect
from prsnl.core.errors import BadRequestError, StartError, UnavailableError
from prsnl.core.incoming import told_bytes
from prsnl.core.settings import Settings
from prsnl.core.settings.sources import KEPT_NAME
from prsnl.core.storage import FolderStorage
from prsnl.embedded.datadir import holder_of
from prsnl.embedded.programs import client_program
from prsnl.embedded.stack import EmbeddedStack, kept_database_url
from prsnl.embedded.supervisor import Supervisor
from prsnl.terminal.live import print_lines
from prsnl.wiring.storage import storage_folder

_MANIFEST: Final = "backup.json"
_DUMP: Final = "database.dump"
_BLOBS: Final = "storage"
_KEPT: Final = "data"
_FORMAT: Final = 1
#: Of the data folder: the first key, what `engines use` wrote, what a person has put
#: in place of ours.
_SMALL: Final = ("api-key", KEPT_NAME, "prompts", "taxonomy.toml")


def backup(target: Path) -> int:
    """Write everything to one file, readable by its owner alone.

    Raises:
        BadRequestError: The file is there already, or cannot be written.
        StartError: The database cannot be started or read.
    """
    if target.exists():
        raise BadRequestError(f"{target} is there already: name another file.")
    settings = Settings.read()
    new = target.with_name(f"{target.name}.part")
    try:
        with _database(settings, what="prsnl backup") as url:
            schema.check(url)
            blobs = _write(new, settings, url)
        new.replace(target)
    except OSError as error:
        raise BadRequestError(
            f"{target} cannot be written ({error.strerror}): name another file, or "
            "free some space."
        ) from error
    finally:
        new.unlink(missing_ok=True)
    where = "" if blobs is not None else " The bytes of files stay in the bucket."
    count = f" with {blobs} stored files" if blobs else ""
    print_lines(
        f"{target}: the database{count}, settings and keys, "
        f"{told_bytes(target.stat().st_size)}.{where}"
        "   Keep it safe: it holds keys.   Bring it back: ./prsnl restore FILE"
    )
    return 0


def restore(source: Path) -> int:
    """Bring a back-up into an installation that holds nothing yet.

    Raises:
        BadRequestError: The file is no back-up, or is damaged.
        StartError: There is something already, or the back-up is of a newer program.
    """
    settings = Settings.read()
    folder = settings.storage.folder
    with _opened(source) as archive:
        told = _manifest(archive, source)
        if told["schema"] > schema.newest():
            raise StartError(
                f"The back-up is of a newer program (its schema is {told['schema']}, "
                f"this program's {schema.newest()}): update the program, then restore."
            )
        if holder := holder_of(folder):
            raise StartError(holder.sentence(folder))
        with _database(settings, what="prsnl restore") as url:
            _require_empty(url, folder)
            _bring_back(archive, settings, url)
            schema.migrate(url)
    when = told["made_at"][:16].replace("T", " ")
    print_lines(
        f"Restored into {folder}, as it was on {when}: {told['items']} items."
        "   Look: ./prsnl up"
    )
    return 0


@contextmanager
def _database(settings: Settings, *, what: str) -> Iterator[str]:
    """Where the database is: the user's, the one that runs, or one started now."""
    given = settings.database.database_url
    folder = settings.storage.folder
    if given is not None:
        yield given.get_secret_value()
        return
    if holder_of(folder) is not None and (kept := kept_database_url(folder)):
        yield kept
        return
    with ExitStack() as stack:
        supervisor = stack.enter_context(Supervisor())
        stack.enter_context(supervisor.signals())
        started = EmbeddedStack(folder, supervisor, what=what)
        yield stack.enter_context(started).database_url


def _write(path: Path, settings: Settings, url: str) -> int | None:
    """Write the tar; how many stored files it holds, None for a bucket."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        tarfile.open(fileobj=file, mode="w") as archive,
        tempfile.TemporaryDirectory(dir=path.parent) as folder,
    ):
        dump = Path(folder) / _DUMP
        _run(url, "pg_dump", "--format=custom", "--no-owner", f"--file={dump}")
        manifest = Path(folder) / _MANIFEST
        manifest.write_text(json.dumps(_described(url)))
        archive.add(manifest, _MANIFEST)
        archive.add(dump, _DUMP)
        for name in _SMALL:
            with suppress(FileNotFoundError):
                archive.add(settings.storage.folder / name, f"{_KEPT}/{name}")
        if (settings.storage.storage_url or "").startswith("s3:"):
            return None
        return _add_blobs(archive, storage_folder(settings))


def _described(url: str) -> dict[str, Any]:
    with connect(url) as connection:
        row = connection.execute("select count(*) as items from items").fetchone()
        assert row is not None
        return {
            "format": _FORMAT,
            "program": __version__,
            "schema": schema.current(connection),
            "made_at": datetime.now(UTC).isoformat(),
            "items": row["items"],
        }


def _add_blobs(archive: tarfile.TarFile, folder: Path) -> int:
    count = 0
    for path in sorted((folder / "blobs").glob("*/*")):
        with suppress(FileNotFoundError):  # emptied from the trash at this moment
            archive.add(path, f"{_BLOBS}/{path.name}", recursive=False)
            count += 1
    return count


@contextmanager
def _opened(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(source, mode="r:") as archive:
            yield archive
    except (FileNotFoundError, IsADirectoryError, PermissionError) as error:
        raise BadRequestError(f"{source} cannot be read: {error.strerror}.") from error
    except (tarfile.TarError, EOFError, KeyError, ValueError) as error:
        raise BadRequestError(
            f"{source} is no back-up of PRSNL, or a damaged one: use another."
        ) from error


def _manifest(archive: tarfile.TarFile, source: Path) -> dict[str, Any]:
    file = archive.extractfile(_MANIFEST)
    assert file is not None
    told: dict[str, Any] = json.loads(file.read())
    if told["format"] != _FORMAT:
        raise BadRequestError(
            f"{source} has another format ({told['format']}) than this program reads "
            f"({_FORMAT}): update the program."
        )
    return told


def _require_empty(url: str, folder: Path) -> None:
    with connect(url) as connection:
        if not schema.current(connection):
            return
        row = connection.execute(
            "select exists (select 1 from items) or exists (select 1 from tasks) as any"
        ).fetchone()
        if row and row["any"]:
            raise StartError(
                f"There are items in this installation already ({folder}): restore "
                "into an empty one, with PRSNL_DATA_DIR set to another folder."
            )
        connection.execute("drop schema public cascade; create schema public")


def _bring_back(archive: tarfile.TarFile, settings: Settings, url: str) -> None:
    folder = settings.storage.folder
    kept = FolderStorage(storage_folder(settings))
    kept.prepare()
    for member in archive:
        if not member.isfile():
            continue
        file = archive.extractfile(member)
        assert file is not None
        area, _, name = member.name.partition("/")
        with kept.incoming() as path, path.open("wb") as copy:
            os.fchmod(copy.fileno(), 0o600)
            shutil.copyfileobj(file, copy)
            copy.flush()
            if area == _DUMP:
                _run(url, "pg_restore", "--no-owner", "--exit-on-error", "-1", path)
            elif area == _BLOBS:
                _require_whole(path, name)
                kept.put_file(path, name)
            elif area == _KEPT and name.split("/")[0] in _SMALL and ".." not in name:
                (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.replace(folder / name)


def _require_whole(path: Path, name: str) -> None:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != name:
            raise ValueError(name)


def _run(url: str, program: str, *arguments: str | Path) -> None:
    """Run one of PostgreSQL's own programs; the password is in no argument."""
    parts = urlsplit(url)
    ended = subprocess.run(
        [
            str(client_program(program)),
            *map(str, arguments),
            f"--dbname={parts.path.lstrip('/')}",
        ],
        env={
            **os.environ,
            "PGHOST": parts.hostname or "",
            "PGPORT": str(parts.port or 5432),
            "PGUSER": unquote(parts.username or ""),
            "PGPASSWORD": unquote(parts.password or ""),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        raise UnavailableError(f"{program} failed: {ended.stderr.strip()[-500:]}")
