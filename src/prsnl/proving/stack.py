"""The whole stack with counting workers, as one process that can be killed."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prsnl.core import schema
from prsnl.core.db import connect
from prsnl.embedded.stack import EmbeddedStack, StackUrls
from prsnl.embedded.supervisor import ProcessSpec, Supervisor
from prsnl.proving.service import BOOKS, PLAIN_BOOKS

URLS_FILE: Final = "urls.json"
WORKER: Final = "prsnl.proving.worker"
#: Plain Celery: it has no scheduler.
PLAIN_WORKER: Final = "prsnl.proving.plain_worker"
WORKERS: Final = 2


def urls_of(data_dir: Path) -> StackUrls:
    """Where the stack of a data folder is reached."""
    return StackUrls(**json.loads((data_dir / URLS_FILE).read_text()))


def environment(data_dir: Path, urls: StackUrls) -> dict[str, str]:
    """What our processes need to know; private to their user."""
    return {
        **os.environ,
        "PRSNL_DATA_DIR": str(data_dir),
        "PRSNL_DATABASE_URL": urls.database_url,
        "PRSNL_BROKER_URL": urls.broker_url,
    }


def processes(
    data_dir: Path, urls: StackUrls, *, worker: str = WORKER, workers: int = WORKERS
) -> list[ProcessSpec]:
    """One scheduler, and workers that take from both queues."""
    env = environment(data_dir, urls)
    logs = data_dir / "logs"
    scheduler = ProcessSpec(
        name="scheduler",
        argv=(sys.executable, "-m", "prsnl.proving.scheduler"),
        env=env,
        log=logs / "scheduler.log",
    )
    return [
        *([] if worker == PLAIN_WORKER else [scheduler]),
        *(
            ProcessSpec(
                name=f"worker-{number}",
                argv=(
                    sys.executable,
                    "-m",
                    worker,
                    "file_processing",
                    "media_processing",
                    "ai_processing",
                ),
                env=env,
                log=logs / f"worker-{number}.log",
            )
            for number in range(1, workers + 1)
        ),
    ]


def main(arguments: Sequence[str]) -> None:
    """Run the stack of a data folder until TERM.

    Args:
        arguments: The folder, then the module of the workers and their number, where
            these are not the usual ones.
    """
    data_dir = Path(arguments[0])
    worker = arguments[1] if len(arguments) > 1 else WORKER
    workers = int(arguments[2]) if len(arguments) > 2 else WORKERS  # noqa: PLR2004 - the third argument
    (data_dir / URLS_FILE).unlink(missing_ok=True)
    with (
        Supervisor() as supervisor,
        supervisor.signals(),
        EmbeddedStack(data_dir, supervisor, what="prsnl prove") as urls,
    ):
        schema.migrate(urls.database_url)
        with connect(urls.database_url) as connection:
            connection.execute(BOOKS)
            connection.execute(PLAIN_BOOKS)
        for spec in processes(data_dir, urls, worker=worker, workers=workers):
            supervisor.add(spec)
        told = json.dumps(
            {"database_url": urls.database_url, "broker_url": urls.broker_url}
        )
        new = data_dir / f"{URLS_FILE}.new"
        new.touch(mode=0o600)
        new.write_text(told)
        new.replace(data_dir / URLS_FILE)
        supervisor.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
