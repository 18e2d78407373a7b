"""Which processes one machine runs, and how they are started."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from prsnl.core.errors import SENTENCE, StartError
from prsnl.discovery import RunningServer
from prsnl.embedded.scaling import Bounds
from prsnl.embedded.supervisor import ProcessSpec
from prsnl.work.queues import Queue
from prsnl.work.workers import RETIRES

#: What a worker of the CPU queues takes from, and what it is called before its number.
CPU_QUEUES: Final = (Queue.FILE_PROCESSING, Queue.MEDIA_PROCESSING)
CPU_WORKER: Final = str(Queue.FILE_PROCESSING)
#: More CPU workers only where `PRSNL_WORKER_CONCURRENCY` asks for them: each holds
#: memory, also when it is idle.
MOST_CPU_WORKERS: Final = 8
_LEAST_CPU_WORKERS: Final = 2
#: Its tasks wait for a child or for a network.
AI_THREADS: Final = 4
_READY_S: Final = 60.0
#: A worker gives back what runs within 20 s of TERM, and then leaves.
_STOP_S: Final = 25.0


@dataclass(frozen=True, kw_only=True)
class Program:
    """One process: a name, and what follows `./prsnl`."""

    name: str
    arguments: tuple[str, ...]
    #: It is ready when it can be asked.
    serves: bool = False

    @property
    def renews(self) -> bool:
        """It has made engines of the settings that it began with."""
        return self.arguments[0] in {"worker", "scheduler"}


def bounds(
    *, cores: int, most: int | None = None, least: int = 1, is_passing: bool = False
) -> Bounds:
    """How many processes the CPU queues get, at least and at most.

    The most is one process a core, one task at a time in each: they are nice, so the
    database and the API come first. It is two at least: one large recording keeps one
    for hours, and a machine does one such at a time.

    Args:
        cores: How many the machine has for us.
        most: Where the user says so.
        least: So many stay when there is nothing to do.
        is_passing: There is something to do from the start to the end.
    """
    count = most or max(_LEAST_CPU_WORKERS, min(cores, MOST_CPU_WORKERS))
    count = max(count, least)
    return Bounds(least=count if is_passing else least, most=count)


def cpu_worker(number: int) -> Program:
    """One worker of the CPU queues."""
    return Program(name=f"{CPU_WORKER}-{number}", arguments=("worker", *CPU_QUEUES))


def plan(
    *,
    cpu_workers: int,
    is_passing: bool = False,
    has_flower: bool = False,
) -> tuple[Program, ...]:
    """The programs that one machine starts with.

    The AI queue has one process of its own, whose threads wait, so that no file keeps
    one of its tasks waiting.

    Args:
        cpu_workers: Processes of the CPU queues; more come when there is work.
        is_passing: The server ends with the command that starts it.
        has_flower: Celery's own view of the workers, too.
    """
    return (
        Program(
            name="api",
            arguments=("api", *(["--passing"] if is_passing else [])),
            serves=True,
        ),
        Program(name="scheduler", arguments=("scheduler",)),
        *(cpu_worker(number) for number in range(1, cpu_workers + 1)),
        Program(
            name=f"{Queue.AI_PROCESSING}-1",
            arguments=(
                "worker",
                Queue.AI_PROCESSING,
                "--threads",
                str(AI_THREADS),
            ),
        ),
        *((Program(name="flower", arguments=("flower",)),) if has_flower else ()),
    )


def environment(
    *, data_dir: Path, database_url: str, broker_url: str, port: int | None
) -> dict[str, str]:
    """What the programs are told. A process's environment is its user's alone.

    Args:
        data_dir: Their data folder.
        database_url: Where the database is; holds a password.
        broker_url: Where the broker is; holds a password.
        port: Where the API listens, if not where the settings say.
    """
    told = {
        # Each thread of a process keeps what it ever held, in an arena of its own.
        "MALLOC_ARENA_MAX": "2",
        **os.environ,
        "PRSNL_DATA_DIR": str(data_dir),
        "PRSNL_DATABASE_URL": database_url,
        "PRSNL_BROKER_URL": broker_url,
    }
    if port is not None:
        told["PRSNL_PORT"] = str(port)
    return told


def process_specs(
    programs: tuple[Program, ...], *, data_dir: Path, env: Mapping[str, str]
) -> list[ProcessSpec]:
    """How the supervisor starts the programs; their logs are in the data folder."""
    return [
        ProcessSpec(
            name=program.name,
            argv=(sys.executable, "-m", "prsnl", *program.arguments),
            env=env,
            log=data_dir / "logs" / f"{program.name}.log",
            ready=partial(_is_listening, data_dir) if program.serves else _is_started,
            ready_timeout_s=_READY_S,
            explain=told_at_the_end,
            stop_timeout_s=_STOP_S,
            retire_signal=RETIRES,
            renews=program.renews,
        )
        for program in programs
    ]


def _is_listening(data_dir: Path, pid: int) -> bool:
    running = RunningServer.find(data_dir)
    return running is not None and running.pid == pid


def _is_started(_pid: int) -> bool:
    return True


def told_at_the_end(output: str) -> StartError | None:
    """The sentence that a program of ours leaves with, out of its log."""
    for line in reversed(output.splitlines()):
        if line.startswith(SENTENCE):
            return StartError(line.removeprefix(SENTENCE))
    return None
