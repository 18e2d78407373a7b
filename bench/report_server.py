"""What an application without a queue is: each request does its job, then answers."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

sys.path.insert(0, str(Path(__file__).parent))

from fastapi import FastAPI, Request, UploadFile
from psycopg_pool import ConnectionPool

from batch import Folder, analysed

TABLE = "create table if not exists bench_done (name text primary key)"


@asynccontextmanager
async def _opened(app: FastAPI) -> AsyncIterator[None]:
    url = os.environ["PRSNL_DATABASE_URL"]
    with (
        tempfile.TemporaryDirectory() as root,
        ConnectionPool(url, min_size=1, max_size=8, timeout=60) as pool,
    ):
        app.state.folder = Folder(Path(root), Path(root))
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_opened)


@app.post("/job")
def job(request: Request, file: Annotated[UploadFile, ...]) -> dict[str, str]:
    """Read and analyse a note as the product does, keep the result, and answer."""
    state = request.app.state
    name = str(file.filename)
    (state.folder.inputs / name).write_bytes(file.file.read())
    analysed(state.folder, name)
    with state.pool.connection() as connection:
        connection.execute(
            "insert into bench_done values (%s) on conflict do nothing", [name]
        )
    return {"name": name}


@app.get("/jobs")
def jobs(request: Request) -> dict[str, int]:
    """What somebody else asks meanwhile: how many there are."""
    with request.app.state.pool.connection() as connection:
        row = connection.execute("select count(*) from bench_done").fetchone()
    return {"done": row[0] if row else 0}
