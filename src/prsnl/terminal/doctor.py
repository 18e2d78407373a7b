"""`./prsnl doctor`: what was found, and a fix for each red line."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import psycopg
from rich.console import Console
from rich.text import Text

from prsnl.client import Client, local_key
from prsnl.core import schema
from prsnl.core.db import connect
from prsnl.core.errors import PrsnlError, StartError, UnavailableError
from prsnl.core.incoming import told_bytes
from prsnl.core.settings import Settings
from prsnl.core.settings.shown import shown
from prsnl.discovery import RunningServer
from prsnl.embedded.datadir import holder_of
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import Supervisor
from prsnl.library.watch import watched
from prsnl.terminal import disk, ocr_engines
from prsnl.terminal.engines import language_model_here, speech_here
from prsnl.terminal.stack import given_urls, log_to_file
from prsnl.wiring.children import sandbox
from prsnl.wiring.storage import storage_folder, storage_of
from prsnl.work.broker import BROKER_ERRORS, broker_at

#: What reads files and texts here, by package.
_ENGINES: Final = (
    ("PDF", "pypdfium2"),
    ("file types", "magika"),
    ("language", "lingua-language-detector"),
    ("embeddings", "onnxruntime"),
)


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do if it is red."""

    what: str
    found: str
    is_ok: bool = True


def main() -> int:
    """Look at everything; 1 if something is red."""
    settings = Settings.read()
    console = Console(highlight=False, soft_wrap=True)
    is_ok = True
    for finding in findings(settings):
        is_ok = is_ok and finding.is_ok
        mark = Text("ok  ", "green") if finding.is_ok else Text("RED ", "bold red")
        console.print(mark + Text(f"{finding.what}: {finding.found}"))
    console.print(Text("Settings in force, and where each is set:"))
    for line in settings_in_force(settings):
        console.print(Text(f"  {line}"))
    return 0 if is_ok else 1


def findings(settings: Settings) -> Iterator[Finding]:
    """Every part, one after another."""
    yield from _servers(settings)
    yield _looked("storage", lambda: _storage(settings))
    yield _looked("disk", lambda: _disk(settings))
    yield from _watch(settings)
    yield from _sandbox(settings)
    for what, package in _ENGINES:
        yield _engine(what, package)
    yield _looked("OCR", lambda: ocr_engines.found(settings.ocr))
    yield _looked("speech", lambda: speech_here(settings))
    yield _looked("summaries", lambda: language_model_here(settings))


def _watch(settings: Settings) -> Iterator[Finding]:
    """The watched folder, as this machine and this user see it."""
    try:
        folder = watched(settings.watch, apart_from=settings.storage.folder)
    except PrsnlError as error:
        yield Finding("watched folder", error.message, is_ok=False)
        return
    if folder is None:
        return
    needed = os.R_OK | os.X_OK
    needed |= 0 if settings.watch.watch_after == "keep" else os.W_OK
    if not folder.is_dir():
        found = f"{folder} is no folder here: make it, or correct PRSNL_WATCH_DIR"
        yield Finding("watched folder", found, is_ok=False)
    elif not os.access(folder, needed):
        found = f"{folder} cannot be used by this user: mend its mode or its owner"
        yield Finding("watched folder", found, is_ok=False)
    else:
        yield Finding("watched folder", f"{folder}, then {settings.watch.watch_after}")


def settings_in_force(settings: Settings) -> list[str]:
    """Every variable, its value and its source; of a secret only whether it is set."""
    return [
        f"{one.variable} = {one.value}{f'   (from {one.origin})' if one.origin else ''}"
        for one in shown(settings, has_paths=True)
    ]


def _servers(settings: Settings) -> Iterator[Finding]:
    try:
        urls = given_urls(settings)
    except PrsnlError as error:
        yield Finding("settings", error.message, is_ok=False)
        return
    if urls is not None:
        yield from _direct(urls, fix="PRSNL_DATABASE_URL and PRSNL_BROKER_URL")
        return
    data_dir = settings.storage.folder
    running = RunningServer.find(data_dir)
    if running is not None:
        yield from _of_running(running, data_dir)
        return
    if (holder := holder_of(data_dir)) is not None:
        yield Finding("embedded stack", holder.sentence(data_dir), is_ok=False)
        return
    yield from _of_started(data_dir)


def _of_running(running: RunningServer, data_dir: Path) -> Iterator[Finding]:
    """Ask the server that runs: the servers behind it are its own."""
    try:
        with Client(running.url, local_key(data_dir)) as client:
            health = client.health()
    except UnavailableError as error:
        yield Finding("API", error.message, is_ok=False)
        return
    yield Finding("API", f"{running.url} (pid {running.pid}), version {health.version}")
    yield Finding("database", health.database, is_ok=health.database == "ok")
    yield Finding("broker", health.broker, is_ok=health.broker == "ok")
    for one in health.watch:
        counts = (
            f"{one.under_way} under way, {one.done} done, {one.duplicates} duplicates, "
            f"{one.failed} failed, {one.unreadable} that cannot be read"
        )
        is_ok = one.trouble is None and not one.unreadable
        yield Finding("files taken in", one.trouble or counts, is_ok=is_ok)
    queues = ", ".join(f"{queue} {w.slots}" for queue, w in health.workers.items())
    yield Finding(
        "workers", queues or "none: ./prsnl worker QUEUE starts one", is_ok=bool(queues)
    )


def _of_started(data_dir: Path) -> Iterator[Finding]:
    """Start the embedded servers for a moment: whether they can is the question."""
    log_to_file(data_dir)
    try:
        with (
            Supervisor() as supervisor,
            supervisor.signals(),
            EmbeddedStack(data_dir, supervisor, what="prsnl doctor") as urls,
        ):
            yield Finding("embedded stack", f"starts and stops, in {data_dir}")
            yield from _direct(urls, fix="the data folder", is_own=True)
    except StartError as error:
        yield Finding("embedded stack", error.message, is_ok=False)


def _direct(urls: StackUrls, *, fix: str, is_own: bool = False) -> Iterator[Finding]:
    yield _looked("database", lambda: _database(urls.database_url))
    if is_own:
        yield _looked("schema", lambda: _own_schema(urls.database_url))
    else:
        yield _looked("schema", lambda: _schema(urls.database_url))
    yield _looked("broker", lambda: _broker(urls.broker_url, fix))


def _looked(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, look())
    except PrsnlError as error:
        return Finding(what, error.message, is_ok=False)


def _database(url: str) -> str:
    try:
        with connect(url) as connection:
            row = connection.execute(
                "select current_setting('server_version') as server, "
                "(select default_version from pg_available_extensions "
                " where name = 'vector') as vector"
            ).fetchone()
    except psycopg.OperationalError as error:
        raise schema.unreachable(error) from error
    assert row is not None
    vector = row["vector"]
    return f"PostgreSQL {row['server']}, pgvector {vector or 'is missing'}"


def _schema(url: str) -> str:
    schema.check(url)
    return f"{schema.newest()}, as this program needs"


def _own_schema(url: str) -> str:
    """Of an embedded database the next start mends it."""
    try:
        return _schema(url)
    except StartError:
        return f"is brought to {schema.newest()} by the next start"


def _broker(url: str, fix: str) -> str:
    broker = broker_at(url)
    try:
        return broker.version()
    except (*BROKER_ERRORS, ValueError) as error:
        raise UnavailableError(
            f"The broker does not answer ({type(error).__name__}): look at {fix}."
        ) from error
    finally:
        broker.close()


def _storage(settings: Settings) -> str:
    folder = storage_folder(settings)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StartError(
            f"{nearest} cannot be written: make it yours, or set PRSNL_DATA_DIR."
        )
    url = settings.storage.storage_url
    if url is None or not url.startswith("s3:"):
        return str(folder)
    storage_of(settings).prepare()
    return f"{url}, by way of {folder}"


def _disk(settings: Settings) -> str:
    folder = storage_folder(settings)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(nearest).free
    floor = settings.storage.free_disk_floor_bytes
    if free < floor:
        raise StartError(
            f"{told_bytes(free)} are free and {told_bytes(floor)} are to stay free "
            "(PRSNL_FREE_DISK_FLOOR_BYTES): uploads are refused. Free some space."
        )
    ours = disk.told(settings.storage.folder, folder)
    return f"{told_bytes(free)} free" + (f"; of ours {ours}" if ours else "")


def _sandbox(settings: Settings) -> Iterator[Finding]:
    try:
        with sandbox(settings) as pool:
            layers = pool.probe_layers()
    except PrsnlError as error:
        yield Finding("sandbox", error.message, is_ok=False)
        return
    except OSError as error:
        yield Finding(
            "sandbox", f"No child can be started: {error.strerror}.", is_ok=False
        )
        return
    yield Finding("sandbox", _layers(layers.to_wire()))
    for sentence in layers.missing():
        yield Finding("sandbox", sentence, is_ok=False)


def _layers(found: dict[str, object]) -> str:
    return ", ".join(
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in found.items()
        if value
    )


def _engine(what: str, package: str) -> Finding:
    try:
        return Finding(what, f"{package} {version(package)}")
    except PackageNotFoundError:
        return Finding(
            what, f"{package} is missing: remove .venv and run ./prsnl", is_ok=False
        )
