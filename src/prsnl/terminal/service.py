"""`./prsnl up` and `down`: the service of this machine, started and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

from prsnl.core.errors import SENTENCE, StartError
from prsnl.core.settings import Settings
from prsnl.discovery import RunningServer
from prsnl.embedded.datadir import Holder, holder_of
from prsnl.fleet import CPU_WORKER
from prsnl.terminal.hints import better_summaries
from prsnl.terminal.live import print_lines
from prsnl.terminal.stack import Service, service

_LOOK_EVERY_S: Final = 0.1
_STARTS_WITHIN_S: Final = 180.0
#: Workers give back what runs within 20 s, then the servers stop.
_STOPS_WITHIN_S: Final = 60.0


def up(*, background: bool) -> int:
    """Run the service until Ctrl-C, or leave it running."""
    settings = Settings.read()
    if background:
        started = start_in_background(settings)
        print_lines(
            f"PRSNL runs at {started.url} (pid {started.pid}).   Stop it: ./prsnl down",
            *_hints(settings),
        )
        return 0
    with service(settings, what="prsnl up", is_passing=False) as running:
        print_lines(*_told(running), *_flower(settings), *_hints(settings))
        running.supervisor.wait()
        print_lines("Stopping: workers give back what runs ...")
    print_lines("Stopped.")
    return 0


def down() -> int:
    """Stop what runs on the data folder, on this machine."""
    data_dir = Settings.read().storage.folder
    holder = holder_of(data_dir)
    if holder is None:
        print_lines(f"Nothing is running on {data_dir}.")
        return 0
    if holder.host != Holder.of_this_process("").host:
        raise StartError(
            f"{data_dir} is in use on {holder.host}: run ./prsnl down there."
        )
    try:
        os.kill(holder.pid, signal.SIGTERM)
    except PermissionError as error:
        raise StartError(
            f"`{holder.what}` (pid {holder.pid}) belongs to another user: run "
            "./prsnl down as that user."
        ) from error
    except ProcessLookupError:
        pass  # it has just gone
    began = time.monotonic()
    while (left := holder_of(data_dir)) is not None and left.pid == holder.pid:
        if time.monotonic() - began > _STOPS_WITHIN_S:
            raise StartError(
                f"`{holder.what}` (pid {holder.pid}) was told to stop and still runs: "
                f"look at {data_dir / 'logs'}."
            )
        time.sleep(_LOOK_EVERY_S)
    seconds = time.monotonic() - began
    print_lines(f"Stopped `{holder.what}` (pid {holder.pid}) in {seconds:.1f} s.")
    return 0


def start_in_background(settings: Settings) -> RunningServer:
    """Start `up` in a session of its own, and wait until it serves.

    Raises:
        StartError: It cannot; the message is its own.
    """
    data_dir = settings.storage.folder
    # A file, for nobody reads a pipe once we have gone.
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen(
            [sys.executable, "-m", "prsnl", "up", "--no-open"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=told,
            start_new_session=True,
        )
        found = _await_server(child, data_dir)
        if found is None:
            told.seek(0)
            raise StartError(_last_sentence(told.read().decode(errors="replace")))
    child.returncode = 0  # it goes on without us
    return found


def _await_server(
    child: subprocess.Popen[bytes], data_dir: Path
) -> RunningServer | None:
    """The server that the child brings up; None if it ends without."""
    give_up_at = time.monotonic() + _STARTS_WITHIN_S
    while child.poll() is None and time.monotonic() < give_up_at:
        found = RunningServer.find(data_dir)
        if found is not None and _is_below(found.pid, child.pid):
            return found
        time.sleep(_LOOK_EVERY_S)
    return None


def _is_below(pid: int, ancestor: int) -> bool:
    with suppress(psutil.Error):
        return any(each.pid == ancestor for each in psutil.Process(pid).parents())
    return False


def _last_sentence(output: str) -> str:
    lines = output.strip().splitlines()
    if not lines:
        return "./prsnl up ended without a word: run it without --background."
    return lines[-1].removeprefix(SENTENCE)


def _told(running: Service) -> list[str]:
    servers = ["PostgreSQL", "Valkey"] if running.is_embedded else []
    return [
        f"PRSNL runs at {running.url}   (Ctrl-C stops it)",
        f"  data   {running.data_dir}",
        f"  key    {running.data_dir / 'api-key'}",
        f"  runs   {', '.join([*servers, *_counted(running)])}",
        "  try    ./prsnl process samples/",
    ]


def _flower(settings: Settings) -> list[str]:
    own = settings.flower
    if not own.flower:
        return []
    where = "PRSNL_FLOWER_PASSWORD"
    if own.flower_password is None:
        where = str(settings.storage.folder / "flower-password")
    address = f"http://{settings.server.host}:{own.flower_port}"
    return [f"  flower {address}   (user prsnl, password: {where})"]


def _hints(settings: Settings) -> list[str]:
    """What would be better, only when it is here."""
    hint = better_summaries(settings)
    return [f"  {hint}"] if hint else []


def _counted(running: Service) -> list[str]:
    """The programs by kind: "1 to 4 x file_processing"."""
    kinds = Counter(
        program.name.rpartition("-")[0] or program.name for program in running.programs
    )
    told = {kind: "" if count == 1 else f"{count} x " for kind, count in kinds.items()}
    least, most = running.bounds.least, running.bounds.most
    if most > least:
        told[CPU_WORKER] = f"{least} to {most} x "
    return [f"{count}{kind}" for kind, count in told.items()]
