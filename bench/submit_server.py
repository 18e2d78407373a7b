"""The product's API with two more endpoints beside it: one validates, one inserts."""

from __future__ import annotations

import signal
import sys

import uvicorn
from fastapi import FastAPI
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool

from prsnl.ai_processing.specs import AnalyzeContent
from prsnl.api import make_app
from prsnl.core.db import connect
from prsnl.core.ids import new_id
from prsnl.web import keys
from prsnl.wire.tasks import Accepted
from prsnl.wiring import read

TABLE = """
create table if not exists bench_inserts (
    id uuid primary key, owner text not null, command jsonb not null,
    created_at timestamptz not null default now())
"""
_INSERT = "insert into bench_inserts (id, owner, command) values (%s, 'bench', %s)"


def add_alternatives(app: FastAPI, database_url: str) -> None:
    """What the real endpoint is compared with."""
    # As many connections as the submitter has.
    made = AsyncConnectionPool(
        database_url, min_size=0, max_size=4, open=False, kwargs={"autocommit": True}
    )

    async def pool() -> AsyncConnectionPool:
        await made.open()  # nothing, when it is
        return made

    @app.post("/bench/validate", status_code=202)
    async def validate(command: AnalyzeContent) -> Accepted:
        del command
        return _accepted()

    @app.post("/bench/insert", status_code=202)
    async def insert(command: AnalyzeContent) -> Accepted:
        accepted = _accepted()
        async with (await pool()).connection() as connection:
            await connection.execute(
                _INSERT, [accepted.task_id, Jsonb(command.model_dump(mode="json"))]
            )
        return accepted


def _accepted() -> Accepted:
    task_id = new_id()
    return Accepted(
        task_id=task_id,
        message="The task is queued; monitor_url shows its progress and its result.",
        monitor_url=f"/api/background/status/{task_id}",
    )


def main(key: str, port: int) -> None:
    """Serve until TERM."""
    wiring = read()
    with connect(wiring.database_url) as connection:
        connection.execute(TABLE)
        keys.ensure(connection, key, owner="bench", name="bench")
    app = make_app(wiring)
    add_alternatives(app, wiring.database_url)
    # uvicorn raises the signal again when it has stopped; a profile is to be written.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
